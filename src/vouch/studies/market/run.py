"""From a file of tweets and one of prices to tables, findings, alerts and a page."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.core.files import replacing, write_json
from vouch.core.progress import Progress, silent
from vouch.engine import connect
from vouch.sources.readers import parquet
from vouch.studies.market import figures, page, sentences, topics
from vouch.studies.market.alerts import find_alerts
from vouch.studies.market.assets import DEFAULT, Assets, load_assets
from vouch.studies.market.findings import ALL, Analysis, analyse
from vouch.studies.market.params import MarketParams
from vouch.studies.market.prices import Prices, load_prices
from vouch.studies.market.tweets import (
    CLASSES,
    Counts,
    choose_source,
    read_bronze,
    write_silver,
)
from vouch.studies.market.windows import each_asset, load_panel, write_gold

STEPS = 6
Images = dict[str, Any]
"""Name to figure, None where there is nothing to draw; ``clouds``: PNG by class."""


class Spans(TypedDict):
    """The time that tweets span, and their assets."""

    since: datetime | None
    until: datetime | None
    assets: list[str]


class Tweets(Counts, Spans):
    """What was read of a file of tweets."""

    source: str
    lines: int
    rows: int


class Report(TypedDict, total=False):
    """The content of ``market.json``; see :func:`report`."""

    conclusion: list[str]
    warnings: list[str]
    sentiment: str
    lexicon: bool
    tweets: Tweets
    prices: Prices
    analysis: Analysis
    topics: list[topics.Topic]
    alerts: list[dict[str, Any]]


@dataclass(frozen=True)
class Request:
    """What the report is to be about.

    Attributes:
        tweets: The file of tweets.
        prices: The file of prices.
        out: The folder to write into.
        source: The declaration of the tweets' columns; None: the one that fits.
        scores: Classes of the tweets; None: VADER's rule.
        assets: What assets are called.
        price_asset: Whose prices they are, where the file does not say.
    """

    tweets: Path
    prices: Path
    out: Path
    source: str | None = None
    scores: Path | None = None
    assets: Path = DEFAULT
    price_asset: str | None = None


def report(
    root: Path, request: Request, params: MarketParams, progress: Progress = silent
) -> Report:
    """Write the market report.

    Writes ``bronze.parquet``, ``rejects.parquet``, ``silver.parquet``, ``gold.parquet``,
    ``alerts.parquet``, ``market.json`` and ``report.html``.

    Args:
        root: The project's folder.
        request: The files.
        params: What is looked for.
        progress: Called with the progress.

    Returns:
        The content of ``market.json``: ``conclusion`` (sentences), ``warnings``, ``sentiment``
        (where it is from), ``lexicon`` (whether that is VADER), ``tweets``, ``prices``,
        ``analysis``, ``topics`` and ``alerts``.

    Raises:
        VouchError: A file is missing or not of the form it must have.
    """
    from threadpoolctl import threadpool_limits

    if request.out.exists() and not request.out.is_dir():
        raise VouchError(f"--out: {request.out} is a file", "name a folder")
    # matrices of a few thousand rows: more threads cost more than they bring
    with threadpool_limits(1):
        content, images = _worked_out(root, request, params, progress)
    write_json(request.out / "market.json", content)
    with replacing(request.out / "report.html") as draft:
        draft.write_text(page.render(content, images, params), encoding="utf-8")
    progress(STEPS, STEPS, "done")
    return content


def _worked_out(
    root: Path, request: Request, params: MarketParams, progress: Progress
) -> tuple[Report, Images]:
    """Write the tables; return the report's content and its images."""
    assets = load_assets(request.assets)
    tweets, prices = _tables(root, request, assets, params, progress)
    gold, silver = request.out / "gold.parquet", request.out / "silver.parquet"
    panel, _ = load_panel(gold, params)
    content: Report = {
        "tweets": tweets,
        "prices": prices,
        "sentiment": _reader(request, params),
        "lexicon": request.scores is None,
        "analysis": analyse(panel, params, _part(progress, 2)),
    }
    progress(3, STEPS, "alerts")
    alerts = find_alerts(gold, params)
    with replacing(request.out / "alerts.parquet") as draft:
        alerts.to_parquet(draft, index=False)
    content["alerts"] = [_plain(row) for row in alerts.to_dict("records")]
    content["conclusion"] = sentences.conclusion(content, params)
    content["warnings"] = sentences.warnings(content)
    progress(4, STEPS, "words and topics")
    texts = topics.sample(_texts(silver))
    content["topics"] = topics.topics(texts["text"].tolist(), texts["class"].tolist(), assets)
    progress(5, STEPS, "drawing")
    return content, _images(texts, assets, gold, content, params)


