"""Truth that came by itself after the holdout began: it trains no model that the holdout judges.

A model in use when the holdout began could have learned from no such label. It stays in the columns
``truth`` and ``truth_known_at``, by which out-of-fold rows are measured: to measure by the truth
that came soon alone would choose rows by their delay. People's decisions are
another matter: they are given when asked for, at whatever time, and train. So does all truth of
rows newer than the holdout, which cannot come any earlier: they train at once, or not at all.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis

from vouch.labels.known import labels_as_of
from vouch.labels.resolve import ARRIVING
from vouch.results.extract import LateLabels

if TYPE_CHECKING:
    from ibis import Table

TRAINING = ("label", "label_source", "label_known_at")
"""The columns of the label that a row trains with; null where it only measures."""
MANY = 0.01
"""The share of training rows from which on changed labels are worth a warning."""


def came_late(rows: "Table", boundary: datetime | None) -> Any:
    """Return whether a row's valid label is truth that came by itself after the holdout began.

    Args:
        rows: Training rows with their labels as of now.
        boundary: The holdout's first moment; None: it was not cut by time, and nothing is late.

    Returns:
        A boolean expression; false of rows from the boundary on.
    """
    if boundary is None:
        return ibis.literal(False)
    by_itself = rows.label_source.isin(ARRIVING)
    return (rows.time < boundary) & by_itself & (rows.label_known_at > boundary)


def without_late_truth(rows: "Table", boundary: datetime | None, issues: "Table") -> "Table":
    """Give training rows the strongest label that may train: the next one, where truth came late.

    What measures, the truth, stays as it is.

    Args:
        rows: Training rows with their labels as of now.
        boundary: The holdout's first moment; None: it was not cut by time, and nothing is late.
        issues: Issues known by now, on the same engine.

    Returns:
        The rows in the same columns; those of which nothing else is known have no label.
    """
    late = came_late(rows, boundary)
    if boundary is None or not rows.filter(late).count().to_pyarrow().as_py():
        return rows
    concerned = rows.filter(late).drop(*TRAINING)
    own = issues.filter(issues.entity.isin(concerned.id))
    in_time = own.filter(~own.source.isin(ARRIVING) | (own.issued_at <= boundary))
    valid = labels_as_of(in_time).select("entity", *TRAINING)
    again = concerned.left_join(valid, concerned.id == valid.entity).drop("entity")
    return rows.filter(~late).union(again.select(*rows.columns).cast(rows.schema()))


def count_late(rows: "Table", trained: "Table", boundary: datetime | None) -> LateLabels | None:
    """Count the labels that came after the holdout began.

    Args:
        rows: Training rows with their labels as of now.
        trained: The same with the labels that train, from :func:`without_late_truth`.
        boundary: The holdout's first moment.

    Returns:
        None where the holdout was not cut by time.
    """
    if boundary is None:
        return None
    late = rows.filter(came_late(rows, boundary)).select("id")
    kept = trained.semi_join(late, "id")
    counts = kept.label_source.value_counts(name="rows").to_pyarrow()
    by_source = {row["label_source"]: row["rows"] for row in counts.to_pylist()}
    changed = kept.filter(kept.label_source.isin(ARRIVING) & (kept.label != kept.truth))
    return {
        "left_out": sum(by_source.values()),
        "by_rule": by_source.get("rule", 0),
        "unlabelled": by_source.get(None, 0),
        "changed": changed.count().to_pyarrow().as_py(),
        "decided": count_decided(trained, boundary),
    }


def warning(late: LateLabels | None, rows: int) -> str:
    """Return what a user must know of true labels that were changed after the holdout began.

    A file that brings all rows again, with labels mended in bulk, may be what the user wants a
    model to learn from; until the next rotation none does.

    Args:
        late: The counts; None: the holdout was not cut by time.
        rows: Training rows.

    Returns:
        A sentence; empty where at most ``MANY`` of the rows are concerned.
    """
    changed = late.get("changed", 0) if late else 0
    if changed <= MANY * rows:
        return ""
    return (
        f"the true labels of {changed:,} of {rows:,} training rows were changed after the holdout "
        "began: these rows train with what was known before, and are measured by what is known "
        "now; once the holdout is rotated, the changed labels train"
    )


def count_decided(trained: "Table", boundary: datetime | None) -> int:
    """Count the rows that train with a decision which people gave after the holdout began."""
    if boundary is None:
        return 0
    after = (trained.label_source == "reviewer") & (trained.label_known_at > boundary)
    counted: int = trained.filter(after).count().to_pyarrow().as_py()
    return counted
