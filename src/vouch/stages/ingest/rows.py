"""The rows of parsed files as bronze has them: checked, with ids, sorted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.engine.splice import copy
from vouch.sources.declaration import TIMES, Declaration, plain_word
from vouch.sources.manifest import DIGITS
from vouch.sources.readers import literal, quoted
from vouch.stages.ingest import parse
from vouch.usecases.classes import class_names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HELD = "-held"
"""What ends the row hash of a held-out row; its id, the hash's beginning, stays."""
REASONS = 3
"""Kinds of reasons for rejecting a line that are shown of a file."""
CONFLICTS = 0.01
"""Share of a file's rows whose label may be a number where names are known."""
FEW = 2
"""Rows whose ids may always conflict: one correction within a small file."""


@dataclass(frozen=True)
class File:
    """A raw file on its way in.

    Attributes:
        name: What people call it.
        path: Where it is.
        sha256: Its digest, 64 hexadecimal digits.
        arrived_at: When it arrived (UTC, no zone); None: with its last row's event.
        held_out: Whether its rows are the holdout.
    """

    name: str
    path: Path
    sha256: str
    arrived_at: datetime | None
    held_out: bool = False


@dataclass(frozen=True)
class Parsed:
    """A parsed file: its rows and rejects in one view."""

    file: File
    view: str
    columns: tuple[str, ...]
    rows: int
    rejects: int
    dropped: int


def parse_one(
    connection: "DuckDBPyConnection", source: Declaration, file: File, scratch: Path, number: int
) -> Parsed:
    """Parse one file into view ``parsed_<number>``.

    Raises:
        VouchError: The file is not what the declaration says, or none of its lines can be read.
    """
    view = f"parsed_{number}"
    raw = parse.parse_file(connection, source, file.path, view, scratch)
    total, bad, dropped = _fetch_row(
        connection, f"SELECT count(*), count(reason), count_if({parse.DROPPED}) FROM {view}"
    )
    _check_labels(connection, source, file, view, total)
    if total == bad:
        example = _fetch_row(connection, f"SELECT reason FROM {view} ORDER BY line LIMIT 1")[0]
        raise VouchError(
            f"{file.path}: none of its {total:,} lines can be read; the first: {example}",
            f"check data/sources/{source.name}.yaml",
        )
    if file.arrived_at is None:  # simulated rows arrive with the last of them: no clock
        last = _fetch_row(connection, f"SELECT max(time) FROM {view}")[0]
        file = replace(file, arrived_at=last)
    return Parsed(file, view, raw.columns, total - bad, bad, dropped)


def _check_labels(
    connection: "DuckDBPyConnection", source: Declaration, file: File, view: str, total: int
) -> None:
    """Check that no label is a number where only names are declared: it is not guessed."""
    name = source.column("label")
    classes = class_names(source)
    if name is None or not {*map(plain_word, source.columns[name].values)} <= {*classes}:
        return
    value = parse.number_for_label(name)
    rows, values = _fetch_row(
        connection,
        f"SELECT count(*), list_sort(list_distinct(list({value}))) FROM {view} WHERE {value} <> ''",
    )
    if rows > max(FEW, CONFLICTS * total):
        raise VouchError(
            f"{file.path}: column {name!r}, the label, has numbers ({', '.join(values[:10])}) in "
            f"{rows:,} of {total:,} rows, and which class each means is not declared",
            f"in data/sources/{source.name}.yaml give {name!r} values: [...], the file's values "
            f"in the order {', '.join(classes)}",
        )


def check_ids(
    connection: "DuckDBPyConnection", source: Declaration, parsed: Parsed, allowed: float
) -> None:
    """Check that few rows of a file share their declared id with rows of other content.

    Raises:
        VouchError: More than ``allowed`` (share of all rows, 0 to 1) do.
    """
    if source.column("id") not in parsed.columns:
        return
    rows = f"(SELECT id, row_hash FROM {parsed.view} WHERE reason IS NULL)"
    conflicts, example = _fetch_row(
        connection,
        f"""SELECT coalesce(sum(n), 0), min(id) FROM (
              SELECT id, count(*) AS n FROM {rows}
              WHERE hash(id) IN (SELECT hash(id) FROM {rows} GROUP BY 1 HAVING count(*) > 1)
              GROUP BY id HAVING count(DISTINCT row_hash) > 1)""",
    )
    if conflicts > max(FEW, allowed * parsed.rows):
        raise VouchError(
            f"{parsed.file.path}: {conflicts:,} of {parsed.rows:,} rows share their "
            f"{source.column('id')!r} with other rows of other content (such as {example!r})",
            "restore the ids (spreadsheets turn long ones into 5.7E+17), or declare no id column",
        )


