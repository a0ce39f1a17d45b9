"""Ranking metrics and their bootstrap intervals, fast on a million rows.

The bootstrap is the Poisson bootstrap: a row is drawn Poisson(1) times, which for many rows is the
same as drawing rows with replacement (Hanley & MacGibbon 2006, "Creating non-parametric bootstrap
samples using Poisson frequencies", Computer Methods and Programs in Biomedicine 83; Chamandy et
al. 2012, "Estimating uncertainty for massive data streams"). Sums of Poisson draws are Poisson,
so rows that a metric cannot tell apart, such as all negatives ranked between two neighbouring
positives, are drawn as one cell: the cost of a repeat grows with the positives, not with the rows.
Intervals are percentile intervals, and take rows as independent of one another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from typing_extensions import TypedDict

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Metric = Literal["average_precision", "roc_auc"]
REPEATS = 400
CONFIDENCE = 0.95
ROUNDING = 1e-9


@dataclass(frozen=True)
class Cells:
    """Rows gathered in cells that no ranking metric can tell apart.

    Attributes:
        positive: Whether a cell's rows are positive, shape (cells,).
        rows: How many rows a cell has, shape (cells,).
        codes: For each ranking the place of its cells, shape (rankings, cells): ``2 j + 1`` at
            the j-th highest score a positive has, ``2 j`` strictly above it and below the one
            before.
        levels: For each ranking how many distinct scores its positives have.
    """

    positive: NDArray[np.bool_]
    rows: Integers
    codes: Integers
    levels: tuple[int, ...]


def gather(labels: ArrayLike, *scores: ArrayLike) -> Cells:
    """Gather rows in cells.

    Args:
        labels: 0 or 1, shape (rows,).
        *scores: One or more rankings of the same rows, each shape (rows,), no NaN.
    """
    positive = np.asarray(labels).astype(bool)
    positions = [_position(positive, np.asarray(s, dtype=np.float64)) for s in scores]
    key = positive.astype(np.int64)
    for codes, levels in positions:
        key = key * (2 * levels + 1) + codes
    _, first, rows = np.unique(key, return_index=True, return_counts=True)
    codes = np.array([codes[first] for codes, _ in positions], dtype=np.int64)
    return Cells(positive[first], rows, codes, tuple(levels for _, levels in positions))


def _position(positive: NDArray[np.bool_], scores: Floats) -> tuple[Integers, int]:
    levels = np.unique(-scores[positive])  # ascending, so the highest score comes first
    place = np.searchsorted(levels, -scores, side="left")
    padded = np.append(levels, np.nan)
    return 2 * place + (padded[place] == -scores), len(levels)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision: the step-wise area under the precision-recall curve.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,), no NaN.

    Returns:
        0 to 1, as scikit-learn's ``average_precision_score``; NaN without a positive.
    """
    return _of_all("average_precision", labels, scores)


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve, ties counting half.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,), no NaN.

    Returns:
        0 to 1; NaN unless there are positives and negatives.
    """
    return _of_all("roc_auc", labels, scores)


def _of_all(metric: Metric, labels: ArrayLike, scores: ArrayLike) -> float:
    cells = gather(labels, scores)
    return _METRICS[metric](*_counts(cells, cells.rows, 0))


def _counts(cells: Cells, weights: Integers, ranking: int) -> tuple[Floats, Floats]:
    """Count positives at each level, shape (levels,), and negatives at each code."""
    code, levels, up = cells.codes[ranking], cells.levels[ranking], cells.positive
    positives = np.bincount(code[up] // 2, weights[up], levels)
    negatives = np.bincount(code[~up], weights[~up], 2 * levels + 1)
    return positives.astype(np.float64), negatives.astype(np.float64)


def _average_precision(positives: Floats, negatives: Floats) -> float:
    hits = np.cumsum(positives)
    if not len(hits) or not hits[-1]:
        return float("nan")
    flagged = hits + np.cumsum(negatives)[1::2]
    precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
    return float(positives @ precision / hits[-1])


def _roc_auc(positives: Floats, negatives: Floats) -> float:
    pairs = positives.sum() * negatives.sum()
    if not pairs:
        return float("nan")
    below = negatives.sum() - np.cumsum(negatives)[1::2]
    return float(positives @ (below + negatives[1::2] / 2) / pairs)


_METRICS: dict[Metric, Callable[[Floats, Floats], float]] = {
    "average_precision": _average_precision,
    "roc_auc": _roc_auc,
}


def bootstrap(
    labels: ArrayLike, *scores: ArrayLike, metric: Metric, repeats: int = REPEATS, seed: int = 0
) -> Floats:
    """Compute a metric on bootstrap samples; several rankings are measured on the same samples.

    Args:
        labels: 0 or 1, shape (rows,).
        *scores: Rankings of the same rows, each shape (rows,).
        metric: Which metric.
        repeats: How many samples, at least 1.
        seed: The same seed gives the same samples.

    Returns:
        Shape (rankings, repeats); NaN where a sample lacks a class.
    """
    cells, random = gather(labels, *scores), np.random.default_rng(seed)
    values = np.empty((len(scores), repeats))
    for repeat in range(repeats):
        weights = random.poisson(cells.rows)
        for ranking in range(len(scores)):
            values[ranking, repeat] = _METRICS[metric](*_counts(cells, weights, ranking))
    return values


def bootstrap_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    metric: Metric = "average_precision",
    repeats: int = REPEATS,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float]:
    """Return a metric's percentile bootstrap interval.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: Higher means more likely positive, shape (rows,).
        metric: Which metric.
        repeats: Bootstrap samples, at least 1.
        confidence: Share of the samples inside, above 0 and below 1.
        seed: The same seed gives the same interval.

    Returns:
        Lower and upper end; NaN where the metric is undefined. Of a ranking without a fault the
        lower end is 1 minus the largest share of misplaced positives that is not ruled out.
    """
    samples = bootstrap(labels, scores, metric=metric, repeats=repeats, seed=seed)
    low, high = interval(samples[0], confidence)
    if low > 1 - ROUNDING:  # no sample shows a fault; that does not mean there is none
        low = _at_least(int(np.sum(np.asarray(labels) == 1)), confidence)
    return low, high


def _at_least(tries: int, confidence: float) -> float:
    """Return the Clopper-Pearson lower end of a share when all of ``tries`` succeeded.

    If a share q of positives ranked below everything else, either metric would be 1 - q or more.
    """
    return float(((1 - confidence) / 2) ** (1 / tries))


def interval(values: Floats, confidence: float) -> tuple[float, float]:
    """Return the central range of bootstrap values, NaN left out.

    Args:
        values: Shape (repeats,).
        confidence: Share of the values inside, above 0 and below 1.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


