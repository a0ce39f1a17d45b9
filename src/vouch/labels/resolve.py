"""The valid label: the strongest known by a time, the newest among equally strong ones."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from vouch.engine import microseconds, moment

if TYPE_CHECKING:
    from ibis import Table

CODES = {"rule": 0, "given": 1, "chargeback": 2, "reviewer": 3}
STRENGTH = {"rule": 1, "given": 2, "chargeback": 2, "reviewer": 3}
ARRIVING = ("given", "chargeback")
"""Truth that comes by itself; a reviewer's comes when it is asked for."""
TRUTH = (*ARRIVING, "reviewer")
# a rank's bits, from the highest: strength 2, microseconds since 1970 53, label 5, source 2;
# shifts and masks, because engines divide whole numbers as floats
SOURCE_BITS, LABEL_BITS, MOMENT_BITS = 2, 5, 53


def rank(labels: "Table") -> Any:
    """Encode strength, time, label and source in one integer; the greatest one is valid.

    One number lets every engine resolve labels with a plain ``max``, the same way each time.

    Args:
        labels: Issues with ``label`` (0 to 31), ``source`` and ``issued_at`` (1970 to 2255).

    Returns:
        An int64 expression; :func:`unrank` reads it back.
    """
    strength = labels.source.cases(*STRENGTH.items(), else_=0).cast("int64")
    code = labels.source.cases(*CODES.items(), else_=0).cast("int64")
    when = strength * 2**MOMENT_BITS + microseconds(labels.issued_at).clip(lower=0)
    return (when * 2**LABEL_BITS + labels.label.cast("int64")) * 2**SOURCE_BITS + code


class Unranked(TypedDict):
    """Expressions of what a rank encodes."""

    label: Any
    source: Any
    issued_at: Any


def unrank(key: Any) -> Unranked:
    """Read label (int8), source and issued_at back from a rank; null for a null rank."""
    when = (key >> (SOURCE_BITS + LABEL_BITS)) & (2**MOMENT_BITS - 1)
    names = [(code, name) for name, code in CODES.items()]
    return {
        "label": ((key >> SOURCE_BITS) & (2**LABEL_BITS - 1)).cast("int8"),
        "source": (key & (2**SOURCE_BITS - 1)).cases(*names),
        "issued_at": moment(when),
    }


def resolve(labels: "Table", as_of: datetime | None = None) -> "Table":
    """Return the valid label of each entity.

    Only issues in force count. A reviewer beats a chargeback or a given label, these beat the
    rule; among equals the newest wins; issued at the same time, the greater label.

    Args:
        labels: Issues.
        as_of: Issues after it (UTC) are not known yet; None means all are.

    Returns:
        entity, label (int8), source, issued_at; entities without a label in force are left out.
    """
    issues = labels.filter(labels.in_force)
    if as_of is not None:
        issues = issues.filter(issues.issued_at <= as_of)
    best = issues.group_by("entity").aggregate(key=rank(issues).max())
    return best.select("entity", **unrank(best.key))
