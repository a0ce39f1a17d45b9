"""``vouch stage``: one stage's function, as ``dvc.yaml`` calls it."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.usecases import names


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(stage)


def stage(
    name: Annotated[str, typer.Argument(help="ingest, validate, label, … report")],
    usecase: Annotated[str, typer.Argument(help=" or ".join(names()))],
) -> None:
    """Run one stage, whether it is up to date or not; DVC calls this.

    Example:
      vouch stage validate fraud
    """
    import time

    from rich.console import Console

    from vouch.core import terminal
    from vouch.project import lines
    from vouch.project.pipeline import execute
    from vouch.project.stages import find
    from vouch.project.versions import Outcome

    console = Console()
    started = time.perf_counter()
    with terminal.working(console, name) as progress:
        summary = execute(Path(), find(name), usecase, progress)
    seconds = time.perf_counter() - started
    lines.tell(console, Outcome(name, usecase, "ran", seconds, 0.0, summary))
