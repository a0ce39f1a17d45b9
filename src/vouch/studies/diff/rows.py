"""Rows that were added, removed or changed.

Only names and digests of rows are joined; whole rows are read again where their
digests differ. A digest has 64 bits, so a change stays unseen once in 2^64 changed rows.
"""

from typing import Any, TypedDict

from vouch.studies.diff.tables import NUMBER, Pair, listed, quote

EXAMPLES = 5
KIND, SAID, WHOLE = '"vouch:kind"', '"vouch:said"', '"vouch:whole"'
"""Our own columns, quoted: the kind of difference, and digests of a row's content and of all."""
KINDS = ("added", "corrected", "changed", "bookkeeping", "removed")


class ColumnCount(TypedDict):
    """In how many rows a column differs."""

    column: str
    rows: int


class ColumnCounts(TypedDict):
    """Columns that differ: of rows both tables have, and of new versions and those before them."""

    changed: list[ColumnCount]
    corrected: list[ColumnCount]


class Example(TypedDict):
    """A differing row: its name, and its changed columns' values before and after."""

    row: dict[str, Any]
    columns: dict[str, list[Any]]


def differing(pair: Pair) -> None:
    """Make table ``differing``: name, number and ``kind`` of each row that is not the same.

    Args:
        pair: The tables.
    """
    name = ", ".join(
        f"coalesce(a.{quote(c)}, b.{quote(c)}) AS {quote(c)}" for c in (*_name(pair), NUMBER)
    )
    pair.connection.execute(
        f"""CREATE TABLE differing AS
            SELECT {name}, CASE WHEN a.{WHOLE} IS NULL THEN 'added' WHEN b.{WHOLE} IS NULL THEN
              'removed' WHEN a.{SAID} <> b.{SAID} THEN 'changed' ELSE 'bookkeeping' END AS {KIND}
            FROM ({_digested(pair, "a")}) AS a FULL JOIN ({_digested(pair, "b")}) AS b
            ON {_same(pair)} WHERE a.{WHOLE} IS DISTINCT FROM b.{WHOLE}"""
    )
    if pair.key and pair.versioned:
        _mark_corrections(pair)


def _name(pair: Pair) -> tuple[str, ...]:
    return pair.key or pair.shared


def _same(pair: Pair, first: str = "a", second: str = "b") -> str:
    return " AND ".join(
        f"{first}.{quote(c)} IS NOT DISTINCT FROM {second}.{quote(c)}"
        for c in (*_name(pair), NUMBER)
    )


def _digested(pair: Pair, view: str) -> str:
    content = f"hash({listed(pair.content)})" if pair.content else "0"
    whole = f"hash({listed(pair.shared)})" if pair.shared else "0"
    columns = listed((*_name(pair), NUMBER))
    return f"SELECT {columns}, {content} AS {SAID}, {whole} AS {WHOLE} FROM numbered_{view}"


def _mark_corrections(pair: Pair) -> None:
    """Mark later versions of a row that was there, unlike rows that are new."""
    key = listed(pair.key)
    pair.connection.execute(
        f"""UPDATE differing SET {KIND} = 'corrected' WHERE {KIND} = 'added' AND "{NUMBER}" > 1
            AND hash({key}) IN (SELECT hash({key}) FROM numbered_a)"""
    )


def counts(pair: Pair) -> dict[str, int]:
    """Count rows: ``a``, ``b``, ``same`` and each kind of difference.

    ``a`` = same + changed + bookkeeping + removed; ``b`` = the same with added and corrected in
    place of removed.
    """
    query = f"SELECT {KIND}, count(*) FROM differing GROUP BY ALL"
    by_kind = dict(pair.connection.execute(query).fetchall())
    result = {kind: int(by_kind.get(kind, 0)) for kind in KINDS}
    a, b = (_count(pair, view) for view in ("a", "b"))
    same = a - result["changed"] - result["bookkeeping"] - result["removed"]
    return {"a": a, "b": b, "same": same, **result}


