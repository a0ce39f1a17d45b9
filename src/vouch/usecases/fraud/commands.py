"""The command ``vouch simulate payments``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.errors import VouchError
from vouch.core.output import write

if TYPE_CHECKING:
    from vouch.sources.declaration import PaySim


def payments(
    out: Annotated[Path, typer.Option(help="The file to write: .parquet or .csv.")],
    rows: Annotated[int | None, typer.Option(help="10,000 to 6,400,000. [default: 200000]")] = None,
    seed: Annotated[int | None, typer.Option(help="The same one, the same bytes. [1]")] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="A simulated source, whose rows, seed and clients to use."),
    ] = None,
    from_day: Annotated[int, typer.Option(min=1, max=31, help="The first day to write.")] = 1,
    to_day: Annotated[int, typer.Option(min=1, max=31, help="The last day to write.")] = 31,
) -> None:
    """Simulate mobile money payments with the published facts of PaySim, frauds included.

    Days are those of one simulated month: a month in two files has the rows of a month in one.

    Examples:
      vouch simulate payments --rows 500000 --seed 1 --out payments.parquet
      vouch simulate payments --like data/sources/simulated.yaml --to-day 20 --out days.csv
      vouch simulate payments --like data/sources/simulated.yaml --from-day 21 --out later.csv
    """
    from rich.console import Console

    from vouch.core.terminal import working
    from vouch.sources import paysim

    simulator = _simulator(like)
    rows = simulator.rows if rows is None else rows
    seed = simulator.seed if seed is None else seed
    with working(Console(stderr=True), "simulate") as progress:
        days = (from_day, to_day)
        written = paysim.write(out, rows, seed, progress, simulator.regulars, days)
    write(f"{out}: {written:,} payments")


def _simulator(declaration: Path | None) -> "PaySim":
    """Return a source's simulator of payments; without one, PaySim's own."""
    from vouch.sources.declaration import PaySim, load_declaration

    if declaration is None:
        return PaySim(name="paysim", rows=200_000, seed=1)
    simulator = load_declaration(declaration).simulator
    if not isinstance(simulator, PaySim):
        raise VouchError(f"{declaration}: no simulator of payments", "name another --like")
    return simulator
