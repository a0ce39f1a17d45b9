"""Differences of label issues: counts by who issued them, and entities whose label changed."""

from collections.abc import Sequence
from typing import Any, TypedDict

import ibis

from vouch.labels.resolve import resolve
from vouch.studies.diff.rows import KIND
from vouch.studies.diff.tables import Pair

EXAMPLES = 5
MET = """(FROM held_a AS a FULL JOIN held_b AS b USING (entity)
    SELECT entity, a.label AS was, a.source AS was_by, a.issued_at AS was_at,
      b.label AS now, b.number, b.source AS now_by, b.issued_at AS now_at)"""
FLIPPED = "was <> now"
Row = dict[str, Any]
"""A row of a query's result: column to value."""


class LabelDifferences(TypedDict):
    """How two versions of label issues differ; see :func:`labels`."""

    issues: list[Row]
    held: dict[str, int]
    flips: list[Row]
    examples: list[Row]


def labels(engine: Any, pair: Pair, classes: Sequence[Sequence[str]]) -> LabelDifferences:
    """Compare issues by who made them, and entities' labels in force before and after.

    Only entities with an issue that differs are resolved: the label of no other can have changed.

    Args:
        engine: The Ibis backend of the pair's connection; table ``differing`` is there.
        pair: The issues.
        classes: The names of each side's classes, class 0 first: by these they are compared and
            shown; by their numbers where none are known.

    Returns:
        ``issues``: added, removed and changed by ``source`` and ``actor``; ``held``: entities
        whose label was ``flipped``, ``confirmed`` (the same from another source), ``gained`` or
        ``lost``; ``flips``: entities by ``from``, ``from_source``, ``to``, ``source`` and
        ``actor``; and ``examples`` of flips.
    """
    for side, names in zip(("a", "b"), classes, strict=True):
        _hold(engine, side, names)
    return {
        "issues": _issues(pair),
        "held": _transitions(pair),
        "flips": _flips(pair),
        "examples": _examples(pair),
    }


def _hold(engine: Any, side: str, names: Sequence[str]) -> None:
    """Make table ``held_a`` or ``held_b``: the label that holds of each touched entity."""
    touched = engine.table("differing").select("entity").distinct()
    resolved = resolve(engine.table(side).semi_join(touched, "entity"))
    label = resolved.label
    if names:  # a number beyond the names stays one
        called = ibis.array(list(names))[resolved.label.cast("int64")]
        label = ibis.coalesce(called, resolved.label.cast("string"))
    engine.create_table(
        f"held_{side}", resolved.mutate(number=resolved.label, label=label), temp=True
    )


def _issues(pair: Pair) -> list[Row]:
    counted = ", ".join(
        f"count(*) FILTER ({KIND} = '{kind}')::BIGINT AS {kind}"
        for kind in ("added", "removed", "changed")
    )
    return _rows(pair, f"SELECT source, actor, {counted} FROM differing GROUP BY ALL ORDER BY ALL")


def _transitions(pair: Pair) -> dict[str, int]:
    parts = {
        "flipped": FLIPPED,
        "confirmed": "was = now AND was_by <> now_by",
        "gained": "was IS NULL AND now IS NOT NULL",
        "lost": "now IS NULL AND was IS NOT NULL",
    }
    counted = ", ".join(f"count(*) FILTER ({says}) AS {name}" for name, says in parts.items())
    return _rows(pair, f"SELECT {counted} FROM {MET}")[0]


def _flips(pair: Pair) -> list[Row]:
    return _rows(
        pair,
        f"""SELECT was AS "from", was_by AS from_source, now AS "to", now_by AS source, actor,
              count(*) AS entities
            FROM {_flipped()} GROUP BY ALL
            ORDER BY entities DESC, was, now, was_by, now_by, actor""",
    )


def _examples(pair: Pair) -> list[Row]:
    return _rows(
        pair,
        f"""SELECT entity, was AS "from", was_by AS from_source, now AS "to", now_by AS source,
              actor, now_at AS issued_at
            FROM {_flipped()} ORDER BY now_at DESC, entity LIMIT {EXAMPLES}""",
    )


def _flipped() -> str:
    """Select flipped entities with the actors of the issue that holds now."""
    return f"""(SELECT f.*, string_agg(DISTINCT i.actor, ', ' ORDER BY i.actor) AS actor
        FROM (SELECT * FROM {MET} WHERE {FLIPPED}) AS f JOIN b AS i
        ON i.entity = f.entity AND i.source = f.now_by AND i.issued_at = f.now_at
          AND i.label = f.number AND i.in_force
        GROUP BY ALL)"""


def _rows(pair: Pair, query: str) -> list[Row]:
    result = pair.connection.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