def write_bronze(
    connection: "DuckDBPyConnection",
    source: Declaration,
    parsed: Sequence[Parsed],
    rows: Path,
    rejects: Path,
) -> None:
    """Write parsed files as bronze, each row with its id, and their rejects."""
    connection.execute(f"CREATE OR REPLACE VIEW parsed AS {' UNION ALL '.join(map(_scan, parsed))}")
    connection.execute("CREATE OR REPLACE VIEW good AS SELECT * FROM parsed WHERE reason IS NULL")
    columns = [name for name in _columns(source, parsed) if name != "id"]
    arrival = "coalesce(arrival, arrived_at)" if "arrival" in columns else "arrived_at"
    chosen = ", ".join(quoted(name) for name in columns if name != "arrival")
    order = ", ".join(["time"] * ("time" in columns) + ["id", "file", "line"])
    copy(
        connection,
        f"""SELECT {_id(connection, source, parsed)} AS id, {chosen},
              {literal(source.name)} AS source, file, line, {arrival} AS arrived_at, row_hash
            FROM good ORDER BY {order}""",
        rows,
    )
    bad = "SELECT file, line, reason, raw FROM parsed WHERE reason IS NOT NULL"
    copy(connection, f"{bad} ORDER BY file, line", rejects)


def _columns(source: Declaration, parsed: Sequence[Parsed]) -> list[str]:
    """List the canonical columns that at least one file has."""
    seen = {column for each in parsed for column in each.columns}
    return [canonical for raw, canonical in parse.values(source) if raw in seen]


def _scan(parsed: Parsed) -> str:
    assert parsed.file.arrived_at is not None
    arrived = parse.timestamp(parsed.file.arrived_at)
    # a held-out row that another file has too is no repeat: it must be seen to be held out
    digest = f"row_hash || {literal(HELD if parsed.file.held_out else '')}"
    file = literal(parsed.file.sha256[:DIGITS])
    return f"""SELECT * REPLACE ({digest} AS row_hash), {file} AS file, {arrived} AS arrived_at
               FROM {parsed.view}"""


def _id(connection: "DuckDBPyConnection", source: Declaration, parsed: Sequence[Parsed]) -> str:
    """Return SQL for a row's id; without an id column, equal rows of a file are numbered."""
    name = source.column("id")
    complete = name is not None and all(name in each.columns for each in parsed)
    if name is not None and complete and not source.columns[name].optional:
        return "id"
    digest = parse.DIGEST
    connection.execute(
        f"""CREATE OR REPLACE TABLE twins AS
           SELECT file, line,
             row_number() OVER (PARTITION BY file, {digest} ORDER BY line) AS occurrence
           FROM (SELECT file, line, row_hash FROM good WHERE hash(file, {digest}) IN (
             SELECT hash(file, {digest}) FROM good GROUP BY 1 HAVING count(*) > 1))"""
    )
    occurrence = "(SELECT occurrence FROM twins t WHERE t.file = good.file AND t.line = good.line)"
    (twins,) = _fetch_row(connection, "SELECT count(*) FROM twins")
    computed = f"{digest} || '-' || coalesce({occurrence}, 1)" if twins else f"{digest} || '-1'"
    return f"coalesce(id, {computed})" if name is not None else computed


def _fetch_row(connection: "DuckDBPyConnection", query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)


def rejected(connection: "DuckDBPyConnection", parsed: Parsed) -> str:
    """Return how many lines of a file were rejected, and the commonest reasons with an example."""
    failed = parsed.rejects - parsed.dropped
    if not failed:
        return ""
    kinds = connection.execute(
        rf"""SELECT regexp_replace(reason, '\x27.*\x27', '…') AS kind, count(*) AS n,
              arg_min(reason, line), min(line)
            FROM {parsed.view} WHERE reason IS NOT NULL AND NOT {parse.DROPPED}
            GROUP BY 1 ORDER BY n DESC, 1 LIMIT {REASONS + 1}"""
    ).fetchall()
    reasons = [f"{n:,} such as line {line}: {example}" for _, n, example, line in kinds[:REASONS]]
    more = ["…"] if len(kinds) > REASONS else []
    return f"{parsed.file.name}: {failed:,} lines rejected ({'; '.join([*reasons, *more])})"


def twice(connection: "DuckDBPyConnection", source: Declaration, parsed: Parsed) -> str:
    """Return a warning of the rows whose local time could be either of two moments, if any."""
    condition = f"reason IS NULL AND {parse.TWICE}"
    (rows,) = _fetch_row(connection, f"SELECT count(*) FROM {parsed.view} WHERE {condition}")
    zones = {c.zone or source.zone for c in source.columns.values() if c.role in TIMES}
    return (
        f"{parsed.file.name}: {rows:,} rows have a time that comes twice, as clocks go back "
        f"({', '.join(sorted(zones))}): taken for the first; declare a format with %z if the file "
        "has offsets"
    ) * bool(rows)
