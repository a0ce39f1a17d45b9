"""Counts of labels by silver's row groups: those of groups that stayed are not counted again."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict

from vouch.stages.label.history import Turn, turns

if TYPE_CHECKING:
    from ibis import Table

ELSEWHERE = -1
"""The row group of decisions about rows that silver does not have."""


class Counts(TypedDict):
    """What was counted of the rows of one row group.

    Attributes:
        issued: A source's issues each: how many, of how many rows, their ends, whether in force,
            and how many of each class.
        turns: How often labels became valid or ceased to be, by day.
    """

    issued: list[dict[str, Any]]
    turns: list[Turn]


def count(issues: "Table", current: "Table", classes: tuple[str, ...]) -> dict[int, Counts]:
    """Count the issues of rows, by the row groups of the rows in force.

    Args:
        issues: All issues of the rows, and of no others.
        current: ``id``, ``part`` (the row group) and, where there are times, ``time`` of rows in
            force.
        classes: Names of the classes.

    Returns:
        Counts by row group; those of issues of no such row stand under ``ELSEWHERE``.
    """
    result: dict[int, Counts] = {}
    for row in _issued(issues, current, classes):
        part = result.setdefault(row.pop("part"), {"issued": [], "turns": []})
        part["issued"].append(row)
    if "time" in current.columns:
        for part_number, turn in turns(current, issues):
            result[part_number]["turns"].append(turn)
    return result


def _issued(issues: "Table", current: "Table", classes: tuple[str, ...]) -> list[dict[str, Any]]:
    parts = current.select("id", "part")
    joined = issues.left_join(parts, issues.entity == parts.id)
    joined = joined.mutate(part=joined.part.fill_null(ELSEWHERE))
    counted = joined.group_by("part", "source").aggregate(
        issues=joined.count(),
        entities=joined.entity.nunique(),
        first=joined.issued_at.min().cast("string"),
        last=joined.issued_at.max().cast("string"),
        in_force=joined.in_force.any(),
        # decisions on held-out rows have no label here
        **{f"class {n}": (joined.label == n).sum().fill_null(0) for n in range(len(classes))},
    )
    rows: list[dict[str, Any]] = counted.order_by("part", "source").to_pyarrow().to_pylist()
    return rows


def summed(counts: Iterable[Counts], classes: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Sum up the issues of each source over row groups.

    Returns:
        By source: ``issues``, ``entities``, ``first``, ``last``, ``in_force`` and ``class 0`` on.
    """
    by_source: dict[str, dict[str, Any]] = {}
    numbers = ["issues", "entities", *(f"class {n}" for n in range(len(classes)))]
    for row in (row for each in counts for row in each["issued"]):
        total = by_source.setdefault(row["source"], dict.fromkeys(numbers, 0) | {"in_force": False})
        total |= {name: total[name] + row[name] for name in numbers}
        total["first"] = min(total.get("first", row["first"]), row["first"])
        total["last"] = max(total.get("last", row["last"]), row["last"])
        total["in_force"] = total["in_force"] or row["in_force"]
    return dict(sorted(by_source.items()))
