"""Numbers with their intervals, as JSON."""

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


def figure(value: float, ends: tuple[float, float]) -> Figure:
    """Write a number with its interval as JSON: undefined is null."""
    return {
        "value": None if math.isnan(value) else float(value),
        "interval": None if math.isnan(ends[0]) else [float(end) for end in ends],
    }
