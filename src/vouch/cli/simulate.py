"""``vouch simulate``: data to try things on, no file needed."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command and its subcommands."""
    commands = typer.Typer(help="Make data to try things on.", no_args_is_help=True)
    commands.callback()(lambda: None)  # one command alone would lose its name
    commands.command()(payments)
    app.add_typer(commands, name="simulate")


def payments(
    out: Annotated[Path, typer.Option(help="The file to write: .parquet or .csv.")],
    rows: Annotated[int, typer.Option(help="10,000 to 6,400,000.")] = 200_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
) -> None:
    """Simulate mobile money payments with the published facts of PaySim, frauds included.

    Examples:
      vouch simulate payments --rows 500000 --seed 1 --out payments.parquet
    """
    from rich.console import Console

    from vouch.sources.paysim import write
    from vouch.terminal import working

    with working(Console(stderr=True), "simulate") as progress:
        write(out, rows, seed, progress)
    print(f"{out}: {rows:,} payments")