class Difference(TypedDict):
    """The difference of two models' metrics, and the ends of its interval."""

    value: float
    interval: list[float]


class Comparison(TypedDict):
    """Two rankings compared on the same bootstrap samples, see :func:`paired_bootstrap`."""

    metric: Metric
    challenger: float
    champion: float
    difference: Difference
    share_better: float


def paired_bootstrap(
    labels: ArrayLike,
    challenger: ArrayLike,
    champion: ArrayLike,
    metric: Metric = "average_precision",
    repeats: int = REPEATS,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Comparison:
    """Compare two rankings of the same rows on the same bootstrap samples.

    Rows hard for both cancel out, so the interval is narrower than two separate ones suggest
    (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 16).

    Args:
        labels: 0 or 1, shape (rows,).
        challenger: Scores of the challenger, shape (rows,).
        champion: Scores of the champion, shape (rows,).
        metric: Which metric.
        repeats: Bootstrap samples, at least 1.
        confidence: Of the interval, above 0 and below 1.
        seed: The same seed gives the same answer.

    Returns:
        ``challenger`` and ``champion`` (the metric of each), ``difference`` (``value`` and
        ``interval``, challenger minus champion) and ``share_better``: the share of samples in
        which the challenger is strictly ahead.
    """
    samples = bootstrap(labels, challenger, champion, metric=metric, repeats=repeats, seed=seed)
    differences = samples[0] - samples[1]
    ours, theirs = (_of_all(metric, labels, scores) for scores in (challenger, champion))
    defined = differences[~np.isnan(differences)]
    return {
        "metric": metric,
        "challenger": ours,
        "champion": theirs,
        "difference": {
            "value": ours - theirs,
            "interval": list(interval(differences, confidence)),
        },
        "share_better": float(np.mean(defined > 0)) if len(defined) else float("nan"),
    }


@dataclass(frozen=True)
class Reviewed:
    """Cases and hits of a review with limited capacity, by day.

    Attributes:
        cases: Cases reviewed on each day, shape (days,), at most the capacity.
        hits: Truly positive ones among them, shape (days,); fractions where a tie at the
            capacity's edge is shared out evenly.
    """

    cases: Floats
    hits: Floats

    def precision(self) -> float:
        """Return the mean over days of the share of hits, 0 to 1; NaN without a day."""
        return float(np.mean(self.hits / self.cases)) if len(self.cases) else float("nan")

    def interval(
        self, repeats: int = REPEATS, confidence: float = CONFIDENCE, seed: int = 0
    ) -> tuple[float, float]:
        """Return the precision's two-stage bootstrap interval: days, then cases within each.

        Resampling at both levels is a little wide rather than too narrow (Davison & Hinkley
        1997, "Bootstrap Methods and their Application", section 3.8).
        """
        if not len(self.cases):
            return float("nan"), float("nan")
        random = np.random.default_rng(seed)
        days = random.integers(len(self.cases), size=(repeats, len(self.cases)))
        cases = self.cases[days].astype(np.int64)
        share = np.clip(self.hits / self.cases, 0, 1)[days]
        ends = interval(np.mean(random.binomial(cases, share) / cases, axis=1), confidence)
        sure = _at_least(int(self.cases.sum()), confidence)
        # where every sample has only hits, or none: the exact bound, as unseen cases may differ
        return (sure if ends[0] == 1 else ends[0]), (1 - sure if ends[1] == 0 else ends[1])


def review(
    labels: ArrayLike,
    scores: ArrayLike,
    days: ArrayLike,
    capacity: int,
    payers: ArrayLike | None = None,
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
    """
    columns = {"day": np.asarray(days), "score": np.asarray(scores), "label": np.asarray(labels)}
    cases = pd.DataFrame(columns)
    if payers is not None:
        codes = pd.factorize(np.asarray(payers))[0]
        alone = len(codes) + np.arange(len(codes))  # a row without a payer is its own case
        cases["payer"] = np.where(codes < 0, alone, codes)
        cases = cases.groupby(["day", "payer"], sort=False, as_index=False).max()
    ties = cases.groupby(["day", "score"])["label"].agg(["size", "sum"]).reset_index()
    ties = ties.sort_values(["day", "score"], ascending=[True, False], kind="stable")
    before = ties.groupby("day")["size"].cumsum() - ties["size"]
    ties["taken"] = (capacity - before).clip(0, ties["size"])
    ties["hits"] = ties["sum"] * ties["taken"] / ties["size"]
    daily = ties.groupby("day")[["taken", "hits"]].sum().to_numpy(dtype=np.float64)
    return Reviewed(daily[:, 0], daily[:, 1])


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
