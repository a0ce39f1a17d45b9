"""The measure as it would have been reported at past dates, beside what is known now.

Truth comes late, and not evenly: what was known of a time when it had just passed may have told
another story than what is known of it by now. How far the two were apart in the past says how far
the newest figures may be off. The rows are those of training, each scored by its fold's model; rows
of the holdout, and what people decided of them, are not among them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.engine import connect
from vouch.labels.resolve import TRUTH, rank
from vouch.metrics.figures import Figure
from vouch.models.predictions import scored_names
from vouch.results.extract import Extracted
from vouch.results.report import Known, Sliding, SlidingPoint
from vouch.sources.declaration import Declaration
from vouch.usecases import find

POINTS = 20
"""Dates at most."""
STEPS = tuple(timedelta(hours=h) for h in (1, 3, 6, 12, 24, 48, 168, 336, 672, 2184, 8736))
"""How far dates may be apart: hours, days, weeks, quarters."""
WINDOW = 5
"""Steps that a date looks back, at least."""
DELAYS = 3
"""Mean delays of truth that a date looks back, at least: of a shorter time little is known."""
FEWEST = 2
FEW = 3
"""Rows of each class that a figure is of, at least: of fewer its interval is next to everything."""
COLUMNS = ("id", "time", "payer", "payee", "group", "twin")
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Measure = Callable[[pd.DataFrame, Integers], Figure]


@dataclass(frozen=True)
class Truths:
    """What became known of rows: an issue each, the strongest last.

    Attributes:
        row: The row's number, shape (issues,).
        label: The class.
        issued_at: When it was issued.
    """

    row: Integers
    label: Integers
    issued_at: NDArray[np.datetime64]

    def at(self, moment: datetime | pd.Timestamp, rows: int) -> Floats:
        """Return each row's truth as it was known at a time, shape (rows,); NaN if none was."""
        then = self.issued_at <= np.datetime64(moment, "us")
        truth = np.full(rows, np.nan)
        truth[self.row[then]] = self.label[then]  # the last of a row's issues stands
        return truth


def sliding(
    predictions: Path, labels: Path, source: Declaration, extracted: Extracted, metric: str
) -> Sliding | None:
    """Measure out-of-fold rows by the truth known at past dates, and by that known now.

    Args:
        predictions: Out-of-fold predictions (Parquet).
        labels: Issued labels (Parquet).
        source: The source.
        extracted: Extract's result: until when labels count.
        metric: The measure that decides.

    Returns:
        None where rows have no time, where they span too little of it, or where truth never came
        later than its row.
    """
    rows = _rows(predictions)
    if "time" not in rows or len(rows) < FEWEST:
        return None
    step, window = spacing(rows["time"], timedelta(seconds=extracted.delay_seconds or 0))
    dates = dates_of(rows["time"], step, window)
    truths, now = _truths(labels, rows), datetime.fromisoformat(extracted.as_of)
    # nothing is known of a time after the newest row or label
    dates = list(dict.fromkeys(min(date, pd.Timestamp(now)) for date in dates))
    measure = find(source.usecase).deciding
    points = [_point(rows, truths, date, date - window, now, measure) for date in dates]
    points = [point for point in points if point["rows"]]
    points = points if any(point["now"]["figure"]["interval"] for point in points) else []
    if len(points) < FEWEST or all(point["then"] == point["now"] for point in points):
        return None
    return {
        "metric": metric,
        "step": step.total_seconds(),
        "window": window.total_seconds(),
        "points": points,
    }


def _rows(predictions: Path) -> pd.DataFrame:
    rows = pd.read_parquet(predictions)
    names = [name for name in COLUMNS if name in rows]
    return rows[[*names, *scored_names(rows.columns)]].reset_index(drop=True)


def spacing(time: pd.Series, delay: timedelta) -> tuple[timedelta, timedelta]:
    """Return how far dates are apart, and how far each looks back: a whole number of steps.

    Args:
        time: The rows' times.
        delay: The mean delay of truth.
    """
    span = (time.max() - time.min()).to_pytimedelta()
    step = next((step for step in STEPS if span <= POINTS * step), STEPS[-1])
    return step, step * max(WINDOW, ceil(DELAYS * delay / step))


def dates_of(time: pd.Series, step: timedelta, window: timedelta) -> list[pd.Timestamp]:
    """Return the dates, ascending: whole steps from the first full window to the last row."""
    first = (time.min() + window).ceil(step)
    last = time.max().ceil(step)
    return list(pd.date_range(first, last, freq=step))


def _truths(labels: Path, rows: pd.DataFrame) -> Truths:
    """Read the truth in force of some rows, each row's strongest and newest issue last."""
    with connect() as engine:
        issued = engine.read_parquet(labels)
        truth = issued.filter(issued.in_force & issued.source.isin(TRUTH))
        chosen = truth.select("entity", "label", "issued_at", key=rank(truth))
        table = engine.to_pandas(chosen)
    places = pd.Series(np.arange(len(rows)), index=rows["id"])
    table = table[table["entity"].isin(places.index)].sort_values("key", kind="stable")
    return Truths(
        places.loc[table["entity"]].to_numpy(np.int64),
        table["label"].to_numpy(np.int64),
        table["issued_at"].to_numpy("datetime64[us]"),
    )


def _point(
    rows: pd.DataFrame,
    truths: Truths,
    date: pd.Timestamp,
    since: pd.Timestamp,
    now: datetime,
    measure: Measure,
) -> SlidingPoint:
    inside = ((rows["time"] > since) & (rows["time"] <= date)).to_numpy()
    then, by_now = (
        _measured(rows[inside], truths.at(moment, len(rows))[inside], measure)
        for moment in (date, now)
    )
    return {
        "since": since.isoformat(),
        "at": date.isoformat(),
        "rows": int(inside.sum()),
        "then": then,
        "now": by_now,
    }


def _measured(rows: pd.DataFrame, truth: Floats, measure: Measure) -> Known:
    labelled = ~np.isnan(truth)
    labels = truth[labelled].astype(np.int64)
    _, counts = np.unique(labels, return_counts=True)
    if counts.min(initial=FEW) < FEW:
        return {"rows": len(labels), "figure": {"value": None, "interval": None}}
    return {"rows": len(labels), "figure": measure(rows[labelled], labels)}
