"""The features of a file's rows, computed as in training on the history that silver holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from vouch.core.files import read_json
from vouch.labels.known import rows_when_scored
from vouch.registry.versions import Version
from vouch.serve.rows import columns_of, place
from vouch.sources.declaration import Declaration
from vouch.sources.readers import literal, quoted
from vouch.usecases import find

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis import Table


class FileCounts(TypedDict):
    """How many rows a file has, and how many of them are not scored, or not by their own values."""

    rows: int
    unreadable: int
    quarantined: int
    repeats: int
    superseded: int
    held_out: int


@dataclass(frozen=True)
class Prepared:
    """A file's rows, ready to be predicted.

    Attributes:
        path: Parquet in the file's order: ``shown`` (the id to show), ``reason`` (why a row has
            no score, or another row's), ``scored`` and features.
        counts: How many ``rows`` there are, and how many of them are ``unreadable``,
            ``quarantined``, ``repeats``, ``superseded`` and ``held_out``.
        reasons: Why the first ones without a score have none, with their lines.
        warnings: Sentences for people.
    """

    path: Path
    counts: FileCounts
    reasons: list[str]
    warnings: list[str]


def prepare(
    engine: Any,
    declaration: Declaration,
    trained: Declaration,
    path: Path,
    version: Version,
    root: Path,
    held_out: Callable[[Path], list[str]],
    scratch: Path,
) -> Prepared:
    """Parse a file and compute its rows' features.

    Args:
        engine: An Ibis backend on DuckDB.
        declaration: What the file's columns mean.
        trained: The declaration the model was trained with: its windows, who has a history.
        path: The file.
        version: The model's version.
        root: The project's folder.
        held_out: Returns the ids of parsed rows that are in a holdout: these get no score.
        scratch: A folder for what does not fit into memory.
    """
    connection = engine.con
    described = version.extracted
    names = read_json(version.model / "candidate.json")["features"]
    groups = {f["group"] for f in described.features if f["name"] in names}
    usecase = find(trained.usecase)
    looks_back = bool(groups & usecase.histories)
    reasons = place(connection, declaration, path, root, held_out, scratch)
    silver = root / f"data/silver/{trained.usecase}/rows.parquet"
    history = None
    if looks_back:
        history = _history(engine, declaration, silver, described.lag_seconds)
    past_rows = _collect(connection, declaration, history)
    table = engine.table("seen")
    labels = root / f"data/labels/{trained.usecase}/issued/labels.parquet"
    needed = groups & usecase.of_labels and labels.exists()
    issued = engine.read_parquet(labels) if needed else None
    table = usecase.scoring_features(table, trained, issued, sorted(groups), described)
    out = scratch / "features.parquet"
    _join(engine, table, [name for name in names if name in table.columns], out)
    warnings = []
    if looks_back and not past_rows:
        warnings.append(
            f"silver holds no rows of source {declaration.name!r}: each row's history is "
            "what the file itself has before it"
        )
    return Prepared(out, _counts(connection), reasons, warnings)


def _history(
    engine: Any, declaration: Declaration, silver: Path, lag_seconds: float | None
) -> str | None:
    """Return SQL for the rows of the same source that silver holds, as the model's training saw it.

    That is each as it was when scored, see :func:`vouch.labels.known.rows_when_scored`; for models
    of releases before that, whose extract wrote no lag, each in its newest version.
    """
    if not silver.exists():
        return None
    rows = engine.read_parquet(silver)
    if lag_seconds is None:
        seen = rows.filter(rows.superseded_at.isnull())
    else:
        seen = rows_when_scored(rows, None, timedelta(seconds=lag_seconds))
    engine.create_view("scored_before", seen)
    return f"SELECT * FROM scored_before WHERE source = {literal(declaration.name)}"


def _collect(
    connection: "DuckDBPyConnection", declaration: Declaration, history: str | None
) -> int:
    """Make ``seen``, the file's rows that count and those before; count the latter."""
    fresh = ", ".join(quoted(name) for name in ["id", *columns_of(declaration)])
    connection.execute(f"CREATE VIEW seen AS SELECT {fresh} FROM kept")
    if history is None:
        return 0
    present = {name for name, *_ in connection.execute(f"DESCRIBE {history}").fetchall()}
    past = ", ".join(quoted(name) for name in ["id", *columns_of(declaration)] if name in present)
    connection.execute(
        f"CREATE TABLE past AS SELECT {past} FROM ({history}) ANTI JOIN kept USING (id)"
    )
    connection.execute(
        f"""CREATE OR REPLACE VIEW seen AS
            SELECT {fresh} FROM kept UNION ALL BY NAME SELECT * FROM past"""
    )
    return _fetch_number(connection, "SELECT count(*) FROM past")


def _join(engine: Any, table: "Table", names: list[str], out: Path) -> None:
    # the amount is also a column that every table of features carries
    engine.create_view("featured", table.select("id", *names))
    columns = ", ".join(f"featured.{quoted(name)}" for name in names)
    engine.con.execute(
        f"""COPY (SELECT shown, reason, standing IS NOT NULL AND NOT held AS scored, {columns}
                  FROM placed LEFT JOIN featured ON placed.standing = featured.id ORDER BY line)
            TO {literal(out)} (FORMAT parquet)"""
    )


def _counts(connection: "DuckDBPyConnection") -> FileCounts:
    counted = dict(connection.execute("SELECT what, count(*) FROM placed GROUP BY 1").fetchall())
    held = _fetch_number(connection, "SELECT count(*) FROM placed WHERE held AND standing NOTNULL")
    return {
        "rows": sum(counted.values()),
        "unreadable": counted.get("unreadable", 0),
        "quarantined": counted.get("quarantined", 0),
        "repeats": counted.get("repeats", 0),
        "superseded": counted.get("superseded", 0),
        "held_out": held,
    }


def _fetch_number(connection: "DuckDBPyConnection", query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
