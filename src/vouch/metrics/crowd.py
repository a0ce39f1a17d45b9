"""What people who err say together: how likely each row is positive, by all their words.

Raykar et al. 2010, Learning from crowds (Journal of Machine Learning Research 11): people find a
positive with one chance and mistake a negative for one with another; both, and how the share of
positives changes with what is known of a row, are fitted by expectation maximisation. It holds too
where who is asked again depends on what was said before.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
ROUNDS, FEWER = 60, 10
STEPS = 3  # of Newton's method in each round
HITS, TRIES = 3.5, 5.0
"""A prior worth five decisions on positives, of which 70 % find them."""
ALARMS, CALM = 0.5, 10.0
"""A prior worth ten decisions on negatives, of which 5 % mistake them."""
BETTER = 0.05  # by which finding a positive must be likelier than mistaking a negative for one
RIDGE = 0.05
CENTRE = np.log(1000.0)
TINY = 1e-9
UNSURE = 0.08
"""Nearer to 0 or 1 than this a row needs no more reviewers."""
GROUPS = 25


@dataclass(frozen=True)
class Belief:
    """What people's words come to.

    Attributes:
        positive: How likely each row is positive, 0 to 1, shape (rows,).
        finds: The chance that one person finds a positive.
        mistakes: The chance that one person takes a negative for a positive.
    """

    positive: Floats
    finds: float
    mistakes: float

    @property
    def unsure(self) -> NDArray[np.bool_]:
        """Which rows could be either, shape (rows,)."""
        return (self.positive > UNSURE) & (self.positive < 1 - UNSURE)


def believe(
    votes: Integers, known: Floats, weights: Floats | None = None, start: Belief | None = None
) -> Belief:
    """Return how likely rows are positive by people's words.

    Args:
        votes: People who said negative and positive of each row, shape (rows, 2), at least one.
        known: Logarithms of places in rankings, or of chances, with which positives grow rarer or
            commoner, shape (rows, columns).
        weights: How often each row counts, shape (rows,); None: once.
        start: What is believed with weights that differ little: a few rounds are enough then.
    """
    each = np.ones(len(votes)) if weights is None else weights
    design = np.column_stack([np.ones(len(votes)), (known - CENTRE) / 2])
    slopes, cast = np.zeros(design.shape[1]), votes.sum(axis=1)
    positive = np.clip(votes[:, 1] / np.maximum(cast, 1), 0.05, 0.95)
    finds = mistakes = np.nan
    if start is not None:
        positive = start.positive
    for _ in range(ROUNDS if start is None else FEWER):
        mistakes = _rate(each * (1 - positive), votes[:, 1], cast, ALARMS, CALM)
        finds = max(_rate(each * positive, votes[:, 1], cast, HITS, TRIES), mistakes + BETTER)
        slopes = _fitted(design, positive, each, slopes)
        before = np.clip(expit(design @ slopes), TINY, 1 - TINY)
        evidence = votes[:, 1] * np.log(finds / mistakes)
        evidence = evidence + votes[:, 0] * np.log((1 - finds) / (1 - mistakes))
        positive = expit(logit(before) + evidence)
    return Belief(positive, finds, mistakes)


def _rate(each: Floats, said: Integers, cast: Integers, hits: float, tries: float) -> float:
    return float((each @ said + hits) / (each @ cast + tries))


def _fitted(design: Floats, positive: Floats, each: Floats, slopes: Floats) -> Floats:
    """Fit a logistic regression on shares a few steps further, its slopes drawn to 0 a little."""
    ridge = np.diag([RIDGE / 5, *[RIDGE] * (design.shape[1] - 1)])
    for _ in range(STEPS):
        shares = expit(design @ slopes)
        slope = design.T @ (each * (positive - shares)) - ridge @ slopes
        curve = (design.T * (each * shares * (1 - shares))) @ design + ridge
        slopes = slopes + np.linalg.solve(curve, slope)
    return slopes


def jackknife(rows: int, value: Callable[[Floats], float]) -> float:
    """Return a figure's standard error by leaving out one of 25 groups of rows after the other.

    Args:
        rows: How many there are.
        value: The figure by how often each row counts, shape (rows,); NaN where undefined.
    """
    groups = np.arange(rows) % GROUPS
    count = len(np.unique(groups))
    if count < GROUPS:
        return float("nan")
    values = np.array([value((groups != group) * (count / (count - 1))) for group in range(count)])
    return float(np.sqrt((count - 1) / count * np.square(values - np.mean(values)).sum()))
