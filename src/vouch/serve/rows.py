"""The rows of a file to be scored, sorted into kinds as by ingest and validate."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from vouch.core.errors import VouchError
from vouch.core.settings import P, load_params
from vouch.serve.reading import UNSCORED
from vouch.sources.declaration import Declaration
from vouch.sources.readers import literal, quoted
from vouch.stages.ingest import parse
from vouch.stages.ingest.params import IngestParams
from vouch.stages.ingest.rows import File, check_ids, parse_one, write_bronze
from vouch.stages.validate.params import ValidateParams

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FEW = 20
HELD_OUT = "in the holdout, on which models are compared; only the keeper scores it"
LAST = datetime(2100, 1, 1)
"""The arrival time of a file to be scored: after all other data, whatever the clock says."""


def place(
    connection: "DuckDBPyConnection",
    declaration: Declaration,
    path: Path,
    root: Path,
    held_out: Callable[[Path], list[str]],
    scratch: Path,
) -> list[str]:
    """Make tables ``kept``, the rows that count, and ``placed``, every line of the file.

    A row that training would set aside feeds no other row's features. One that arrives twice, or
    is corrected within the file, gets the score of the row that stands for its id.

    Args:
        connection: Where to run.
        declaration: What the file's columns mean.
        path: The file.
        root: The project's folder, with the source's expectations and parameters.
        held_out: Returns the ids of parsed rows that are in a holdout.
        scratch: A folder for what does not fit into memory.

    Returns:
        Why the first rows without a score have none, with their lines.

    Raises:
        VouchError: The file is not what the declaration says, its ids repeat, or no row is left.
    """
    file = File(path.name, path, "", LAST)
    parsed = parse_one(connection, declaration, file, scratch, 0)
    params = _params(root, declaration, "ingest", IngestParams)
    check_ids(connection, declaration, parsed, params.id_conflicts)
    bronze = scratch / "bronze.parquet"
    write_bronze(connection, declaration, [parsed], bronze, scratch / "rejects.parquet")
    _sift(connection, declaration, path, root, bronze, scratch)
    _keep(connection, declaration)
    held = pa.table({"id": pa.array(held_out(bronze), pa.string())})
    connection.register("held_out", held)
    _place(connection, declaration)
    return _reasons(connection, declaration, path)


def columns_of(declaration: Declaration) -> list[str]:
    """List the canonical columns features are made of."""
    roles = {
        declaration.canonical(name): column.role for name, column in declaration.columns.items()
    }
    return [name for _, name in parse.values(declaration) if roles[name] not in UNSCORED]


def _sift(
    connection: "DuckDBPyConnection",
    declaration: Declaration,
    path: Path,
    root: Path,
    bronze: Path,
    scratch: Path,
) -> None:
    # Great Expectations takes seconds to import
    from vouch.stages.validate.stage import Work, applicable, by_row, columns_in, load_suite, sift
    from vouch.usecases.suite import derive_suite

    suite = root / f"expectations/{declaration.name}.json"
    stated = load_suite(suite) if suite.exists() else derive_suite(declaration)["expectations"]
    source = declaration.within(columns_in(connection, bronze))
    checked, _ = applicable(stated, declaration, source)
    expectations = [e for e in checked if e["meta"]["policy"] == "quarantine" and by_row(e)]
    params = _params(root, declaration, "validate", ValidateParams)
    work = Work(source, suite, bronze, scratch, params, connection)
    sift(work, path, expectations, scratch / "quarantine.parquet")


def _params(root: Path, declaration: Declaration, stage: str, model: type[P]) -> P:
    path = root / "params.yaml"
    return load_params(path, model, stage, declaration.usecase) if path.exists() else model()


def _keep(connection: "DuckDBPyConnection", declaration: Declaration) -> None:
    """Make ``told``, what each good row is, and ``kept``: one row an id, that which stands."""
    connection.execute(
        """CREATE TABLE told AS SELECT b.id, b.line, q.expectation,
             CASE WHEN q.expectation IS NOT NULL THEN 'quarantined'
                  WHEN r.file_row_number IS NOT NULL THEN 'repeats'
                  WHEN v.superseded_at IS NOT NULL THEN 'superseded' ELSE 'kept' END AS what
           FROM bronze b LEFT JOIN quarantined q USING (file_row_number)
           LEFT JOIN repeats r USING (file_row_number)
           LEFT JOIN versions v USING (file_row_number)"""
    )
    columns = ", ".join(f"p.{quoted(name)}" for name in columns_of(declaration))
    # the parsed view has every declared column, bronze only those that came
    connection.execute(
        f"""CREATE TABLE kept AS SELECT t.id, t.line, {columns}
            FROM told t JOIN parsed p ON t.line = p.line WHERE t.what = 'kept'"""
    )


def _place(connection: "DuckDBPyConnection", declaration: Declaration) -> None:
    """Make ``placed``: every line, the id to show, what it is and why, whose features it takes."""
    shown = "coalesce(p.id, 'line ' || p.line)" if declaration.has("id") else "'line ' || p.line"
    connection.execute(
        f"""CREATE TABLE placed AS
            WITH failing AS (SELECT id, min(expectation) AS expectation FROM told
                             WHERE what = 'quarantined' GROUP BY id)
            SELECT p.line, coalesce(t.id, {shown}) AS shown,
              CASE WHEN p.reason IS NOT NULL THEN 'unreadable'
                   WHEN k.id IS NULL AND t.what != 'quarantined' THEN 'quarantined'
                   ELSE t.what END AS what,
              CASE WHEN p.reason IS NOT NULL THEN p.reason
                   WHEN t.what = 'quarantined' THEN t.expectation
                   WHEN k.id IS NULL THEN f.expectation
                   WHEN t.what = 'repeats' THEN 'repeats line ' || k.line
                   WHEN h.id IS NOT NULL THEN {literal(HELD_OUT)}
                   WHEN t.what = 'superseded' THEN 'superseded by line ' || k.line END AS reason,
              CASE WHEN t.what != 'quarantined' THEN k.id END AS standing, h.id IS NOT NULL AS held
            FROM parsed p LEFT JOIN told t ON p.line = t.line
            LEFT JOIN kept k ON t.id = k.id LEFT JOIN failing f ON t.id = f.id
            LEFT JOIN held_out h ON t.id = h.id"""
    )


def _reasons(connection: "DuckDBPyConnection", declaration: Declaration, path: Path) -> list[str]:
    rows = connection.execute(
        f"SELECT line, reason FROM placed WHERE standing IS NULL ORDER BY line LIMIT {FEW}"
    ).fetchall()
    reasons = [f"line {line}: {reason}" for line, reason in rows]
    if connection.execute("SELECT count(*) FROM kept").fetchone() == (0,):
        raise VouchError(
            f"{path}: none of its rows can be scored; the first: {reasons[0]}",
            f"check data/sources/{declaration.name}.yaml and expectations/{declaration.name}.json",
        )
    return reasons
