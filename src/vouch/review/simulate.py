"""The commands ``vouch simulate …``: data to try things on, and people to decide cases."""

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

    from vouch.project.terminal import working
    from vouch.sources import paysim

    with working(Console(stderr=True), "simulate") as progress:
        paysim.write(out, rows, seed, progress)
    write(f"{out}: {rows:,} payments")


def tweets(
    out: Annotated[Path, typer.Option(help="The file to write: .parquet or .csv.")],
    rows: Annotated[int, typer.Option(help="1,000 to 1,000,000.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    label_noise: Annotated[
        float, typer.Option(help="Share of labels, 0 to 0.5, that are not the true class.")
    ] = 0.08,
    prices: Annotated[
        Path | None, typer.Option(help="Also write 15-minute prices here: .parquet or .csv.")
    ] = None,
    price_effect: Annotated[
        float,
        typer.Option(help="Standard deviations the price moves for a unit of mood, -1 to 1."),
    ] = 0.0,
    price_lag: Annotated[
        int, typer.Option(help="After how many quarters of an hour it moves, 1 to 96.")
    ] = 1,
    follow: Annotated[
        float, typer.Option(help="How much mood leans the way the price went, 0 to 1.")
    ] = 0.3,
) -> None:
    """Generate tweets about coins whose sentiment is not trivial to read, and prices.

    Examples:
      vouch simulate tweets --rows 20000 --seed 1 --out tweets.csv
      vouch simulate tweets --out tweets.csv --prices prices.csv --price-effect 0.2
    """
    from rich.console import Console

    from vouch.project.terminal import working
    from vouch.sources import tweets as simulator

    market = simulator.Market(price_effect, price_lag, follow)
    with working(Console(stderr=True), "simulate") as progress:
        simulator.write(out, rows, seed, label_noise, market, prices, progress)
    write(f"{out}: {rows:,} tweets" + (f"; {prices}: 15-minute prices" if prices else ""))


def reviewers(
    usecase: Annotated[str, typer.Argument(help="fraud or sentiment.")],
    file: Annotated[Path, typer.Argument(help="Cases to decide, as vouch enqueue writes them.")],
    out: Annotated[Path, typer.Option(help="Where the decided cases go (CSV).")],
    seed: Annotated[int, typer.Option(help="The same seed decides the same way.")] = 1,
    each: Annotated[int, typer.Option(help="How many reviewers decide each case.")] = 1,
    count: Annotated[
        int, typer.Option("--reviewers", min=1, max=1000, help="How many there are.")
    ] = 50,
    perfect: Annotated[bool, typer.Option("--perfect", help="Reviewers who never err.")] = False,
) -> None:
    """Decide cases as people would: each errs in their own measure, most on hard cases.

    The truth is the source's own label of the project's rows.

    Examples:
      vouch simulate reviewers fraud cases.csv --out decided.csv
      vouch simulate reviewers fraud cases.csv --out decided.csv --each 3 --seed 7
    """
    from vouch.review.reviewers import fill, team
    from vouch.usecases import find

    find(usecase)
    counts = fill(Path(), usecase, file, out, team(count, seed, perfect=perfect), each, seed)
    write(f"{out}: {counts['decisions']:,} decisions on {counts['cases']:,} cases")
    if counts["unknown"]:
        write(f"{counts['unknown']:,} left undecided: their truth is not known")
