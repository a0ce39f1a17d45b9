"""Ranking metrics, with each row's influence on them, fast on a million rows.

A ranking is sorted once. What a row of weight more would change of a metric has a closed form: for
the area under the ROC curve it is how far the row's own share of right pairs is from the whole's
(DeLong, DeLong and Clarke-Pearson 1988, Comparing the areas under two or more correlated receiver
operating characteristic curves, Biometrics 44), for the average precision a sum over the places
below it. Intervals are made of it in :mod:`vouch.metrics.intervals`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vouch.metrics import intervals
from vouch.metrics.clusters import Clusters, Spread, coded, independent
from vouch.metrics.figures import Figure, figure
from vouch.metrics.intervals import CONFIDENCE, UNDEFINED, Measured

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Metric = Literal["average_precision", "roc_auc"]


@dataclass(frozen=True)
class Levels:
    """Rows of a ranking, those of one score together.

    Attributes:
        of: Each row's level, the highest score's is 0, shape (rows,).
        positives: Positives at each level, shape (levels,).
        rows: All rows at each level, likewise.
    """

    of: Integers
    positives: Floats
    rows: Floats


def levels(positive: Bools, scores: ArrayLike) -> Levels:
    """Sort rows by falling score.

    Args:
        positive: Shape (rows,).
        scores: Higher means more likely positive, shape (rows,), no NaN.
    """
    distinct, places = np.unique(-np.asarray(scores, dtype=np.float64), return_inverse=True)
    size = len(distinct)
    up = np.bincount(places[positive], minlength=size).astype(np.float64)
    return Levels(places, up, np.bincount(places, minlength=size).astype(np.float64))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision: the step-wise area under the precision-recall curve.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,), no NaN.

    Returns:
        0 to 1, as scikit-learn's ``average_precision_score``; NaN without a positive.
    """
    return measured("average_precision", labels, scores).value


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve, ties counting half.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,), no NaN.

    Returns:
        0 to 1; NaN unless there are positives and negatives.
    """
    return measured("roc_auc", labels, scores).value


def measured(metric: Metric, labels: ArrayLike, scores: ArrayLike) -> Measured:
    """Return a metric with each row's influence on it.

    Args:
        metric: Which.
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,), no NaN.

    Returns:
        Its value is NaN where it is undefined.
    """
    positive = np.asarray(labels).astype(bool)
    return _METRICS[metric](positive, levels(positive, scores))


def _average_precision(positive: Bools, ranked: Levels) -> Measured:
    total = float(positive.sum())
    if not total:
        return _undefined(positive)
    flagged, up = np.cumsum(ranked.rows), ranked.positives
    precision = np.cumsum(up) / flagged
    value = float(up @ precision / total)
    # one row more raises (if positive) or lowers the precision at its level and all below
    raised, lowered = (_from_here(part) for part in (up / flagged, up * precision / flagged))
    own = np.where(positive, (precision + raised)[ranked.of] - value, 0.0)
    influence = (own - lowered[ranked.of]) / total
    return Measured(value, influence, positive.astype(np.float64), worst=total / len(positive))


def _from_here(values: Floats) -> Floats:
    """Sum values from each one on to the last."""
    return np.cumsum(values[::-1])[::-1]


def _roc_auc(positive: Bools, ranked: Levels) -> Measured:
    ups, downs = float(positive.sum()), float((~positive).sum())
    if not ups or not downs:
        return _undefined(positive)
    up, down = ranked.positives, ranked.rows - ranked.positives
    beaten = (downs - np.cumsum(down) + down / 2) / downs  # negatives below a positive
    beating = (np.cumsum(up) - up / 2) / ups  # positives above a negative
    value = float(up @ beaten / ups)
    influence = np.where(positive, beaten[ranked.of] / ups, beating[ranked.of] / downs)
    influence = influence - value / np.where(positive, ups, downs)
    rarer = positive if ups <= downs else ~positive
    return Measured(value, influence, rarer.astype(np.float64), worst=0.5)


def _undefined(positive: Bools) -> Measured:
    nothing = np.zeros(len(positive))
    return Measured(float("nan"), nothing, nothing)


_METRICS: dict[Metric, Callable[[Bools, Levels], Measured]] = {
    "average_precision": _average_precision,
    "roc_auc": _roc_auc,
}


def ranking_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    metric: Metric = "average_precision",
    clusters: Clusters | None = None,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return the interval of a metric.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,).
        metric: Which metric.
        clusters: Rows that belong together; None: rows are independent.
        confidence: Of the interval, above 0 and below 1.

    Returns:
        Lower and upper end; NaN where the metric is undefined.
    """
    there = clusters or independent(np.size(labels))
    ends = intervals.bounded(measured(metric, labels, scores), there, confidence)["interval"]
    return (ends[0], ends[1]) if ends else UNDEFINED


