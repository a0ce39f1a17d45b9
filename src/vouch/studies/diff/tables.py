"""Two tables side by side in DuckDB: the key of a row, the columns both have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError, suggest
from vouch.sources.readers import file_literal
from vouch.studies.diff.sides import Side

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BOOKKEEPING = frozenset(
    ["source", "file", "line", "arrived_at", "row_hash", "known_at", "superseded_at"]
)
"""Columns of a row's origin and time in force, not of its content."""
ISSUE = ("entity", "source", "actor", "issued_at")
"""What names a label issue."""
IDS = ("id", "case")
TOGETHER = "union_by_name => true, hive_partitioning => false"
"""How the files of a side are read."""
ORDER = ("known_at", "superseded_at", "arrived_at", "file", "line")
"""What puts versions of one key in order, as far as a table has it."""
NUMBER = "vouch:number"
"""The column that numbers rows of one key: 1 for the first version, 2 for the next."""
DIGEST = "vouch:digest"
"""The column of digests of keys that come again; like all of ours, named as no table's own."""


@dataclass(frozen=True)
class Pair:
    """Two tables and how to compare them.

    Attributes:
        connection: Where they are views ``a`` and ``b``, and with ``NUMBER`` ``numbered_a`` and
            ``numbered_b``, columns that both have in one type.
        key: The columns that name a row; none: a row is what it says.
        shared: The other columns both have.
        only: The columns only one has: of ``a``, of ``b``.
        retyped: Column to its two types where they differ.
    """

    connection: "DuckDBPyConnection"
    key: tuple[str, ...]
    shared: tuple[str, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]
    retyped: dict[str, tuple[str, str]]

    @property
    def issues(self) -> bool:
        """Whether the rows are label issues."""
        return self.key == ISSUE and {"label", "in_force"} <= set(self.shared)

    @property
    def versioned(self) -> bool:
        """Whether one key may have several versions, each with its time."""
        return "known_at" in self.shared

    @property
    def content(self) -> tuple[str, ...]:
        """The shared columns without bookkeeping: what a row itself says."""
        ours = () if self.issues else BOOKKEEPING
        return tuple(column for column in self.shared if column not in ours)


def quote(name: str) -> str:
    """Quote a column's name for SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def listed(names: Sequence[str], table: str = "") -> str:
    """Write columns' names as SQL, comma separated."""
    return ", ".join(f"{table}.{quote(name)}" if table else quote(name) for name in names)


def pair(connection: "DuckDBPyConnection", a: Side, b: Side, key: Sequence[str]) -> Pair:
    """Open two tables.

    Args:
        connection: Where to.
        a: The one, usually the older.
        b: The other.
        key: The columns that name a row; empty: ``id``, what names a label issue, or nothing.

    Raises:
        VouchError: A file cannot be read, its files do not agree in their columns, or one of the
            tables lacks a column of the key, or they share no column.
    """
    types = [_open(connection, side, view) for side, view in ((a, "a"), (b, "b"))]
    both = [name for name in types[0] if name in types[1]]
    if not both:
        raise VouchError(f"{a.name}, {b.name}: no column in common", "name versions of one table")
    chosen = _key(a, b, types, key, both)
    only = [tuple(c for c in t if c not in o) for t, o in (types, types[::-1])]
    retyped = {c: (types[0][c], types[1][c]) for c in both if types[0][c] != types[1][c]}
    shared = tuple(c for c in both if c not in chosen)
    result = Pair(connection, chosen, shared, (only[0], only[1]), retyped)
    _number(result)
    return result


def _open(connection: "DuckDBPyConnection", side: Side, view: str) -> dict[str, str]:
    """Make a view of a side's files and return its columns' types."""
    import duckdb

    schemas: list[dict[str, str]] = []
    try:
        for path in side.files:
            columns = connection.execute(f"DESCRIBE FROM {_read(side, [path])}").fetchall()
            schemas.append({str(name): str(kind) for name, kind, *_ in columns})
        connection.execute(f"CREATE VIEW {view} AS FROM {_read(side, side.files)}")
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise VouchError(f"{side.name}: cannot be read: {reason}", "name a table") from None
    if any(schema.keys() != schemas[0].keys() for schema in schemas):
        raise VouchError(f"{side.name}: its files have different columns", "name one of them")
    return schemas[0]


def _read(side: Side, files: Sequence[Path]) -> str:
    listing = ", ".join(map(file_literal, files))
    if side.format == ".csv":
        # all as text: the types a reader guesses may differ between two versions
        return f"read_csv([{listing}], {TOGETHER}, all_varchar => true)"
    return f"read_parquet([{listing}], {TOGETHER})"


def _key(
    a: Side, b: Side, types: Sequence[dict[str, Any]], key: Sequence[str], both: Sequence[str]
) -> tuple[str, ...]:
    for side, columns in zip((a, b), types, strict=True):
        for name in key:
            if name not in columns:
                raise VouchError(f"{side.name}: no column {name!r}", suggest(name, columns))
    if key:
        return tuple(key)
    if set(ISSUE) <= set(both):
        return ISSUE
    return next(((name,) for name in IDS if name in both), ())


def _number(pair: Pair) -> None:
    """Make the numbered views; only rows whose key comes again are put in order."""
    pair.connection.execute(f"CREATE TABLE again AS {_again(pair, 'a')} UNION {_again(pair, 'b')}")
    order = listed([c for c in ORDER if c in pair.shared] or pair.shared or pair.key)
    place = f"row_number() OVER (PARTITION BY {_name(pair)} ORDER BY {order})"
    met = f'hash({_name(pair)}) = "{DIGEST}"'
    for view in ("a", "b"):
        cast = f"SELECT {_cast(pair)} FROM {view}"
        pair.connection.execute(
            f"""CREATE VIEW numbered_{view} AS
                SELECT *, 1 AS "{NUMBER}" FROM ({cast}) ANTI JOIN again ON {met}
                UNION ALL
                SELECT *, {place} AS "{NUMBER}" FROM ({cast})
                SEMI JOIN again ON {met}"""
        )


def _again(pair: Pair, view: str) -> str:
    named = f'SELECT hash({_name(pair)}) AS "{DIGEST}" FROM (SELECT {_cast(pair)} FROM {view})'
    return f'SELECT "{DIGEST}" FROM ({named}) GROUP BY ALL HAVING count(*) > 1'


def _name(pair: Pair) -> str:
    return listed(pair.key or pair.shared)


def _cast(pair: Pair) -> str:
    """Select the columns both have; those of two types in one that holds both."""
    return ", ".join(
        f"{quote(c)}::{_common(pair, c)} AS {quote(c)}" if c in pair.retyped else quote(c)
        for c in (*pair.key, *pair.shared)
    )


def _common(pair: Pair, column: str) -> str:
    import duckdb

    both = f"SELECT {quote(column)} FROM a UNION ALL SELECT {quote(column)} FROM b"
    try:
        row = pair.connection.execute(f"DESCRIBE ({both})").fetchone()
    except duckdb.Error:  # such as a struct and a number
        return "VARCHAR"
    return str(row[1]) if row else "VARCHAR"
