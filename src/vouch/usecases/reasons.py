"""The part of a table of explanations that every use case has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from vouch.models.agreement import LIME, Trust
from vouch.models.surrogate import Array, Explanation

COVERING = "covering"
"""The kind of the cases that were picked to cover the model."""
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
    ("covers", pa.float64()),
]
"""Of a case: which, why it was chosen, what the model says, how far its reasons can be relied on,
the margin that TreeSHAP explains; then a method, and a part's weight and rank; and, of a case that
was picked to cover the model, how much of it is covered with those picked before."""


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
        "covers": None,
    }


def matrix(explained: Sequence[Sequence[tuple[str, float]]]) -> tuple[Array, list[str]]:
    """Return what each feature adds in each case, shape (cases, features), and their names.

    Args:
        explained: Of each case, names and weights; those that come twice are added up.
    """
    names = sorted({name for parts in explained for name, _ in parts})
    columns = {name: column for column, name in enumerate(names)}
    weights = np.zeros((len(explained), len(names)))
    for row, parts in enumerate(explained):
        for name, weight in parts:
            weights[row, columns[name]] += weight
    return weights, names
