"""Figures of a whole table of which only some rows, drawn with known unequal chances, are decided.

Every row's score is known, only labels are not. So a row's place in a ranking is exact, and what is
estimated is where the positives are: a decided one counts as many times as rows it stands for, the
inverse of its chance (Horvitz and Thompson 1952, A generalization of sampling without replacement
from a finite universe, JASA 47). Average precision from such a sample follows Yilmaz, Kanoulas and
Aslam 2008, A simple and efficient sampling method for estimating AP and NDCG (SIGIR).

Errors come from each row's influence, the change of a figure per row more of its kind: the sum of
their squares is the variance of a table drawn from a larger world, and of the drawing in it
(Deville 1999, Variance estimation for complex statistics and estimators). Two models' difference
has the difference of their influences, so what is hard for both cancels out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, t
from typing_extensions import TypedDict

from vouch.metrics.figures import Difference, Figure, figure
from vouch.metrics.weighted import effective

Floats = NDArray[np.float64]
EDGE = 1e-4  # how far from 0 and 1 the logit is taken
POWER = 0.95
"""Chance with which a true difference of the declared size is to be told."""
EXHAUSTED = 1.1
"""By how much the error may exceed that of a wholly decided table when more decisions are idle."""
ALWAYS = 0.999
"""Confidence of an interval that holds at whatever moment one looks: 1 in 1,000, at every look
before the last, costs the last one next to nothing (Haybittle 1971, Repeated assessment of results
in clinical trials of cancer treatment, British Journal of Radiology 44; Peto et al. 1976)."""
TINY = 1e-12
STEPS = 40  # halvings in the search for how many decisions are missing


@dataclass(frozen=True)
class Sample:
    """The decided rows of a table.

    Attributes:
        rows: Their places in the table, shape (decided,), none twice.
        chances: The chance each had to be drawn and decided, above 0 and at most 1.
        positive: How likely each is positive, 0 to 1: people's word, which may wait for a second.
    """

    rows: NDArray[np.int64]
    chances: Floats
    positive: Floats

    @property
    def hits(self) -> Floats:
        """How many positives each row stands for, shape (decided,)."""
        return self.positive / self.chances


@dataclass(frozen=True)
class Estimate:
    """A figure with each row's influence on it.

    Attributes:
        value: The figure.
        drawn: The influence of each decided row's label, for all the rows it stands for, shape
            (decided,).
        own: The influence of its place in the table, for itself, shape (decided,).
        rest: Likewise of every row of the table, shape (rows,); of a share, which no row's place
            changes, the decided rows' zeros.
        weights: How many rows each decided row stands for in it, shape (decided,).
    """

    value: float
    drawn: Floats
    own: Floats
    rest: Floats
    weights: Floats

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Return the difference of two figures of one sample."""
        return Estimate(
            self.value - other.value,
            self.drawn - other.drawn,
            self.own - other.own,
            self.rest - other.rest,
            self.weights,
        )

    def widened(self, error: float) -> "Estimate":
        """Return the figure with at least this standard error, from whatever else is uncertain."""
        if not error > self.error > 0:  # also where either is undefined
            return self
        by = error / self.error
        return replace(self, drawn=self.drawn * by, own=self.own * by, rest=self.rest * by)

    @property
    def fixed(self) -> float:
        """The part of the variance that no decision on more rows takes away."""
        return float(np.square(self.rest).sum() + 2 * self.drawn @ self.own)

    @property
    def error(self) -> float:
        """The standard error; NaN of an undefined figure."""
        return float(np.sqrt(np.square(self.drawn).sum() + self.fixed))

    def figure(self, confidence: float) -> Figure:
        """Return a share (0 to 1) with its interval on the logit scale; null if undefined."""
        if np.isnan(self.value):
            return figure(np.nan, (np.nan, np.nan))
        likely = min(max(self.value, EDGE), 1 - EDGE)
        reach = self.quantile(confidence) * self.error / (likely * (1 - likely))
        ends = (float(expit(logit(likely) - reach)), float(expit(logit(likely) + reach)))
        return figure(self.value, (min(ends[0], self.value), max(ends[1], self.value)))

    def interval(self, confidence: float) -> list[float]:
        """Return the ends of a difference's interval."""
        reach = self.quantile(confidence) * self.error
        return [self.value - reach, self.value + reach]

    def quantile(self, confidence: float) -> float:
        """Return how many standard errors an interval reaches to either side."""
        return quantile(self.weights, confidence)


