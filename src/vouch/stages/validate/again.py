"""Silver that grows: rows that stayed are not checked again.

It grows where the new rows come after all that stayed, none of them has the id of another row, none
is quarantined, and nothing was repeated, corrected or quarantined before. Then what is expected of
single rows is asked of the new ones alone. Everything else is checked as if all rows were new.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from vouch.core.cache import Cache, Entry
from vouch.engine import ROW_GROUP
from vouch.engine.splice import digests, is_regular, unchanged
from vouch.labels.condition import is_of_one_row
from vouch.sources.readers import parquet
from vouch.stages.validate.history import KEY
from vouch.stages.validate.outcome import Outcome
from vouch.stages.validate.queries import QUERY, filled_in
from vouch.usecases.suite import Expectation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SILVER = "silver.parquet"
SINGLE = frozenset(
    [
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_match_regex",
        "expect_column_value_lengths_to_be_between",
    ]
)
"""Expectations that a row meets or not whatever the other rows are."""
OF_SHARES = frozenset(["mostly", "row_condition", "condition_parser"])
SELECTED = re.compile(r"\s*select\s+\*\s+from\s+batch\s+where\s+(.*)", re.IGNORECASE | re.DOTALL)


def of_one_row(expectation: Expectation) -> bool:
    """Return whether an expectation can be asked of each row apart."""
    fields = expectation["kwargs"]
    if OF_SHARES & fields.keys():
        return False
    if expectation["type"] in SINGLE:
        return True
    try:
        selected = SELECTED.fullmatch(filled_in(str(fields.get(QUERY, "")), "batch"))
    except ValueError:
        return False
    return bool(selected and is_of_one_row(selected[1]))


def stays(
    connection: "DuckDBPyConnection",
    entry: Entry | None,
    bronze: Path,
    expectations: Sequence[Expectation],
) -> int:
    """Count the first row groups of bronze whose rows need no check; 0: all have to be checked.

    Args:
        connection: Where to run.
        entry: What was kept.
        bronze: The rows.
        expectations: What is expected of single rows.
    """
    if entry is None or not all(map(of_one_row, expectations)):
        return 0
    if not is_regular(bronze) or not is_regular(entry.file(SILVER)):
        return 0
    now, before = digests(bronze), entry.facts["digests"]
    first = unchanged(before, now, entry.facts["rows"])
    return first if first < len(now) and _all_new(connection, bronze, first) else 0


def _all_new(connection: "DuckDBPyConnection", bronze: Path, first: int) -> bool:
    """Return whether no row behind the first row groups has the id of another row."""
    hashes = f"SELECT hash(id) AS h FROM {parquet(bronze, numbered=True)}"
    late, early = (f"{hashes} WHERE {KEY} {op} {first * ROW_GROUP}" for op in (">=", "<"))
    row = connection.execute(
        f"""SELECT (SELECT count(*) = count(DISTINCT h) FROM ({late}))
              AND NOT EXISTS (FROM ({early}) WHERE h IN ({late}))"""
    ).fetchone()
    return bool(row and row[0])


def together(
    entry: Entry, first: int, rows: int, late: Sequence[Outcome], shown: int
) -> list[Outcome]:
    """Return the outcomes of all rows, from those kept and those of the rows behind.

    Args:
        entry: What was kept.
        first: How many of bronze's first row groups stayed.
        rows: How many rows there are.
        late: The outcomes of the rows behind them.
        shown: How many failing rows are shown.
    """
    return [
        _joined(noted, first, rows, each, shown)
        for noted, each in zip(entry.facts["failed"], late, strict=True)
    ]


def _joined(noted: dict[str, Any], first: int, rows: int, late: Outcome, shown: int) -> Outcome:
    failed = late.failed + sum(n for part, n in noted["parts"] if part < first)
    texts = [text for key, text in noted["examples"] if key < first * ROW_GROUP]
    return replace(
        late,
        success=failed == 0,
        failed=failed,
        share=failed / rows,
        examples=(*texts, *late.examples)[:shown],
    )


def failures(connection: "DuckDBPyConnection", outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Count the failing rows of each expectation by bronze's row groups, and number those shown."""
    return [_failures(connection, each) for each in outcomes]


def _failures(connection: "DuckDBPyConnection", each: Outcome) -> dict[str, Any]:
    if not each.failed:
        return {"parts": [], "examples": []}
    parts = connection.execute(
        f"SELECT {KEY} // {ROW_GROUP}, count(*) FROM ({each.failing}) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    query = f"SELECT {KEY} FROM ({each.failing}) ORDER BY 1 LIMIT {len(each.examples)}"
    keys = [key for (key,) in connection.execute(query).fetchall()]
    return {"parts": parts, "examples": list(zip(keys, each.examples, strict=True))}


def added(entry: Entry, first: int, late: list[dict[str, Any]], shown: int) -> list[dict[str, Any]]:
    """Return what :func:`failures` would of all rows, from what was kept and the rows behind."""
    return [
        {
            "parts": [*([p, n] for p, n in noted["parts"] if p < first), *each["parts"]],
            "examples": [
                *([k, text] for k, text in noted["examples"] if k < first * ROW_GROUP),
                *each["examples"],
            ][:shown],
        }
        for noted, each in zip(entry.facts["failed"], late, strict=True)
    ]


def keep(cache: Cache, key: str, bronze: Path, silver: Path, failed: list[dict[str, Any]]) -> None:
    """Keep silver, and which rows fail what."""
    facts = {
        "digests": digests(bronze),
        "rows": pq.read_metadata(bronze).num_rows,
        "failed": failed,
    }
    cache.put(key, {SILVER: silver}, facts)
