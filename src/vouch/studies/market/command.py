"""The command ``vouch market``: options in, the report out."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write


def market(
    tweets: Annotated[Path, typer.Option(help="Tweets: CSV, Parquet or JSON lines.")],
    prices: Annotated[
        Path, typer.Option(help="Prices: CSV or Parquet with time, open, close[, asset, volume].")
    ],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    source: Annotated[
        str | None, typer.Option(help="A declaration in data/sources; else the one that fits.")
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="Classes by id, as vouch score writes them; else VADER's rule."),
    ] = None,
    assets: Annotated[
        Path | None, typer.Option(help="What tweets call assets: .yaml or .csv; else usual coins.")
    ] = None,
    price_asset: Annotated[
        str | None, typer.Option(help="Whose prices they are, if neither column nor name says.")
    ] = None,
    lags: Annotated[int, typer.Option(help="Windows before and after to look at, 1 to 96.")] = 8,
    alpha: Annotated[
        float, typer.Option(help="Chance of any false effect of sentiment, all lags and assets.")
    ] = 0.01,
    threshold: Annotated[
        float, typer.Option(help="VADER's compound score from which a tweet is positive.")
    ] = 0.05,
    alerts: Annotated[
        str, typer.Option(help="Standard deviations from the day before that make an alert.")
    ] = "price=5,activity=6,sentiment=5",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the findings here, too.")
    ] = None,
) -> None:
    """Report whether prices follow the sentiment of tweets, in windows of 15 minutes.

    Examples:
      vouch simulate tweets --out tweets.csv --prices prices.csv --price-effect 0.2 --price-lag 2
      vouch market --tweets tweets.csv --prices prices.csv --out market
      vouch market --tweets crypto.csv --source crypto --prices BTCUSDT_15m.csv --out market
      vouch market --tweets t.csv --prices p.csv --scores scores.csv --alerts price=4 --out market
    """
    from rich.console import Console

    from vouch.core.files import write_json
    from vouch.core.terminal import working
    from vouch.studies.market.assets import DEFAULT
    from vouch.studies.market.params import MarketParams, thresholds
    from vouch.studies.market.run import Request, report

    params = MarketParams(
        lags=lags, alpha=alpha, threshold=threshold, thresholds=thresholds(alerts)
    )
    request = Request(tweets, prices, out, source, scores, assets or DEFAULT, price_asset)
    with working(Console(stderr=True), "market") as progress:
        result = report(Path(), request, params, progress)
    for sentence in result["conclusion"]:
        write(sentence)
    write(
        f"{len(result['alerts']):,} alerts; sentiment by {result['sentiment']} -> {out}/report.html"
    )
    for warning in result["warnings"]:
        write(f"warning: {warning}", error=True)
    if json_file:
        write_json(json_file, result)
