"""Figures and times as the pages write them."""

from datetime import datetime

from vouch.holdout.ledger import now
from vouch.metrics.figures import Figure

UNITS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"))
"""Up to how many seconds a time is written in a unit, and the unit's seconds."""


def ago(moment: datetime | None) -> str:
    """Write how long ago something was, such as ``12 min``."""
    if moment is None:
        return "never"
    seconds = max((now() - moment).total_seconds(), 0.0)
    for end, unit, name in UNITS:
        if seconds < end:
            return f"{seconds // unit:.0f} {name}"
    days = int(seconds // 86_400)
    return f"{days} day{'s' if days > 1 else ''}"


def share(figure: Figure) -> str:
    """Write a share and its interval, such as ``83 % (52 to 98)``."""
    if figure["value"] is None or figure["interval"] is None:
        return "–"
    low, high = figure["interval"]
    return f"{figure['value']:.0%} ({100 * low:.0f} to {100 * high:.0f})"
