"""``vouch stage``: one stage's function, as ``dvc.yaml`` calls it."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.usecases import USECASES


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(stage)


def stage(
    name: Annotated[str, typer.Argument(help="ingest, validate, label, … report")],
    usecase: Annotated[str, typer.Argument(help=" or ".join(USECASES))],
) -> None:
    """Run one stage, whether it is up to date or not; DVC calls this.

    Example:
      vouch stage validate fraud
    """
    import time

    from rich.console import Console

    from vouch.project import terminal
    from vouch.project.pipeline import execute
    from vouch.project.stages import find
    from vouch.project.versions import Outcome

    console = Console()
    started = time.perf_counter()
    with terminal.working(console, name) as progress:
        summary = execute(Path(), find(name), usecase, progress)
    seconds = time.perf_counter() - started
    terminal.tell(console, Outcome(name, usecase, "ran", seconds, 0.0, summary))
