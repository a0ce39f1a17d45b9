"""Windows that stand out from the day before them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from vouch.studies.market.params import MarketParams
from vouch.studies.market.windows import each_asset

COLUMNS = ("asset", "starts_at", "kind", "value", "usual", "z")
WATCHED = {"price": "return", "activity": "tweets", "sentiment": "sentiment"}
FLOOR = {"price": 0.0, "activity": 1.0, "sentiment": 1.0}
"""The least standard deviation, so that a single tweet after a silent day is no alert."""


def find_alerts(gold: Path, params: MarketParams) -> pd.DataFrame:
    """Find the windows whose price, activity or sentiment is beyond its threshold.

    A window is measured against the windows of the day before it, without itself, so an alert
    could have been given when the window ended.

    Args:
        gold: Windows.
        params: The thresholds, and how many windows are a day.

    Returns:
        ``COLUMNS`` by time: ``value`` is a return, a number of tweets or a sum of sentiment,
        ``usual`` its mean before, ``z`` the distance in standard deviations.
    """
    tables = [
        alerts
        for asset, rows in each_asset(gold, params.minutes)
        for alerts in _of_asset(asset, rows, params)
    ]
    empty = pd.DataFrame({name: [] for name in COLUMNS})
    listed = pd.concat(tables or [empty], ignore_index=True)
    return listed.sort_values(["starts_at", "asset", "kind"], ignore_index=True)


def _of_asset(asset: str, rows: pd.DataFrame, params: MarketParams) -> Iterator[pd.DataFrame]:
    for kind, column in WATCHED.items():
        values = rows[column].astype(float)
        usual, z = deviations(values, params.trailing, FLOOR[kind])
        beyond = z.abs() >= getattr(params.thresholds, kind)
        yield pd.DataFrame(
            {
                "asset": asset,
                "starts_at": rows.index[beyond],
                "kind": kind,
                "value": values[beyond].to_numpy(),
                "usual": usual[beyond].to_numpy(),
                "z": z[beyond].to_numpy(),
            }
        )


def deviations(values: pd.Series, trailing: int, floor: float) -> tuple[pd.Series, pd.Series]:
    """Return the mean of the windows before each window, and how far it is from it.

    Args:
        values: A value a window, NaN where unknown.
        trailing: How many windows before count; at least half of them must be known.
        floor: The least standard deviation.

    Returns:
        Mean and distance in standard deviations, NaN where too few are known or nothing varied.
    """
    before = values.shift(1).rolling(trailing, min_periods=trailing // 2)
    mean, spread = before.mean(), before.std(ddof=0).clip(lower=floor)
    divisor = spread.where(spread > 0, np.nan)
    return mean, (values - mean) / divisor
