"""A feature's value around a case, in words a reviewer understands."""

from dataclasses import dataclass

import numpy as np

from vouch.models.surrogate import Array, Part
from vouch.usecases.fraud.lime import is_binary


@dataclass(frozen=True)
class Vocabulary:
    """What features are called and which values they usually have.

    Attributes:
        names: The features' names, in the rows' order.
        descriptions: What each means, in a few words; shown instead of the name.
        background: Real rows to compare a value with, shape (rows, features); may hold NaN.
    """

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    background: Array

    def condition(self, part: Part, value: float) -> str:
        """Return what holds of the case.

        Args:
            part: The feature's part in the explanation.
            value: Its value in the case; may be NaN.

        Returns:
            Such as ``amount is 1,250,000 (above 98 % of rows)``.
        """
        what = self.descriptions[part.feature] or self.names[part.feature]
        if part.low is not None or part.high is not None:
            return f"{what} {_bin(part)}"
        if np.isnan(value):
            return f"{what} is unknown"
        if part.scale is not None:
            return f"{what} is {number(value)} (weight per {number(part.scale)} more)"
        column = self.background[:, part.feature]
        if value in {0, 1} and is_binary(column[:, None])[0]:
            return f"{what}: {'yes' if value else 'no'}"
        return f"{what} is {number(value)} ({_standing(column, value)})"


def number(value: float) -> str:
    """Write a number with thousands separated and three significant digits or more."""
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.1f}"


def _bin(part: Part) -> str:
    if part.low is None:
        return f"≤ {number(float(part.high or 0))}"
    if part.high is None:
        return f"> {number(part.low)}"
    return f"in ({number(part.low)}, {number(part.high)}]"


def _standing(column: Array, value: float) -> str:
    defined = column[~np.isnan(column)]
    if not defined.size:
        return "seldom known"
    below, above = float((defined < value).mean()), float((defined > value).mean())
    if max(below, above) <= 0.5:
        return "as usual"
    share, word = (below, "above") if below > above else (above, "below")
    if share == 1:
        return f"{word} all rows"
    # nearly all must not be rounded up to all
    return f"{word} {min(share, 0.999):.1%} of rows".replace(".0%", "%")
