"""How ripe a label is: whether the truth of a row would have come by now, if it is to come.

Truth takes its time, so of the latest rows only the rule's label is known. The delay is estimated
from all rows by the product-limit estimator, in which a row whose truth has not come yet counts as
one that waited so long (Kaplan and Meier 1958, Nonparametric estimation from incomplete
observations, JASA 53). A quantile of the delays seen would be too short: long ones are not seen
yet. Delays are taken to be independent of the time and of the class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.models.folds import Fold
from vouch.models.strength import RULE, SOURCE, TRUTH, decided, ruled

RIPENESS = "ripeness"
"""The column of a training row's ripeness, above 0 and at most 1."""
CAME = "truth_came_at"
"""The column of when the first truth of a row came by itself."""
RIPE = 0.95
"""The share of all truth from which on a row's label counts as ripe without it."""
FEWEST = 30
"""Truths that must have come before anything is estimated of their delay."""
LEAST = 0.001
"""What a label weighs at least."""
Floats = NDArray[np.float64]


def ripeness(frame: pd.DataFrame, known_until: pd.Series | pd.Timestamp) -> Floats:
    """Estimate for each row the share of all truth that would have come at its age.

    Args:
        frame: Rows with ``time``, ``label_source`` and ``label_known_at``; with ``truth_came_at``
            a truth counts from the first time one came: it may have been changed since.
        known_until: The moment until which labels are known, one for all or one a row.

    Returns:
        Above 0 and at most 1, shape (rows,): 1 of rows that have more than the rule's label, and of
        all rows where fewer than ``FEWEST`` truths have come. It is the share of the truth that is
        to come, as far as can be seen: many rows may never get any.
    """
    from scipy.stats import CensoredData, ecdf

    ages = _seconds(known_until - frame["time"])
    people = decided(frame)
    moments = frame.get(CAME, frame["label_known_at"].mask(ruled(frame)))
    delays = np.maximum(_seconds(moments - frame["time"]), 0.0)  # of none that came: undefined
    came = ~people & (delays <= ages)
    counted = ~people & (ages >= 0)  # people's decisions come when asked for
    if came.sum() < FEWEST:
        return np.ones(len(frame))
    waited = np.where(came, delays, ages)[counted]
    shares = ecdf(CensoredData.right_censored(waited, ~came[counted])).cdf
    by_age = shares.evaluate(ages) / shares.probabilities.max()
    return np.where(ruled(frame), np.clip(by_age, LEAST, 1.0), 1.0)


def _seconds(spans: pd.Series) -> Floats:
    return spans.dt.total_seconds().to_numpy(np.float64)


def unripe(shares: Floats) -> NDArray[np.bool_]:
    """Return which labels truth may still overrule, by their ripeness, shape (rows,)."""
    return shares < RIPE


def one_sided(frame: pd.DataFrame) -> bool:
    """Return whether truth comes of positives alone, as where only frauds are reported.

    Then a row of which none has come is the surer negative the older it is. Where truth comes of
    every row, age does not tell which label it will be.

    Args:
        frame: Rows with ``label_source`` and ``truth``; what people decided does not count.
    """
    came = frame[TRUTH][~decided(frame)].dropna()
    return bool(len(came) and (came > 0).all())


@dataclass(frozen=True)
class Training:
    """Until when the labels of a training's rows are known.

    Attributes:
        as_of: Until when all are.
        boundary: The holdout's first moment: until then, if it is earlier, those of rows before it
            are, but for people's; None: there is none.
    """

    as_of: datetime
    boundary: datetime | None = None

    def known_until(self, time: pd.Series) -> pd.Series:
        """Return until when each row's label is known."""
        as_of = pd.Series(pd.Timestamp(self.as_of), index=time.index)
        if self.boundary is None or self.boundary > self.as_of:
            return as_of
        return as_of.mask(time < self.boundary, pd.Timestamp(self.boundary))

    def ripeness(self, frame: pd.DataFrame) -> Floats | None:
        """Return the rows' ripeness; None where no label is unripe, or no time is known."""
        if not {"time", "label_known_at", SOURCE} <= {*frame.columns} or not ruled(frame).any():
            return None
        shares = ripeness(frame, self.known_until(frame["time"]))
        return shares if unripe(shares).any() else None


def as_of_fold(
    frame: pd.DataFrame, fold: Fold, boundary: datetime | None = None
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return the rows a fold learns from with the labels that were known when it begins.

    Beside those whose label was known, these are rows before it that had the rule's label until
    later: the training that was due then would have had them.

    Args:
        frame: All rows, with ``label``, ``rule``, ``time``, ``label_source`` and
            ``label_known_at``.
        fold: A fold by time.
        boundary: The holdout's first moment: of rows before it no truth trains that came by itself
            later, so in a later fold too they are as old as they were then; None: there is none.

    Returns:
        Row numbers, ascending, and for each of them ``label``, ``label_source`` and ``ripeness``.
    """
    assert fold.start is not None
    before = frame["time"] < fold.start
    waiting = before.to_numpy() & frame["rule"].notna().to_numpy() & ~decided(frame)
    waiting[fold.train] = False
    rows = np.union1d(fold.train, np.flatnonzero(waiting)).astype(np.int64)
    provisional = waiting[rows]
    own = frame.iloc[rows]
    labels = own["label"].mask(provisional, own["rule"]).astype(frame["label"].dtype)
    sources = own[SOURCE].mask(provisional, RULE)
    earlier = own.assign(label=labels, **{SOURCE: sources})
    shares = ripeness(earlier, Training(fold.start, boundary).known_until(own["time"]))
    return rows, pd.DataFrame({"label": labels, SOURCE: sources, RIPENESS: shares})


def tells(frame: pd.DataFrame, folds: Sequence[Fold], boundary: datetime | None = None) -> bool:
    """Return whether some fold learns from unripe labels, so that it can be seen what they do.

    Args:
        frame: As for :func:`as_of_fold`.
        folds: Folds; those without a time tell nothing.
        boundary: As for :func:`as_of_fold`.
    """
    timed = (as_of_fold(frame, fold, boundary)[1] for fold in folds if fold.start is not None)
    return any(unripe(learned[RIPENESS].to_numpy()).any() for learned in timed)
