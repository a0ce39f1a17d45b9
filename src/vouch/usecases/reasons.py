"""The part of a table of explanations that every use case has."""

from typing import Any

import pyarrow as pa

from vouch.models.agreement import LIME, Trust
from vouch.models.surrogate import Explanation

COLUMNS = [
    ("id", pa.string()),
    ("kind", pa.string()),
    ("score", pa.float64()),
    ("out_of_fold", pa.float64()),
    ("local_prediction", pa.float64()),
    ("r2", pa.float64()),
    ("gap", pa.float64()),
    ("poor", pa.bool_()),
    ("seed", pa.int64()),
    ("mode", pa.string()),
    ("stability", pa.float64()),
    ("unstable", pa.bool_()),
    ("agreement", pa.float64()),
    ("disagree", pa.bool_()),
    ("comparison", pa.string()),
    ("base", pa.float64()),
    ("margin", pa.float64()),
    ("method", pa.string()),
    ("weight", pa.float64()),
    ("rank", pa.int32()),
]
"""Of a case: which, why it was chosen, what the model says, how far its reasons can be relied on,
the margin that TreeSHAP explains; then a method, and a part's weight and rank."""


def shared(
    case: Any, surrogate: Explanation, trust: Trust, mode: str, margin: tuple[float, float] | None
) -> dict[str, Any]:
    """Return what all rows of a case have.

    Args:
        case: Has ``id``, ``kind`` and ``out_of_fold``.
        surrogate: LIME's surrogate.
        trust: How far its reasons can be relied on.
        mode: How rows were perturbed.
        margin: TreeSHAP's base and margin; None without it.
    """
    base, whole = margin or (None, None)
    return {
        "id": case.id,
        "kind": case.kind,
        "out_of_fold": case.out_of_fold,
        **surrogate.columns(),
        "mode": mode,
        **trust.columns(),
        "base": base,
        "margin": whole,
        "method": LIME,
    }