def quantile(weights: Floats, confidence: float) -> float:
    """Return how many standard errors an interval reaches to either side: Student's t.

    Its degrees of freedom are how many equally weighted rows carry as much information, less 1:
    few of them tell their own spread badly.

    Args:
        weights: How many rows each decided row stands for, shape (decided,).
        confidence: Of the interval, above 0 and below 1.
    """
    return float(t.ppf((1 + confidence) / 2, max(effective(weights) - 1, 1.0)))


@dataclass(frozen=True)
class Places:
    """Where the decided rows stand in a ranking of all rows.

    Attributes:
        own: Their scores, shape (decided,).
        order: Their places by rising score, likewise.
        flagged: How many of all rows have at least each one's score, likewise.
    """

    own: Floats
    order: NDArray[np.int64]
    flagged: Floats

    def above(self, hits: Floats) -> Floats:
        """Sum the positives that other decided rows, of at least each one's score, stand for."""
        return _at_least(self.own[self.order], hits[self.order], self.own) - hits

    def precision(self, above: Floats) -> Floats:
        """Return the precision down to each row, were it positive, by what :meth:`above` sums."""
        # a row that is positive is one positive, however many it stands for
        return np.minimum((1 + above) / self.flagged, 1)

    def average_precision(self, hits: Floats) -> float:
        """Return the average precision by how many positives each stands for; NaN of none."""
        total = float(hits.sum())
        return float(hits @ self.precision(self.above(hits))) / total if total else float("nan")


def stand(scores: Floats, rows: NDArray[np.int64]) -> Places:
    """Return where some rows stand in a ranking.

    Args:
        scores: Of all rows, shape (rows,).
        rows: The rows' places in the table, shape (decided,).
    """
    own = scores[rows]
    return Places(own, np.argsort(own, kind="stable"), _at_least(np.sort(scores), None, own))


def average_precision(scores: Floats, sample: Sample) -> Estimate:
    """Estimate the average precision of a ranking of all rows.

    Args:
        scores: Higher is likelier positive, shape (rows,), no NaN.
        sample: The decided rows.

    Returns:
        The estimate; NaN where nothing was decided to be positive.
    """
    hits, total = sample.hits, float(sample.hits.sum())
    if not total:
        return _undefined(len(hits), len(scores))
    places = stand(scores, sample.rows)
    own, order, flagged, above = places.own, places.order, places.flagged, places.above(hits)
    precision = places.precision(above)
    value = float(hits @ precision) / total
    lever = np.where(1 + above <= flagged, hits / flagged, 0)  # of one more hit above
    below = _at_most(own[order], lever[order], own) - lever
    influence = (hits * (precision - value) + hits * below) / total
    falls = (lever * precision)[order]  # of one more row above
    rest = -_at_most(own[order], falls, scores) / total
    return Estimate(value, influence, rest[sample.rows], rest, hits)


def _undefined(decided: int, rows: int) -> Estimate:
    nothing = np.full(decided, np.nan)
    return Estimate(np.nan, nothing, nothing, np.zeros(rows), np.zeros(decided))


def _at_least(ordered: Floats, weights: Floats | None, values: Floats) -> Floats:
    """Sum the weights (None: 1 each) of rising scores that are at least each value."""
    summed = _summed(ordered, weights)
    return summed[-1] - summed[np.searchsorted(ordered, values, side="left")]


def _at_most(ordered: Floats, weights: Floats, values: Floats) -> Floats:
    """Sum the weights of rising scores that are at most each value."""
    return _summed(ordered, weights)[np.searchsorted(ordered, values, side="right")]


