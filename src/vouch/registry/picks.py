"""What two versions rest on, seen in the cases that together cover each of them (SP-LIME)."""

from pathlib import Path
from typing import Any, TypedDict

from vouch.registry.packaging import EVIDENCE
from vouch.registry.versions import Version
from vouch.sources.readers import parquet

HEAVIEST = 3
"""Reasons shown of a pick."""
LIGHT = 0.05
"""A feature that adds less than this share of the heaviest in no pick is not told."""


class Pick(TypedDict):
    """A case that was picked, its score, and its heaviest reasons by LIME: words and weight."""

    id: str
    score: float
    covers: float
    reasons: list[tuple[str, float]]


class Picked(TypedDict):
    """The picks of two versions, and the features that those of each rest on."""

    a: list[Pick]
    b: list[Pick]
    both: list[str]
    only_a: list[str]
    only_b: list[str]


def compare_picks(a: Version, b: Version) -> Picked | None:
    """Compare what two versions' picks rest on.

    Args:
        a: The first version.
        b: The second version.

    Returns:
        The picks, the one that covers most first, and the features of both, of ``a`` alone and of
        ``b`` alone, the heaviest first; None where a version was registered without picks.

    Raises:
        VouchError: A version's files cannot be had.
    """
    rows = [_rows(version.folder / EVIDENCE / "explanations.parquet") for version in (a, b)]
    if not all(rows):
        return None
    ours, theirs = (_features(each) for each in rows)
    return {
        "a": _picks(rows[0]),
        "b": _picks(rows[1]),
        "both": [name for name in ours if name in theirs],
        "only_a": [name for name in ours if name not in theirs],
        "only_b": [name for name in theirs if name not in ours],
    }


def _rows(path: Path) -> list[dict[str, Any]]:
    """Read LIME's rows of the picks: none where an earlier release wrote the file."""
    import duckdb
    import pyarrow.parquet as pq

    if not path.exists() or "covers" not in (columns := pq.read_schema(path).names):
        return []
    named = ("feature", "condition") if "feature" in columns else ("lower(token)", "token")
    query = f"""SELECT id, score, covers, {named[0]} AS feature, {named[1]} AS what, weight
        FROM {parquet(path)} WHERE covers IS NOT NULL AND method = 'lime'
        ORDER BY covers, id, rank"""
    with duckdb.connect() as connection:
        return connection.execute(query).arrow().read_all().to_pylist()


def _picks(rows: list[dict[str, Any]]) -> list[Pick]:
    picks: dict[str, Pick] = {}
    for row in rows:
        empty: Pick = {
            "id": row["id"],
            "score": row["score"],
            "covers": row["covers"],
            "reasons": [],
        }
        reasons = picks.setdefault(row["id"], empty)["reasons"]
        if len(reasons) < HEAVIEST and row["what"] is not None:
            reasons.append((row["what"], row["weight"]))
    return list(picks.values())


def _features(rows: list[dict[str, Any]]) -> list[str]:
    """Return the features that matter in the picks, the heaviest first."""
    sizes: dict[str, float] = {}
    for row in rows:
        if row["feature"] is not None:
            sizes[row["feature"]] = max(sizes.get(row["feature"], 0.0), abs(row["weight"]))
    least = LIGHT * max(sizes.values(), default=0.0)
    return sorted((n for n, size in sizes.items() if size >= least), key=lambda n: (-sizes[n], n))