@dataclass(frozen=True)
class Reviewed:
    """Cases and hits of a review with limited capacity, by day.

    Attributes:
        cases: Cases reviewed on each day, shape (days,), at most the capacity.
        hits: Truly positive ones among them, shape (days,); fractions where a tie at the
            capacity's edge is shared out evenly.
        looked: Each case's share of a review, above 0, 1 but at a tie, shape (reviewed,).
        positive: Whether it is one, likewise.
        day: Its day's place among the days, likewise.
        clusters: What cases have in common.
    """

    cases: Floats
    hits: Floats
    looked: Floats
    positive: Floats
    day: Integers
    clusters: Clusters

    def precision(self) -> float:
        """Return the mean over days of the share of hits, 0 to 1; NaN without a day."""
        return float(np.mean(self.hits / self.cases)) if len(self.cases) else float("nan")

    def figure(self, confidence: float = CONFIDENCE) -> Figure:
        """Return the precision with its interval; null without a day.

        Days differ, and cases of one account resemble each other over many days: both count.

        Args:
            confidence: Of the interval, above 0 and below 1.
        """
        value = self.precision()
        if np.isnan(value):
            return figure(value, UNDEFINED)
        weight = self.looked / (self.cases[self.day] * len(self.cases))
        influence = weight * (self.positive - value)
        one = Measured(value, influence, weight)
        return figure(value, intervals.limits(one, self._spread(one), confidence))

    def _spread(self, one: Measured) -> Spread:
        """Return how far the precision may be off: cases' spread, and the days' beyond it.

        The effective number of clusters is Satterthwaite's (1946, An approximate distribution of
        estimates of variance components, Biometrics Bulletin 2): days count as far as they differ
        by more than their cases do.
        """
        by_case = self.clusters.spread(one.influence, one.counted)
        days = len(self.cases)
        if days < 2 or not by_case.variance < np.inf:
            return by_case
        sums = np.bincount(self.day, one.influence)
        alone = float(np.square(one.influence).sum())
        beyond = max(float(np.square(sums).sum()) * days / (days - 1) - alone, 0.0)
        variance = by_case.variance + beyond
        if not beyond:
            return by_case
        parts = by_case.variance**2 / (by_case.clusters - 1) + beyond**2 / (days - 1)
        return Spread(variance, variance**2 / parts + 1, by_case.rows)


def review(
    labels: ArrayLike,
    scores: ArrayLike,
    days: ArrayLike,
    capacity: int,
    payers: ArrayLike | None = None,
    clusters: Clusters | None = None,
) -> Reviewed:
    """Return what people would see who review each day's highest scores, up to their capacity.

    With payers a case is a payer's day: it has the day's highest score and is positive if any of
    its rows is (the Fraud Detection Handbook's card precision top-k).

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher is reviewed first, shape (rows,), no NaN.
        days: Each row's day as a number, shape (rows,).
        capacity: Cases a day, at least 1.
        payers: Each row's payer, shape (rows,), or None where a case is a row.
        clusters: Rows that belong together, where a case is a row; None: none do. A payer's cases
            belong together anyway.
    """
    columns = {"day": np.asarray(days), "score": np.asarray(scores), "label": np.asarray(labels)}
    cases = pd.DataFrame(columns)
    if payers is not None:
        cases["payer"] = coded(payers)
        cases = cases.groupby(["day", "payer"], sort=False, as_index=False).max()
    cases["taken"] = _taken(cases, capacity)
    seen: Bools = (cases["taken"] > 0).to_numpy(bool)
    alike = clusters or independent(len(cases))
    if payers is not None:
        alike = Clusters(len(cases), ("payer",), (cases["payer"].to_numpy(np.int64),))
    looked = cases[seen].assign(hits=cases["taken"] * cases["label"])
    daily = looked.groupby("day")[["taken", "hits"]].sum().to_numpy(dtype=np.float64)
    return Reviewed(
        daily[:, 0],
        daily[:, 1],
        looked["taken"].to_numpy(np.float64),
        looked["label"].to_numpy(np.float64),
        np.unique(looked["day"], return_inverse=True)[1],
        alike.of(seen),
    )


def _taken(cases: pd.DataFrame, capacity: int) -> Floats:
    """Return each case's chance to be reviewed, 0 to 1: below 1 only in a tie at the edge."""
    ties = cases.groupby(["day", "score"]).size().rename("size").reset_index()
    ties = ties.sort_values(["day", "score"], ascending=[True, False], kind="stable")
    before = ties.groupby("day")["size"].cumsum() - ties["size"]
    ties["taken"] = (capacity - before).clip(0, ties["size"]) / ties["size"]
    both = cases[["day", "score"]].merge(ties, on=["day", "score"], how="left")
    return both["taken"].to_numpy(np.float64)


def precision_at_capacity(
    labels: ArrayLike,
    scores: ArrayLike,
    days: ArrayLike,
    capacity: int,
    payers: ArrayLike | None = None,
) -> float:
    """Return the share of truly positive cases among those reviewed, mean over days, 0 to 1.

    Arguments as for :func:`review`.
    """
    return review(labels, scores, days, capacity, payers).precision()