def _summed(ordered: Floats, weights: Floats | None) -> Floats:
    each = np.ones(len(ordered)) if weights is None else weights
    return np.concatenate([[0.0], np.cumsum(each)])


def share(of: Floats, among: Floats, sample: Sample) -> Estimate:
    """Estimate a share: the total of one value of the rows over that of another.

    Args:
        of: What is counted of each decided row, shape (decided,).
        among: What it is a share of, likewise.
        sample: The decided rows.
    """
    weights = 1 / sample.chances
    total = float(weights @ among)
    if not total:
        return _undefined(len(of), len(of))
    value, none = float(weights @ of) / total, np.zeros(len(of))
    influence = weights * (of - value * among) / total
    return Estimate(value, influence, none, none, weights * among)


def mean(estimates: Sequence[Estimate], weights: Floats) -> Estimate:
    """Return the mean of some figures of one sample.

    Args:
        estimates: The figures; NaN of none.
        weights: How many rows each decided row stands for, shape (decided,).
    """
    if not estimates:
        return _undefined(len(weights), len(weights))
    return Estimate(
        float(np.mean([each.value for each in estimates])),
        np.mean([each.drawn for each in estimates], axis=0),
        np.mean([each.own for each in estimates], axis=0),
        np.mean([each.rest for each in estimates], axis=0),
        weights,
    )


def missing(difference: Estimate, sample: Sample, size: float, confidence: float) -> int:
    """Estimate how many more rows must be decided to tell a difference of a declared size.

    It is told when an interval of the confidence leaves out 0 with a chance of ``POWER``; or, where
    the table is too small for that, when its error is nearly that of the wholly decided table.

    Args:
        difference: The challenger's figure less the champion's.
        sample: The decided rows.
        size: The least difference that matters, above 0.
        confidence: Of the interval.

    Returns:
        At least 0; 0 says that what was decided is enough.
    """
    fixed, squares = difference.fixed, np.square(difference.drawn)
    floor = fixed + float(squares @ sample.chances)
    needed = size / (difference.quantile(confidence) + float(norm.ppf(POWER)))
    target = max(needed**2, floor * EXHAUSTED**2)

    def variance(times: float) -> float:
        return fixed + float(squares @ (sample.chances / np.minimum(times * sample.chances, 1)))

    low, high = 1.0, 1 / float(sample.chances.min(initial=1.0))
    if variance(low) <= target:
        return 0
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if variance(middle) <= target else (middle, high)
    more = np.minimum(high * sample.chances, 1) - sample.chances
    return max(int(np.ceil((more / sample.chances).sum())), 1)


class Compared(TypedDict):
    """Two figures of one sample; see :func:`compare`."""

    challenger: float
    champion: float
    difference: Difference
    share_better: float
    surely: list[float]
    missing: int


def compare(
    challenger: Estimate,
    champion: Estimate,
    sample: Sample,
    size: float,
    confidence: float,
    error: float = 0.0,
) -> Compared:
    """Compare two models' figures.

    Args:
        challenger: The challenger's figure, not undefined.
        champion: The champion's.
        sample: The decided rows.
        size: The least difference that matters, above 0.
        confidence: Of the interval.
        error: The least standard error of the difference.

    Returns:
        Both figures, their ``difference`` with its interval, ``share_better`` (the chance that it
        is above 0), ``surely`` (an interval that holds at whatever moment one looks) and
        ``missing``, see :func:`missing`.
    """
    gap = (challenger - champion).widened(error)
    more = missing(gap, sample, size, confidence)
    if not gap.error and (sample.chances < 1).any():
        more = len(sample.rows)  # no decided row tells them apart: others may
    return {
        "challenger": challenger.value,
        "champion": champion.value,
        "difference": {"value": gap.value, "interval": gap.interval(confidence)},
        "share_better": float(norm.cdf(gap.value / (gap.error or TINY))),
        "surely": gap.interval(ALWAYS),
        "missing": more,
    }