def _count(pair: Pair, view: str) -> int:
    row = pair.connection.execute(f"SELECT count(*) FROM {view}").fetchone()
    return int(row[0]) if row else 0


def columns(pair: Pair) -> ColumnCounts:
    """Count in how many rows each column differs, the most often changed first.

    Returns:
        ``changed``: of rows both have; ``corrected``: of a new version and the one before it.
    """
    again = _joined(pair, ("changed", "bookkeeping"), "numbered_a", 0)
    later = _joined(pair, ("corrected",), "numbered_b", 1)
    return {"changed": _differences(pair, again), "corrected": _differences(pair, later)}


def _joined(pair: Pair, kinds: tuple[str, ...], before: str, back: int) -> str:
    """Join differing rows with what they are in ``b`` and what was before: ``back`` versions."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    key = " AND ".join(f"d.{quote(c)} IS NOT DISTINCT FROM a.{quote(c)}" for c in _name(pair))
    return f"""(SELECT * FROM differing WHERE {KIND} IN ({names})) AS d
        JOIN {before} AS a ON {key} AND d."{NUMBER}" - {back} = a."{NUMBER}"
        JOIN numbered_b AS b ON {_same(pair, "d", "b")}"""


def _differences(pair: Pair, joined: str) -> list[ColumnCount]:
    if not pair.shared or not pair.key:
        return []
    filters = ", ".join(
        f"count(*) FILTER (a.{quote(c)} IS DISTINCT FROM b.{quote(c)})" for c in pair.shared
    )
    row = pair.connection.execute(f"SELECT {filters} FROM {joined}").fetchone() or ()
    columns: list[ColumnCount] = [
        {"column": c, "rows": n} for c, n in zip(pair.shared, row, strict=True) if n
    ]
    return sorted(columns, key=lambda column: -column["rows"])


def examples(pair: Pair) -> dict[str, list[Example]]:
    """Show the first rows of each kind by name; of changed ones what the columns were and are.

    Returns:
        Kind to rows, each with ``row`` (name) and ``columns`` (name to before and after).
    """
    result = {kind: _named(pair, kind) for kind in ("added", "removed")}
    changed = _joined(pair, ("changed",), "numbered_a", 0)
    corrected = _joined(pair, ("corrected",), "numbered_b", 1)
    return result | {"changed": _shown(pair, changed), "corrected": _shown(pair, corrected)}


def _named(pair: Pair, kind: str) -> list[Example]:
    name = listed(_name(pair))
    query = f"SELECT {name} FROM differing WHERE {KIND} = ? ORDER BY ALL LIMIT {EXAMPLES}"
    rows = pair.connection.execute(query, [kind]).fetchall()
    return [{"row": dict(zip(_name(pair), row, strict=True)), "columns": {}} for row in rows]


def _shown(pair: Pair, joined: str) -> list[Example]:
    if not pair.content or not pair.key:
        return []
    columns = ", ".join(listed(names, table) for names, table in _selected(pair))
    order = listed((*pair.key, NUMBER), "d")
    query = f"SELECT {columns} FROM {joined} ORDER BY {order} LIMIT {EXAMPLES}"
    return [_example(pair, row) for row in pair.connection.execute(query).fetchall()]


def _selected(pair: Pair) -> list[tuple[tuple[str, ...], str]]:
    return [(pair.key, "d"), (pair.content, "a"), (pair.content, "b")]


def _example(pair: Pair, row: tuple[Any, ...]) -> Example:
    keys, width = len(pair.key), len(pair.content)
    before, after = row[keys : keys + width], row[keys + width :]
    return {
        "row": dict(zip(pair.key, row, strict=False)),
        "columns": {
            name: [was, now]
            for name, was, now in zip(pair.content, before, after, strict=True)
            if was != now
        },
    }
