"""A feature: what it is called, what it means, and the expression that computes it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from vouch.results.extract import FeatureSummary
from vouch.sources.declaration import UNITS
from vouch.usecases.fraud.params import Group

if TYPE_CHECKING:
    from ibis.expr.types import Value

GREATEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Feature:
    """One feature column.

    Attributes:
        name: Column name, lower-case letters, digits and underscores.
        group: Group it belongs to.
        description: What it means, in a few words.
        window: Window it looks back over, such as ``7d``; None without one.
    """

    name: str
    group: Group
    description: str
    window: str | None = None

    def summary(self) -> FeatureSummary:
        """Return it as extract's result describes it."""
        return {
            "name": self.name,
            "group": self.group,
            "window": self.window,
            "description": self.description,
        }


@dataclass(frozen=True)
class Computed:
    """A feature and how to compute it, in float64."""

    feature: Feature
    expression: Any


def computed(
    name: str, group: Group, expression: Any, description: str, window: timedelta | None = None
) -> Computed:
    """Return a feature with its expression."""
    text = None if window is None else brief(window)
    return Computed(Feature(name, group, description, text), expression)


def brief(window: timedelta) -> str:
    """Write a duration as it is declared: in the longest unit that counts it whole."""
    seconds = window.total_seconds()
    unit = next((u for u in ("d", "h", "m") if seconds % UNITS[u] == 0), "s")
    return re.sub(r"\W", "_", f"{seconds / UNITS[unit]:g}{unit}")


def as_float(features: Iterable[Computed]) -> "dict[str, Value]":
    """Make the columns: float32, NaN where a value is undefined or beyond float32."""
    return {item.feature.name: _float32(item.expression.cast("float64")) for item in features}


def _float32(value: Any) -> Any:
    undefined = ibis.literal(float("nan"), "float32")
    # beyond its range engines disagree: null here, infinity there; NaN counts as the greatest
    return ibis.ifelse(value.abs() <= GREATEST, value.try_cast("float32"), undefined)


def ratio(part: Any, whole: Any) -> Any:
    """Divide as float64; null where the divisor is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)
