"""The figures a reader sees first."""

from collections.abc import Mapping
from typing import Any

from vouch.pages import formats


def headline_part(evaluation: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return the figures to show first, the holdout's if it answered, and where they are from."""
    holdout = evaluation.get("holdout") or {}
    if holdout.get("status") == "answered":
        return holdout, "holdout"
    return evaluation.get("out_of_fold") or {}, "out of fold"


def card(measured: Any, label: str, where: str) -> dict[str, str]:
    """Return the card of a figure with its interval."""
    values = measured or {}
    between = formats.between(values.get("interval"))
    return {
        "value": formats.metric(values.get("value")),
        "label": label,
        "note": f"{between} {where}".strip(),
    }
