"""Labels of rows that grew: only what new rows and decisions can change is issued again.

A row's issues depend on that row alone, and none is issued before the row was known. So those from
before the first moment at which a changed row was known, or a changed decision, stay as they were.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from vouch.core.cache import Cache, Entry
from vouch.engine import PARQUET, ROW_GROUP
from vouch.engine.splice import digests, grow, is_regular, unchanged
from vouch.labels.issues import COLUMNS
from vouch.sources.readers import literal, parquet, quoted
from vouch.stages.label.counts import Counts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LABELS, DECISIONS, LAST = "labels.parquet", "decisions.parquet", "last.parquet"
ORDER = ("issued_at", "entity", "source", "label", "actor")


@dataclass(frozen=True)
class Now:
    """What labels are issued for.

    Attributes:
        rows: Silver rows.
        decisions: People's, in the columns of an issue.
        digests: Of silver's row groups.
        known: When the first row of each was known, as ISO texts; None: at no moment told.
    """

    rows: Path
    decisions: pa.Table
    digests: list[str]
    known: list[str | None]


@dataclass(frozen=True)
class Change:
    """What is another since labels were issued before.

    Attributes:
        labels: The labels issued before.
        since: No issue before it changed; None: none changed at all.
        first: How many of silver's first row groups stayed as they were.
        stays: How many of the labels' first row groups do.
        counts: What was counted of each of silver's row groups; None: it does not hold any more.
    """

    labels: Path
    since: datetime | None
    first: int
    stays: int
    counts: dict[int, Counts] | None


def look(connection: "DuckDBPyConnection", rows: Path, decisions: pa.Table) -> Now:
    """Read what tells silver rows and decisions from those of an earlier run."""
    found = connection.execute(
        f"""SELECT file_row_number // {ROW_GROUP} AS part,
              CASE WHEN count(known_at) = count(*) THEN CAST(min(known_at) AS VARCHAR) END
            FROM {parquet(rows, numbered=True)} GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    return Now(rows, decisions, digests(rows), [known for _, known in found])


def keep(
    connection: "DuckDBPyConnection",
    cache: Cache,
    key: str,
    now: Now,
    labels: Path,
    counts: dict[int, Counts],
    scratch: Path,
) -> None:
    """Keep the labels, what they were issued for, and what was counted."""
    rows = pq.read_metadata(now.rows).num_rows
    pq.write_table(now.decisions, scratch / DECISIONS)
    connection.execute(
        f"""COPY (SELECT id FROM {parquet(now.rows, numbered=True)}
              WHERE file_row_number >= {rows // ROW_GROUP * ROW_GROUP})
            TO {literal(scratch / LAST)} {PARQUET}"""
    )
    facts = {"digests": now.digests, "known": now.known, "rows": rows, "counts": counts}
    files = {LABELS: labels} | {name: scratch / name for name in (DECISIONS, LAST)}
    cache.put(key, files, facts)


def compare(connection: "DuckDBPyConnection", entry: Entry, now: Now) -> Change | None:
    """Find what is another, and make table ``affected``: the ids whose issues may be.

    Args:
        connection: Where to make it.
        entry: What was kept by an earlier run.
        now: What there is now.

    Returns:
        None where all has to be issued anew.
    """
    facts, labels = entry.facts, entry.file(LABELS)
    if not is_regular(labels) or not is_regular(now.rows):
        return None
    first = unchanged(facts["digests"], now.digests, facts["rows"])
    decided = _differing(pq.read_table(entry.file(DECISIONS)), now.decisions)
    moments = [*facts["known"][first:], *now.known[first:]]
    if None in moments:
        return None
    issued = [row["issued_at"] for row in decided]
    since = min([*map(datetime.fromisoformat, moments), *issued], default=None)
    entities = pa.array([row["entity"] for row in decided], pa.string())
    connection.register("decided", pa.table({"id": entities}))
    connection.execute(
        f"""CREATE TEMP TABLE affected AS SELECT DISTINCT id FROM (
              FROM decided UNION ALL FROM {parquet(entry.file(LAST))} UNION ALL
              SELECT id FROM {parquet(now.rows, numbered=True)}
              WHERE file_row_number >= {first * ROW_GROUP})"""
    )
    # of full row groups that were changed, the ids they had are not known any more
    whole = first >= facts["rows"] // ROW_GROUP
    counts = {int(part): each for part, each in facts["counts"].items()} if whole else None
    return Change(labels, since, first, _stays(connection, labels, since), counts)


