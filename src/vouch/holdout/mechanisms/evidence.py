"""How surely a challenger decides better than its rival on the same rows: a p-value.

That of rankings is :func:`vouch.metrics.intervals.lead`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import binom

Floats = NDArray[np.float64]
MOST = 2**20
"""Outcomes of signs that are enumerated; above, they are drawn."""
DRAWS = 100_000
SEED = 0
TINY = 1e-9
"""Rounding of sums that are equal."""
BATCH = 10_000
ENOUGH = 400
"""Draws that reach the difference, after which no more are made: the p-value's error is 5 %."""
UNSEEN = 0.5
"""Gains and losses added to each class: none among few rows does not mean that there are none."""


def no_better(
    labels: NDArray[np.int64],
    challenger: NDArray[np.int64],
    champion: NDArray[np.int64],
    groups: ArrayLike,
) -> float:
    """Return how likely so large a difference in macro-recall is where there is none or a loss.

    The larger of two p-values. :func:`signs` is exact where each row that is decided otherwise
    could as well have gone the other way. But a challenger may win a common class and lose a rare
    one, whose few rows happen to show no loss; :func:`balanced` allows for that.

    Args:
        labels: Classes from 0 on, shape (rows,).
        challenger: The challenger's decisions, likewise.
        champion: The rival's.
        groups: Rows of one group resemble each other, and count as one piece of evidence.

    Returns:
        Above 0, at most 1.
    """
    gains = recall_gains(labels, challenger, champion, groups)
    if gains.sum() <= 0:
        return 1.0
    return max(signs(gains), balanced(by_class(labels, challenger, champion, groups)))


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
    summed, weights, _ = _summed(labels, challenger, champion, groups)
    return summed[np.abs(summed) > TINY * weights.max(initial=0)]


def _summed(
    labels: NDArray[np.int64],
    challenger: NDArray[np.int64],
    champion: NDArray[np.int64],
    groups: ArrayLike,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return each group's gain, each row's weight in macro-recall, and each row's group."""
    counts = np.bincount(labels)
    weights = (1 / (np.maximum(counts, 1) * max(int((counts > 0).sum()), 1)))[labels]
    gains = weights * ((challenger == labels).astype(int) - (champion == labels))
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    return np.bincount(codes, gains, minlength=1).astype(np.float64), weights, codes


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


@dataclass(frozen=True)
class Gains:
    """What the groups of one class add to a difference.

    Attributes:
        values: Different gains, shape (values,), with one gain and one loss that nobody saw.
        counts: How many groups have each, likewise, above 0.
        groups: The class's groups.
    """

    values: Floats
    counts: Floats
    groups: int

    def tilted(self, by: float) -> Floats:
        """Return the chance of each gain, the more ``by`` is, the less of one above 0."""
        odds = self.counts * np.exp(-by * self.values)
        return odds / odds.sum()

    def expected(self, by: float) -> float:
        """Return what the class then adds to the difference on average."""
        return self.groups * float(self.tilted(by) @ self.values)

    def drawn(self, by: float, draws: int, random: np.random.Generator) -> Floats:
        """Return what it adds in each of some draws, shape (draws,)."""
        return random.multinomial(self.groups, self.tilted(by), draws) @ self.values


def balanced(classes: Sequence[Gains]) -> float:
    """Return the chance of so large a difference where the likeliest world without one is true.

    A parametric bootstrap at the fit under the hypothesis (Lee and Young 2005, Statistics and
    Probability Letters 71), which is exponential tilting of what each class showed (Efron 1981,
    Canadian Journal of Statistics 9). An approximation; `python -m benchmarks.holdout_attacks`
    measures its level.

    Args:
        classes: What each class's groups add; together more than 0.

    Returns:
        Above 0, at most 1.
    """
    reached, by = sum(float(each.counts @ each.values) for each in classes) * (1 - TINY), 0.0

    def expected(by: float) -> float:
        return sum(each.expected(by) for each in classes)

    if expected(0) > 0:  # a difference next to none may be gone with what nobody saw
        most = 1.0
        while expected(most) > 0:
            most *= 2
        by = float(brentq(expected, 0, most))
    random, drawn, reaching = np.random.default_rng(SEED), 0, 0
    while drawn < DRAWS and reaching < ENOUGH:
        sums = sum(each.drawn(by, BATCH, random) for each in classes)
        drawn, reaching = drawn + BATCH, reaching + int(np.count_nonzero(sums >= reached))
    return (1 + reaching) / (1 + drawn)


def by_class(
    labels: NDArray[np.int64],
    challenger: NDArray[np.int64],
    champion: NDArray[np.int64],
    groups: ArrayLike,
) -> list[Gains]:
    """Return what the groups add, by the class that has most of a group's weight."""
    summed, weights, codes = _summed(labels, challenger, champion, groups)
    shares = np.zeros((len(summed), labels.max(initial=0) + 1))
    np.add.at(shares, (codes, labels), weights)
    own = shares.argmax(axis=1)
    return [
        _gains(summed[own == number], float(shares[own == number].sum(axis=1).mean()))
        for number in np.unique(own)
    ]


def _gains(summed: Floats, size: float) -> Gains:
    """Count the different gains of a class's groups; one of mean size could have shown either."""
    values, counts = np.unique(
        np.concatenate([np.round(summed / size, 9), [-1.0, 1.0]]), return_counts=True
    )
    unseen = np.isin(values, [-1.0, 1.0]) * (1 - UNSEEN)
    return Gains(values * size, counts - unseen, len(summed))


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
