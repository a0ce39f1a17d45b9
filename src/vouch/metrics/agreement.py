"""How far people agree beyond chance: kappa of two raters and of many, with its interval.

Two: Cohen 1960, A coefficient of agreement for nominal scales, Educational and Psychological
Measurement 20. Many: Fleiss 1971, Measuring nominal scale agreement among many raters,
Psychological Bulletin 76; where cases have unequal numbers of raters in the form of Gwet 2014,
Handbook of Inter-Rater Reliability, 4th edition, chapter 2: each case counts once. Cases of one
rater are left out: if they told how common the classes are, kappa could be less than -1.

The intervals are those of :mod:`vouch.metrics.intervals`, from each case's influence on kappa. Its
sum of squares is the asymptotic variance of Fleiss, Cohen and Everitt 1969, Large sample standard
errors of kappa and weighted kappa, Psychological Bulletin 72, and Gwet's for many raters.
``python -m benchmarks.coverage --only raters`` measures how often they hold.
"""

import math
from dataclasses import dataclass

import numpy as np

from vouch.metrics.clusters import Floats, Integers, independent
from vouch.metrics.figures import Figure, figure
from vouch.metrics.intervals import CONFIDENCE, UNDEFINED, Ends, Measured, clopper_pearson, limits

TINY = 1e-12  # chance alone makes raters agree if less than this is left


@dataclass(frozen=True)
class Chance:
    """Agreement of cases, and what of it comes by chance.

    Attributes:
        agreed: Each case's share of pairs of raters who agree, 0 to 1, shape (cases,).
        expected: The share that would agree by chance, 0 to 1.
        change: Each case's influence on that, shape (cases,).
    """

    agreed: Floats
    expected: float
    change: Floats


def cohen(first: Integers, second: Integers, confidence: float = CONFIDENCE) -> Figure:
    """Compute Cohen's kappa of two raters of the same cases.

    Args:
        first: The classes one rater chose, numbers from 0, shape (cases,).
        second: The other's, likewise.
        confidence: Of the interval, above 0 and below 1.

    Returns:
        Kappa, -1 to 1; null where both gave one and the same class to all, or there is no case.
    """
    if not len(first):
        return figure(math.nan, UNDEFINED)
    classes = int(max(first.max(), second.max())) + 1
    ours, theirs = np.eye(classes)[first], np.eye(classes)[second]
    mean, other = ours.mean(axis=0), theirs.mean(axis=0)
    change = ((ours - mean) @ other + (theirs - other) @ mean) / len(first)
    agreed = (first == second).astype(np.float64)
    return _kappa(Chance(agreed, float(mean @ other), change), confidence)


def fleiss(votes: Integers, confidence: float = CONFIDENCE) -> Figure:
    """Compute Fleiss' kappa of many raters, of whom each case may have its own and its own number.

    Args:
        votes: Raters of each case by the class they chose, shape (cases, classes).
        confidence: Of the interval, above 0 and below 1.

    Returns:
        Kappa, -1 to 1; null where all gave one class to all, or no case has two raters.
    """
    votes = votes[votes.sum(axis=1) > 1]
    if not len(votes):
        return figure(math.nan, UNDEFINED)
    raters = votes.sum(axis=1)
    shares = votes / raters[:, None]
    mean = shares.mean(axis=0)
    agreed = (votes * (votes - 1)).sum(axis=1) / (raters * (raters - 1))
    change = 2 * (shares - mean) @ mean / len(votes)
    return _kappa(Chance(agreed, float(mean @ mean), change), confidence)


def _kappa(chance: Chance, confidence: float) -> Figure:
    """Return (agreement - chance) / (1 - chance) with its interval."""
    agreement, beyond = float(chance.agreed.mean()), 1 - chance.expected
    if beyond < TINY:
        return figure(math.nan, UNDEFINED)
    kappa, cases = 1 - (1 - agreement) / beyond, len(chance.agreed)
    own = (chance.agreed - agreement) / cases
    low, high = _ends(kappa, (own - (1 - kappa) * chance.change) / beyond, confidence)
    if agreement == 1:  # how often they could differ all the same, against chance
        seldom = 1 - clopper_pearson(1.0, cases, confidence)[0]
        low = min(low, 1 - seldom / beyond)
    return figure(kappa, (max(low, -1.0), min(high, 1.0)))


def _ends(kappa: float, influence: Floats, confidence: float) -> Ends:
    """Return the ends of kappa's interval: that of a figure from 0 to 1, stretched."""
    counted = np.ones(len(influence))
    measured = Measured((1 + kappa) / 2, influence / 2, counted)
    spread = independent(len(influence)).spread(measured.influence, counted)
    low, high = limits(measured, spread, confidence)
    return 2 * low - 1, 2 * high - 1


def in_words(kappa: Figure) -> str:
    """Write kappa and its interval, such as ``+.61 (+.40 to +.80)``."""
    if kappa["value"] is None or kappa["interval"] is None:
        return "unknown: one label only"
    value, low, high = (_signed(number) for number in (kappa["value"], *kappa["interval"]))
    return f"{value} ({low} to {high})"


def _signed(number: float) -> str:
    return f"{number:+z.2f}".replace("0.", ".", 1)
