"""Promotion by comparison: one bit, and of a promoted model a rounded figure. Certified.

In the Ladder (Blum and Hardt 2015, arXiv 1502.04585) a leaderboard tells a rounded figure only of a
model that is better than the best so far by a step, of all others the best one's again; so a
sequence of failures tells nothing but that they failed. Here the step is a significance: a
challenger is promoted if its p-value is at most its share of the error that all questions together
may make. This share is one of ``budget``, times the probability of what was told before
(:mod:`.history`): without a promotion nearly all of it, after each promotion less. So

    the expected number of useless promotions in a whole budget is at most ``error``,

in whatever way each candidate was made from the answers before it. The figure is the out-of-fold
one moved by whole steps, as few as bring it nearest to the holdout's; that it need not be moved is
expected, and then gives little away (cf. Thresholdout). No noise is needed, so none can be undone.
"""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal

from scipy.stats import norm

from vouch.holdout.mechanisms import Guarantee
from vouch.holdout.mechanisms.history import History
from vouch.results.evaluate import Told

GUARANTEE: Guarantee = "certified"
POWER = 0.8
"""Chance with which a difference that can be detected leads to a promotion."""
STEP = 4.0
"""A step of a figure in standard errors: two to either side are the out-of-fold figure itself."""
DECIMALS = 4
"""Of what is told: the steps are far wider."""


@dataclass(frozen=True)
class Standard:
    """What one question must reach.

    Attributes:
        level: The p-value a promotion needs, at most.
        miss: The chance with which a promoted model's interval may miss.
    """

    level: float
    miss: float


def standard(budget: int, error: float, confidence: float, history: History) -> Standard:
    """Return what the next question must reach.

    Args:
        budget: Questions the holdout answers, at least 1.
        error: Useless promotions expected at most in the whole budget, above 0.
        confidence: That all intervals hold together, above 0 and below 1.
        history: What was told before.

    >>> round(standard(20, 0.5, 0.95, History()).level, 4)
    0.025
    """
    share = exp(history.log_probability()) / budget
    return Standard(error * share, (1 - confidence) * share)


@dataclass(frozen=True)
class Evidence:
    """What the holdout holds of a challenger and its rival: for the keeper alone.

    Attributes:
        p: The chance of a difference at least as great if the challenger were no better.
        value: The challenger's figure.
    """

    p: float
    value: float


@dataclass(frozen=True)
class Expectation:
    """What is known of a challenger's figure without the holdout.

    Attributes:
        value: Its out-of-fold figure.
        error: The standard error its figure on the holdout is expected to have, above 0.
    """

    value: float
    error: float


@dataclass(frozen=True)
class Rounded:
    """A figure as it is told.

    Attributes:
        steps: By how many steps the holdout moves the out-of-fold figure.
        value: The figure.
        interval: Where it is, allowing for the rounding and for all questions.
    """

    steps: int
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Promotion:
    """The answer to a comparison.

    Attributes:
        promote: Whether the challenger proved better.
        figure: Its figure; None where it did not, or where its out-of-fold figure is unknown.
    """

    promote: bool
    figure: Rounded | None


def compare(evidence: Evidence, needed: Standard, expected: Expectation | None) -> Promotion:
    """Answer whether a challenger is to be promoted.

    Args:
        evidence: What the holdout holds; the answer tells no more of it than its fields.
        needed: What this question must reach.
        expected: What is known without the holdout; None: no figure is told.
    """
    if not evidence.p <= needed.level:  # also where it is undefined
        return Promotion(False, None)
    figure = rounded(evidence.value, expected, needed.miss) if expected else None
    return Promotion(True, figure)


def rounded(value: float, expected: Expectation, miss: float) -> Rounded:
    """Round a figure to whole steps from the expected one.

    Args:
        value: The figure, 0 to 1.
        expected: Where the steps begin, and their width in standard errors.
        miss: The chance with which the interval may miss, above 0.
    """
    width = STEP * expected.error
    steps = round((value - expected.value) / width)
    moved = min(max(expected.value + steps * width, 0.0), 1.0)
    reach = width / 2 + float(norm.isf(miss / 2)) * expected.error
    ends = (max(moved - reach, 0.0), min(moved + reach, 1.0))
    return Rounded(steps, round(moved, DECIMALS), (round(ends[0], DECIMALS), round(ends[1], 4)))


def told(rival: Literal["rule", "champion"], answer: Promotion) -> list[Told]:
    """Return what a comparison's answer tells, for :meth:`.history.History.after`.

    Args:
        rival: The rule (or chance), or a champion.
        answer: The answer.
    """
    surprise = answer.promote == (rival == "champion")
    one: Told = {"kind": rival, "surprise": surprise, "probability": 1.0}
    if answer.figure is None:
        return [one]
    steps = abs(answer.figure.steps)
    # to either side one step has a quarter of all surprises, each further one half as much
    return [one, {"kind": "figure", "surprise": steps > 0, "probability": 2.0 ** -(steps + 1)}]


def detectable(needed: Standard, error: float) -> float:
    """Return the least true difference that is promoted with a chance of ``POWER``.

    Args:
        needed: What the question must reach.
        error: The standard error of the difference.
    """
    return float(norm.isf(needed.level) + norm.ppf(POWER)) * error


def scaled(error: float, units: int, others: int) -> float:
    """Return the standard error of a figure on other rows of the same kind.

    Args:
        error: The standard error on some rows; 0 where all were right, which is no certainty.
        units: How many units these are, at least 1.
        others: How many units the other rows are, at least 1.
    """
    return max(error, 1 / units) * sqrt(units / others)
