"""How surely a challenger decides better than its rival on the same rows: an exact p-value.

That of rankings, which is not exact, is :func:`vouch.metrics.intervals.lead`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]
MOST = 2**20
"""Outcomes of signs that are enumerated; above, they are drawn."""
DRAWS = 100_000
SEED = 0
TINY = 1e-9
"""Rounding of sums that are equal."""


def recall_gains(
    labels: NDArray[np.int64],
    challenger: NDArray[np.int64],
    champion: NDArray[np.int64],
    groups: ArrayLike,
) -> Floats:
    """Return what each group of rows adds to the difference in macro-recall, where it is not 0.

    Args:
        labels: Classes from 0 on, shape (rows,).
        challenger: The challenger's decisions, likewise.
        champion: The rival's.
        groups: Rows of one group resemble each other, and count as one piece of evidence.

    Returns:
        Shape (discordant groups,); their sum is the difference.
    """
    counts = np.bincount(labels)
    weights = 1 / (np.maximum(counts, 1) * max(int((counts > 0).sum()), 1))
    gains = weights[labels] * ((challenger == labels).astype(int) - (champion == labels))
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    summed = np.bincount(codes, gains, minlength=1)
    return summed[np.abs(summed) > TINY * weights.max(initial=0)]


def signs(gains: Floats) -> float:
    """Return the chance that gains of random sign come to as much or more.

    The exact test of pairs by their signs (Fisher 1935, The design of experiments); of equal gains
    McNemar's (1947, Psychometrika 12). Where there are too many different gains to enumerate, signs
    are drawn, and the drawing is allowed for (Phipson and Smyth 2010, Permutation p-values should
    never be zero).

    Args:
        gains: Of each discordant pair, shape (pairs,), none 0.

    Returns:
        Above 0, at most 1. Of n pairs at least 1 / 2^n: few of them never prove much.

    >>> signs(np.array([1.0, 1.0, 1.0, 1.0]))
    0.0625
    """
    if not len(gains):
        return 1.0
    reached = float(gains.sum())
    sizes, counts = np.unique(np.round(np.abs(gains) / np.abs(gains).max(), 9), return_counts=True)
    sizes = sizes * np.abs(gains).max()
    least = reached - TINY * float(np.abs(gains).sum())
    if np.prod(counts + 1.0) <= MOST:
        return min(_enumerated(sizes, counts, least), 1.0)
    random = np.random.default_rng(SEED)
    sums = np.zeros(DRAWS)
    for size, count in zip(sizes, counts, strict=True):
        sums += size * (2 * random.binomial(count, 0.5, DRAWS) - count)
    return float((1 + np.count_nonzero(sums >= least)) / (1 + DRAWS))


def _enumerated(sizes: Floats, counts: NDArray[np.int64], least: float) -> float:
    """Sum the probabilities of all outcomes that reach the least sum."""
    sums, chances = np.zeros(1), np.ones(1)
    for outcome, chance in _outcomes(sizes, counts):
        sums = (sums[:, None] + outcome).ravel()
        chances = (chances[:, None] * chance).ravel()
    return float(chances[sums >= least].sum())


def _outcomes(sizes: Floats, counts: NDArray[np.int64]) -> Iterator[tuple[Floats, Floats]]:
    for size, count in zip(sizes, counts, strict=True):
        ups = np.arange(count + 1)
        yield size * (2 * ups - count), binom.pmf(ups, count, 0.5)
