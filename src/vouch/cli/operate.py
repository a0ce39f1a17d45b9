"""``vouch up``, ``doctor`` and ``reset``: running the project for good, and starting afresh."""

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path()


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up,):
        app.command()(command)


def up(
    prefect_port: Annotated[int, typer.Option(help="Prefect's page and API.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(help="MLflow's page.")] = 5000,
    page_port: Annotated[int, typer.Option(help="The start page.")] = 8765,
) -> None:
    """Serve the project: Prefect with prefect.yaml's schedules, a worker, MLflow, a start page.

    It stops everything it started on Ctrl-C, on SIGTERM, and when one of them ends. Meanwhile
    `vouch run` uses its server.

    Example:
      vouch up --page-port 8800
    """
    from rich.console import Console

    from vouch.operate.record import Ports
    from vouch.operate.up import up as serve

    ports = Ports(prefect=prefect_port, mlflow=mlflow_port, page=page_port)
    serve(ROOT, ports, Console(highlight=False))
