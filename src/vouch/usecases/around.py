"""The rows that matter for a few cases, out of millions, each as it was when it was scored."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.labels.known import rows_when_scored
from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet

if TYPE_CHECKING:
    from ibis import Table

NEAR = """CREATE TABLE near AS WITH chosen AS (FROM silver SEMI JOIN wanted USING (id)),
    names AS ({names})
  SELECT * FROM silver WHERE id IN (FROM wanted) OR id IN (FROM corrected) {touching}"""
"""All versions of the rows that matter: only of corrected rows may a version have other parties."""
FIRST = "first known"
"""A column's name that no source's column can have: it holds a blank."""
AROUND = f"""CREATE VIEW around AS
  SELECT one_version.*,
         CASE WHEN earliest.id IS NULL THEN known_at ELSE earliest.first END AS "{FIRST}"
  FROM one_version LEFT JOIN (
    SELECT id, CASE WHEN count(known_at) = count(*) THEN min(known_at) END AS first
    FROM near SEMI JOIN corrected USING (id) GROUP BY id) AS earliest USING (id)"""
Rule = Callable[["Table", Declaration], "Table"]


def gather(
    backend: Any, silver: Path, ids: Sequence[str], roles: Sequence[str], lag: timedelta
) -> frozenset[str]:
    """Make tables of the cases' rows, and of all others that name one of their parties.

    ``wanted`` holds the cases' ids; ``around`` one version of each row, the one in force when it
    was scored, in silver's columns and ``FIRST``, when the row was first known, null if from the
    start. Of silver's rows only the parties' columns are all read.

    Args:
        backend: An Ibis backend on DuckDB.
        silver: Silver rows, every version.
        ids: The cases' rows.
        roles: Columns that hold names of parties, as far as silver has them.
        lag: How long after a row is first known it is scored.

    Returns:
        Silver's columns.

    Raises:
        VouchError: A row is not there, such as while a run makes them anew.
    """
    import pyarrow as pa

    connection = backend.con
    connection.register("wanted", pa.table({"id": pa.array(list(ids), pa.string())}))
    connection.execute(f"CREATE VIEW silver AS FROM {parquet(silver)}")
    columns = frozenset(name for name, *_ in connection.execute("DESCRIBE silver").fetchall())
    connection.execute(
        "CREATE TABLE corrected AS SELECT DISTINCT id FROM silver WHERE superseded_at IS NOT NULL"
    )
    connection.execute(_near([role for role in roles if role in columns]))
    backend.create_view("one_version", rows_when_scored(backend.table("near"), None, lag))
    connection.execute(AROUND)
    missing = connection.execute("FROM wanted ANTI JOIN near USING (id)").fetchone()
    if missing is not None:
        raise VouchError(f"{silver}: no row {missing[0]!r}", "run the pipeline")
    return columns


def _near(roles: Sequence[str]) -> str:
    names = " UNION ".join(f"SELECT {role} AS name FROM chosen" for role in roles)
    touching = "".join(f" OR {role} IN (FROM names)" for role in roles)
    return NEAR.format(names=names or "SELECT NULL", touching=touching)


def flagged(backend: Any, rule: Rule, source: Declaration) -> dict[str, int]:
    """Return the class that the rule gives each case, by id; none where there is no rule.

    Args:
        backend: Where :func:`gather` made its tables.
        rule: Adds the class that a source's rule gives each row.
        source: The source.
    """
    if source.rule is None:
        return {}
    own = backend.table("one_version").semi_join(backend.table("wanted"), "id")
    ruled = rule(own, source).select("id", "flagged").to_pyarrow().to_pylist()
    return {row["id"]: row["flagged"] for row in ruled}
