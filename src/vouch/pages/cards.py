"""The figures a reader sees first."""

from vouch.metrics.figures import Figure
from vouch.pages import formats
from vouch.results.evaluate import Evaluation, Holdout, OutOfFold


def headline_part(evaluation: Evaluation) -> tuple[Holdout | OutOfFold, str]:
    """Return the figures to show first and where they are from: the holdout's if it told any."""
    told = evaluation.holdout.get("mechanism", "exact") == "exact"
    if told and evaluation.holdout["status"] == "answered":
        return evaluation.holdout, "holdout"
    return evaluation.out_of_fold, "out of fold" + ", blinded" * bool(evaluation.blind)


def card(measured: Figure | None, label: str, where: str) -> dict[str, str]:
    """Return the card of a figure with its interval."""
    value, ends = (measured["value"], measured["interval"]) if measured else (None, None)
    between = formats.between(ends)
    return {
        "value": formats.metric(value),
        "label": label,
        "note": f"{between} {where}".strip(),
    }