def _differing(old: pa.Table, new: pa.Table) -> list[dict[str, Any]]:
    """List the decisions that only one of two tables has."""
    if old.schema != new.schema:
        return [*old.to_pylist(), *new.to_pylist()]
    counted = [Counter(tuple(row.items()) for row in table.to_pylist()) for table in (old, new)]
    return [dict(row) for row in ((counted[0] - counted[1]) + (counted[1] - counted[0]))]


def _stays(connection: "DuckDBPyConnection", labels: Path, since: datetime | None) -> int:
    """Count the first row groups of labels whose issues all come before a moment."""
    groups = pq.read_metadata(labels).num_rows // ROW_GROUP
    if since is None:
        return groups
    row = connection.execute(
        f"""SELECT coalesce(min(file_row_number), {groups * ROW_GROUP}) // {ROW_GROUP}
            FROM {parquet(labels, numbered=True)} WHERE issued_at >= ?""",
        [since],
    ).fetchone()
    assert row is not None
    return min(int(row[0]), groups)


def affected_parts(connection: "DuckDBPyConnection", now: Now, change: Change) -> list[int]:
    """List silver's row groups with a current row whose issues may be others, or that changed."""
    found = connection.execute(
        f"""SELECT DISTINCT file_row_number // {ROW_GROUP} FROM {parquet(now.rows, numbered=True)}
            WHERE file_row_number < {change.first * ROW_GROUP} AND superseded_at IS NULL
              AND id IN (FROM affected)"""
    ).fetchall()
    return [*(int(part) for (part,) in found), *range(change.first, len(now.digests))]


def choose(
    connection: "DuckDBPyConnection", now: Now, change: Change, parts: Sequence[int], out: Path
) -> None:
    """Write the silver rows to issue labels of again.

    They are all rows of some row groups, other versions of those, and rows that were issued a
    label since the moment from which on labels are written anew.
    """
    table, mine = parquet(now.rows, numbered=True), _within(parts)
    connection.execute(
        f"""CREATE TEMP TABLE wanted AS SELECT DISTINCT id FROM (
              SELECT entity AS id FROM {parquet(change.labels, numbered=True)}
              WHERE file_row_number >= {change.stays * ROW_GROUP} AND issued_at >= ?)""",
        [change.since],
    )
    connection.execute(
        f"""CREATE TEMP TABLE chosen AS SELECT DISTINCT file_row_number FROM (
              SELECT file_row_number FROM {table} WHERE {mine}
              UNION ALL SELECT file_row_number FROM {table} SEMI JOIN wanted USING (id)
              UNION ALL SELECT file_row_number FROM {table} WHERE superseded_at IS NOT NULL
                AND id IN (SELECT id FROM {table} WHERE {mine}))"""
    )
    connection.execute(
        f"""COPY (SELECT * EXCLUDE (file_row_number) FROM {table}
              WHERE file_row_number >= (SELECT min(file_row_number) FROM chosen)
                AND file_row_number IN (FROM chosen)) TO {literal(out)} (FORMAT parquet)"""
    )


def _within(parts: Sequence[int]) -> str:
    """Return SQL for whether a row is in one of some row groups, by which files are skipped."""
    ranges = [
        f"file_row_number BETWEEN {part * ROW_GROUP} AND {(part + 1) * ROW_GROUP - 1}"
        for part in parts
    ]
    return " OR ".join(ranges) or "false"


def write(
    connection: "DuckDBPyConnection", change: Change, fresh: Path, labels: Path, scratch: Path
) -> None:
    """Write the labels: those that stay, and those that were issued again.

    Args:
        connection: Where to run.
        change: What stays.
        fresh: Issues (Parquet), among them all since the moment of the change.
        labels: Where all go.
        scratch: A folder for those behind the row groups that stay.
    """
    columns = ", ".join(map(quoted, [*COLUMNS, "in_force"]))
    before = f"""SELECT {columns} FROM {parquet(change.labels, numbered=True)}
                 WHERE file_row_number >= {change.stays * ROW_GROUP} AND issued_at < $since"""
    after = f"SELECT {columns} FROM {parquet(fresh)} WHERE issued_at >= $since"
    if change.since is None:
        raise ValueError("nothing changed: there is nothing to write")
    query = f"SELECT * FROM ({before} UNION ALL {after}) ORDER BY {', '.join(ORDER)}"
    since = {"since": change.since}
    grow(connection, change.labels, change.stays, query, labels, scratch, since)
