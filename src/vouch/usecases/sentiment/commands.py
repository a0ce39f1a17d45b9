"""The command ``vouch simulate tweets``."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write


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

    from vouch.core.terminal import working
    from vouch.sources import tweets as simulator

    market = simulator.Market(price_effect, price_lag, follow)
    with working(Console(stderr=True), "simulate") as progress:
        simulator.write(out, rows, seed, label_noise, market, prices, progress)
    write(f"{out}: {rows:,} tweets" + (f"; {prices}: 15-minute prices" if prices else ""))
