"""Numbers with their exact intervals, as JSON."""

import math

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12


class Figure(TypedDict):
    """A number and the ends of its interval; null where undefined."""

    value: float | None
    interval: list[float] | None


class Count(TypedDict):
    """A count and the ends of its interval."""

    value: int
    interval: list[float]


class Difference(TypedDict):
    """The difference of two models' figures, and the ends of its interval."""

    value: float
    interval: list[float]


def count(value: int, confidence: float) -> Count:
    """Return a count with its exact Poisson interval.

    The Poisson bootstrap of a count is a Poisson draw; inverting it (Garwood 1936, "Fiducial
    limits for the Poisson distribution", Biometrika 28) needs no resampling and does not claim
    that nothing seen means nothing there.

    Args:
        value: The count, at least 0.
        confidence: Of the interval, above 0 and below 1.
    """
    from scipy.stats import chi2  # takes a second, and many commands only read results

    low = chi2.ppf((1 - confidence) / 2, 2 * value) / 2 if value else 0.0
    high = chi2.ppf((1 + confidence) / 2, 2 * value + 2) / 2
    return {"value": value, "interval": [float(low), float(high)]}


def share(hits: int, tries: int, confidence: float) -> Figure:
    """Return a share with its exact (Clopper-Pearson) interval; null of nothing.

    Args:
        hits: At least 0, at most ``tries``.
        tries: At least 0.
        confidence: Of the interval, above 0 and below 1.
    """
    from scipy.stats import binomtest

    if not tries:
        return figure(math.nan, (math.nan, math.nan))
    ends = binomtest(hits, tries).proportion_ci(confidence, method="exact")
    return figure(hits / tries, (ends.low, ends.high))


def figure(value: float, ends: tuple[float, float]) -> Figure:
    """Write a number with its interval as JSON: undefined is null."""
    return {
        "value": None if math.isnan(value) else float(value),
        "interval": None if math.isnan(ends[0]) else [float(end) for end in ends],
    }
