"""Gold: windows of each asset, what was tweeted in them, and the price at their end."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vouch.sources.readers import literal, parquet
from vouch.studies.market.findings import IMPULSES, Panel, panel
from vouch.studies.market.params import MarketParams

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COUNTS = ("tweets", "sentiment", "followers", "retweets")


def write_gold(connection: "DuckDBPyConnection", silver: Path, gold: Path, minutes: int) -> None:
    """Count tweets by asset and window and join the prices that are known at its end.

    A window has a row if something was tweeted in it, or if it has a price and lies between the
    asset's first and last tweet. Nothing in a row is known later than the window's end.

    Args:
        connection: Has the table ``bars``.
        silver: Classed tweets with their assets.
        gold: The Parquet file to write, sorted by asset and time: ``asset``, ``starts_at``,
            ``ends_at``, ``tweets``, ``negative``, ``neutral``, ``positive``, ``sentiment`` (sum of
            +1, 0, -1), ``followers``, ``retweets`` (sums), ``price`` (last close known at the
            end), ``price_known_at``, ``return`` (over the window; null where its price or the one
            before is not fresh) and ``volume``.
        minutes: Length of a window.
    """
    span = f"to_minutes({minutes})"
    bucket = f"time_bucket({span}, {{}}, TIMESTAMP '2000-01-01')"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE tweeted AS
            SELECT asset, {bucket.format("time")} AS starts_at, count(*) AS tweets,
              count(*) FILTER (class = 0) AS negative, count(*) FILTER (class = 1) AS neutral,
              count(*) FILTER (class = 2) AS positive, sum(class - 1) AS sentiment,
              coalesce(sum(followers), 0) AS followers, coalesce(sum(retweets), 0) AS retweets
            FROM {parquet(silver)}
            WHERE asset IS NOT NULL AND class IS NOT NULL AND time IS NOT NULL GROUP BY ALL"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE traded AS
            SELECT asset, {bucket.format("begins_at")} AS starts_at, sum(volume) AS volume
            FROM bars GROUP BY ALL"""
    )
    connection.execute(f"COPY ({_joined(span)}) TO {literal(gold)} (FORMAT parquet)")


def _joined(span: str) -> str:
    counts = ", ".join(
        f"CAST(coalesce({name}, 0) AS DOUBLE) AS {name}"
        for name in ("tweets", "negative", "neutral", "positive", *COUNTS[1:])
    )
    return f"""
        WITH spans AS (
          SELECT asset, min(starts_at) AS first, max(starts_at) AS last
          FROM tweeted GROUP BY asset),
        grid AS (
          SELECT asset, starts_at FROM tweeted UNION
          SELECT asset, starts_at FROM traded JOIN spans USING (asset)
          WHERE starts_at BETWEEN first AND last),
        windows AS (SELECT asset, starts_at, starts_at + {span} AS ends_at FROM grid)
        SELECT windows.asset, windows.starts_at, windows.ends_at, {counts},
          here.close AS price, here.known_at AS price_known_at,
          CASE WHEN here.known_at > windows.starts_at THEN here.close /
            CASE WHEN before.known_at > windows.starts_at - {span} THEN before.close
                 WHEN here.begins_at = windows.starts_at THEN here.open END - 1 END AS return,
          traded.volume
        FROM windows
        LEFT JOIN tweeted USING (asset, starts_at)
        LEFT JOIN traded USING (asset, starts_at)
        ASOF LEFT JOIN bars AS here
          ON windows.asset = here.asset AND windows.ends_at >= here.known_at
        ASOF LEFT JOIN bars AS before
          ON windows.asset = before.asset AND windows.starts_at >= before.known_at
        ORDER BY windows.asset, windows.starts_at"""


def load_panel(gold: Path, params: MarketParams) -> tuple[Panel, pd.DatetimeIndex]:
    """Read gold into a panel of the windows that have a price.

    Returns:
        The panel and its windows' starts, none left out between the first and the last price.
    """
    rows = pd.read_parquet(gold, columns=["asset", "starts_at", *COUNTS, "return"])
    priced = rows.loc[rows["return"].notna(), "starts_at"]
    index = regular(priced.min(), priced.max(), params.minutes)
    inside = rows[rows["starts_at"].isin(index)]
    names = sorted(rows.loc[rows["return"].notna(), "asset"].unique())

    def matrix(name: str) -> Any:
        wide = inside.pivot(index="starts_at", columns="asset", values=name)
        return wide.reindex(index=index, columns=names).to_numpy(np.float64)

    impulses = {name: matrix(name) for name in IMPULSES}
    return panel(names, matrix("return"), impulses, params), index


def regular(first: Any, last: Any, minutes: int) -> pd.DatetimeIndex:
    """Return every window's start from the first to the last; none if there is no first."""
    if pd.isna(first):
        return pd.DatetimeIndex([])
    return pd.date_range(first, last, freq=f"{minutes}min")


def each_asset(gold: Path, minutes: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each asset's windows in order, those without a row as silent ones without a price."""
    import pyarrow.parquet as pq

    for asset in pd.unique(pd.read_parquet(gold, columns=["asset"])["asset"]):
        rows = pq.read_table(gold, filters=[("asset", "=", asset)]).to_pandas()
        index = regular(rows["starts_at"].min(), rows["starts_at"].max(), minutes)
        whole = rows.set_index("starts_at").reindex(index)
        whole[list(COUNTS)] = whole[list(COUNTS)].fillna(0.0)
        yield str(asset), whole
