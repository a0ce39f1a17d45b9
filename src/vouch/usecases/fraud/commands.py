"""The command ``vouch simulate payments``."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write


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

    from vouch.core.terminal import working
    from vouch.sources import paysim

    with working(Console(stderr=True), "simulate") as progress:
        paysim.write(out, rows, seed, progress)
    write(f"{out}: {rows:,} payments")
