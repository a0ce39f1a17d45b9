"""The features of a file's rows, computed as in training on the history that silver holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch import usecases
from vouch.errors import VouchError
from vouch.extract.features import features
from vouch.files import read_json
from vouch.ingest import parse
from vouch.register.registry import Version
from vouch.score.reading import UNSCORED
from vouch.sources.declaration import Declaration
from vouch.sources.readers import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis import Table

HISTORIES = frozenset(["payer_windows", "payee_windows", "habits", "risk"])
"""Groups that look at other rows."""
FEW = 20


@dataclass(frozen=True)
class Prepared:
    """A file's rows, ready to be predicted.

    Attributes:
        path: Parquet in the file's order: ``shown`` (the id to show), ``readable`` and features.
        rows: How many.
        reasons: Why the first unreadable ones are so, with their lines.
        warnings: Sentences for people.
    """

    path: Path
    rows: int
    reasons: list[str]
    warnings: list[str]


def prepare(
    engine: Any,
    given: Declaration,
    trained: Declaration,
    path: Path,
    version: Version,
    root: Path,
    scratch: Path,
) -> Prepared:
    """Parse a file and compute its rows' features.

    Args:
        engine: An Ibis backend on DuckDB.
        given: What the file's columns mean.
        trained: The declaration the model was trained with: its windows, who has a history.
        path: The file.
        version: The model's version.
        root: The project's folder.
        scratch: A folder for what does not fit into memory.
    """
    connection = engine.con
    described = version.evidence("extract.json")
    wanted = read_json(version.model / "candidate.json")["features"]
    groups = {f["group"] for f in described["features"] if f["name"] in wanted}
    looks_back = bool(groups & HISTORIES)
    _parse(connection, given, path, scratch)
    reasons = _unreadable(connection, given, path)
    history = _history(given, root / f"data/silver/{trained.usecase}/rows.parquet", looks_back)
    known = _collect(connection, given, history)
    table = engine.table("seen")
    # a model of a use case's own features makes them from the row itself
    if "extract.features" not in usecases.find(trained.usecase).PARTS:
        labels = root / f"data/labels/{trained.usecase}/issued/labels.parquet"
        issued = engine.read_parquet(labels) if "risk" in groups and labels.exists() else None
        table, _ = features(table, trained, issued, sorted(groups), described["categories"])
    out = scratch / "features.parquet"
    _join(engine, table, [name for name in wanted if name in table.columns], out)
    warnings = []
    if looks_back and not known:
        warnings.append(
            f"silver holds no rows of source {given.name!r}: each row's history is "
            "what the file itself has before it"
        )
    return Prepared(out, _one(connection, "SELECT count(*) FROM fresh"), reasons, warnings)


def _parse(connection: "DuckDBPyConnection", given: Declaration, path: Path, scratch: Path) -> None:
    """Make ``fresh``: the file's rows with ``shown``, the id to show, and a unique ``id``."""
    parse.parse_file(connection, given, path, "parsed", scratch)
    own = "id" if given.has("id") else parse.DIGEST
    nth = f"row_number() OVER (PARTITION BY reason IS NULL, {own} ORDER BY line)"
    numbered = f"{parse.DIGEST} || '-' || {nth}"
    # a declared id may stand in two rows of the file: each is a row of its own to be scored
    unique = f"CASE WHEN {nth} = 1 THEN id ELSE id || chr(31) || {nth} END"
    shown, named = ("id", unique) if given.has("id") else (numbered, numbered)
    unread = "coalesce(id, 'line ' || line)" if given.has("id") else "'line ' || line"
    columns = ", ".join(quoted(name) for name in _columns(given))
    connection.execute(
        f"""CREATE TABLE fresh AS SELECT line, reason, {columns},
              CASE WHEN reason IS NULL THEN {shown} ELSE {unread} END AS shown,
              CASE WHEN reason IS NULL THEN {named} END AS id
            FROM parsed"""
    )


def _columns(given: Declaration) -> list[str]:
    """List the canonical columns features are made of."""
    roles = {given.canonical(name): column.role for name, column in given.columns.items()}
    return [name for _, name in parse.values(given) if roles[name] not in UNSCORED]


def _unreadable(connection: "DuckDBPyConnection", given: Declaration, path: Path) -> list[str]:
    found = connection.execute(
        f"SELECT line, reason FROM fresh WHERE reason IS NOT NULL ORDER BY line LIMIT {FEW}"
    ).fetchall()
    reasons = [f"line {line}: {reason}" for line, reason in found]
    if not _one(connection, "SELECT count(*) FROM fresh WHERE reason IS NULL"):
        raise VouchError(
            f"{path}: none of its rows can be read; the first: {reasons[0]}",
            f"check data/sources/{given.name}.yaml",
        )
    return reasons


def _history(given: Declaration, silver: Path, looks_back: bool) -> str | None:
    """Give SQL for the rows of the same source that silver holds, each in its present version."""
    if not looks_back or not silver.exists():
        return None
    return f"""SELECT * FROM read_parquet({literal(silver)})
               WHERE superseded_at IS NULL AND source = {literal(given.name)}"""


def _collect(connection: "DuckDBPyConnection", given: Declaration, history: str | None) -> int:
    """Make ``seen``: the file's rows and those before; give how many of the latter there are."""
    fresh = ", ".join(quoted(name) for name in ["id", *_columns(given)])
    connection.execute(f"CREATE VIEW seen AS SELECT {fresh} FROM fresh WHERE reason IS NULL")
    if history is None:
        return 0
    there = {name for name, *_ in connection.execute(f"DESCRIBE {history}").fetchall()}
    past = ", ".join(quoted(name) for name in ["id", *_columns(given)] if name in there)
    connection.execute(
        f"""CREATE TABLE past AS SELECT {past} FROM ({history})
            WHERE id NOT IN (SELECT id FROM fresh WHERE reason IS NULL)"""
    )
    connection.execute(
        f"""CREATE OR REPLACE VIEW seen AS
            SELECT {fresh} FROM fresh WHERE reason IS NULL
            UNION ALL BY NAME SELECT * FROM past"""
    )
    return _one(connection, "SELECT count(*) FROM past")


def _join(engine: Any, table: "Table", names: list[str], out: Path) -> None:
    # the amount is also a column that every table of features carries
    engine.create_view("featured", table.select("id", *names))
    columns = ", ".join(f"featured.{quoted(name)}" for name in names)
    engine.con.execute(
        f"""COPY (SELECT shown, reason IS NULL AS readable, {columns}
                  FROM fresh LEFT JOIN featured USING (id) ORDER BY line)
            TO {literal(out)} (FORMAT parquet)"""
    )


def _one(connection: "DuckDBPyConnection", query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