def _tables(
    root: Path, request: Request, assets: Assets, params: MarketParams, progress: Progress
) -> tuple[Tweets, Prices]:
    """Write bronze, silver and gold; return the report's figures on tweets and prices."""
    source = choose_source(root, request.tweets, request.source)
    request.out.mkdir(parents=True, exist_ok=True)
    silver, gold = request.out / "silver.parquet", request.out / "gold.parquet"
    with connect() as engine:
        progress(0, STEPS, "prices")
        asset, minutes = request.price_asset, params.minutes
        prices = load_prices(engine.con, request.prices, assets, asset, minutes)
        progress(0.2, STEPS, "tweets")
        bronze = read_bronze(source, request.tweets, request.out, silent)
        counts = write_silver(
            engine.con, bronze, request.scores, assets, silver, params, _part(progress, 1)
        )
        write_gold(engine.con, silver, gold, minutes)
        tweets: Tweets = {
            **counts,
            **_spans(engine.con, silver),
            "source": source.name,
            "lines": bronze.lines,
            "rows": bronze.rows,
        }
    if not pd.read_parquet(gold, columns=["tweets"])["tweets"].any():
        raise VouchError(
            f"{request.tweets}: none of its {tweets['tweets']:,} tweets has an asset of the table, "
            "a class and a time",
            "name the assets it is about: --assets TABLE.yaml",
        )
    return tweets, prices


def _part(progress: Progress, step: int) -> Progress:
    """Return a progress callback for one step that reports to the whole's."""
    return lambda done, total, message="": progress(step + done / total, STEPS, message)


def _reader(request: Request, params: MarketParams) -> str:
    if request.scores:
        return f"the predictions in {request.scores.name}"
    return f"VADER's rule: compound score from {params.threshold} on positive, from " + (
        f"-{params.threshold} down negative"
    )


def _spans(connection: Any, silver: Path) -> Spans:
    since, until, named = connection.execute(
        f"""SELECT min(time), max(time), list_sort(list_distinct(list(asset)))
            FROM {parquet(silver)}"""
    ).fetchall()[0]
    return {"since": since, "until": until, "assets": [name for name in named if name]}


def _plain(row: dict[Any, Any]) -> dict[str, object]:
    return {str(name): str(v) if name == "starts_at" else v for name, v in row.items()}


def _texts(silver: Path) -> pd.DataFrame:
    """Read texts, classes and lengths of tweets that have a class, each once."""
    rows = pd.read_parquet(silver, columns=["id", "text", "class", "length"])
    return rows.dropna(subset=["class"]).drop_duplicates("id").astype({"class": int})


def _images(
    texts: pd.DataFrame, assets: Assets, gold: Path, content: Report, params: MarketParams
) -> Images:
    words = topics.speaking(texts["text"].tolist(), texts["class"].tolist(), assets)
    windows = dict(each_asset(gold, params.minutes))
    tests = content["analysis"]["tests"]
    return {
        "lengths": figures.lengths(texts) if len(texts) else None,
        "clouds": [figures.cloud(each, label) for label, each in enumerate(words)],
        "volume": figures.volume(_volume(gold)),
        "over_time": figures.over_time(_over_time(windows)),
        "volatility": figures.volatility(volatile_days(windows)),
        "correlogram": figures.correlogram(tests, tests[0]["series"] if tests else ALL),
    }


def _volume(gold: Path) -> pd.DataFrame:
    rows = (
        pd.read_parquet(gold, columns=["starts_at", *CLASSES]).set_index("starts_at").sort_index()
    )
    return rows.resample(_bucket(rows)).sum()


def _bucket(rows: pd.DataFrame) -> str:
    return figures.buckets(rows.index[0], rows.index[-1]) if len(rows) else "1D"


def _over_time(windows: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return mean sentiment and price of the assets most tweeted about, those with prices first."""
    rank = sorted(
        windows, key=lambda a: (not windows[a]["price"].notna().any(), -windows[a]["tweets"].sum())
    )
    drawn = {}
    for asset in rank[: figures.SHOWN]:
        rows = windows[asset]
        parts = rows.resample(_bucket(rows))
        mean = parts["sentiment"].sum() / parts["tweets"].sum().replace(0, np.nan)
        # a price from before the window says nothing of it
        price = rows["price"].where(rows["return"].notna()).resample(_bucket(rows)).last()
        drawn[asset] = pd.DataFrame({"sentiment": mean, "price": price})
    return drawn


def volatile_days(windows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return each asset's days: tweets and volatility, the root of the summed squared returns."""
    tables = [pd.DataFrame({"asset": [], "tweets": [], "volatility": []})]
    for asset, rows in windows.items():
        squares = (rows["return"] ** 2).resample("1D").sum(min_count=24)
        days = pd.DataFrame(
            {"tweets": rows["tweets"].resample("1D").sum(), "volatility": squares**0.5}
        )
        tables.append(days[(days > 0).all(axis=1)].assign(asset=asset))
    return pd.concat(tables, ignore_index=True)
