"""Repeats and corrections: the versions of each id, in order of arrival.

The ids that come once, nearly all, are never sorted: only the others are looked at.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from vouch.core.errors import VouchError
from vouch.sources.declaration import Declaration, Role

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEY = "file_row_number"
"""DuckDB's own number of a row in a Parquet file: unique even where an id is not."""
FEW = 2
"""Ids that may always come back changed: a correction in a small table."""
ARRIVAL = "(PARTITION BY id ORDER BY arrived_at, file, line)"


def find_repeats(
    connection: "DuckDBPyConnection", declaration: Declaration, rows: str = "bronze"
) -> None:
    """Make table ``contested`` (rows whose id comes again) and ``repeats`` (rows given twice).

    A row is a repeat if it says what the version before it said; so a correction that is taken
    back is a version again.

    Args:
        connection: Where view ``bronze`` is.
        declaration: Which columns there are.
        rows: The view to look in.
    """
    time = "time" if declaration.has("time") else "NULL AS time"
    columns = ", ".join([time, *_parties(declaration)])
    connection.execute(
        f"""CREATE TABLE contested AS
            SELECT {KEY}, id, row_hash, arrived_at, file, line, {columns} FROM {rows}
            WHERE hash(id) IN (SELECT hash(id) FROM {rows} GROUP BY 1 HAVING count(*) > 1)"""
    )
    connection.execute(f"CREATE TABLE repeats AS {_repeats('contested')}")


def find_versions(connection: "DuckDBPyConnection") -> None:
    """Make table ``versions``: when each contested row that is left was known and superseded.

    Where a version between two equal ones was quarantined the second is a repeat after all; it
    joins ``repeats``.

    Args:
        connection: Where tables ``contested``, ``repeats`` and ``quarantined`` are.
    """
    connection.execute(
        f"""CREATE VIEW sound AS SELECT * FROM contested
            ANTI JOIN repeats USING ({KEY}) ANTI JOIN quarantined USING ({KEY})"""
    )
    connection.execute(f"CREATE TABLE late_repeats AS {_repeats('sound')}")
    connection.execute("INSERT INTO repeats FROM late_repeats")
    connection.execute(
        f"""CREATE TABLE versions AS
            SELECT {KEY}, row_number() OVER arrival > 1 AS corrects,
              lead(arrived_at) OVER arrival AS superseded_at
            FROM sound WINDOW arrival AS {ARRIVAL}"""
    )


def check_corrections(
    connection: "DuckDBPyConnection", declaration: Declaration, path: Path, allowed: float
) -> None:
    """Check that rows of a known id are corrections, not other payments under a reused number.

    Args:
        connection: Where view ``bronze`` and tables ``contested`` and ``repeats`` are.
        declaration: Which columns there are.
        path: Bronze, for the message.
        allowed: Share of all rows that may look like other payments, 0 to 1.

    Raises:
        VouchError: Too many rows have a known id, but another time and other parties.
    """
    roles = ["time", *_parties(declaration)]
    other = " AND ".join(f"{role} IS DISTINCT FROM lag({role}) OVER arrival" for role in roles)
    row = connection.execute(
        f"""SELECT count(*), min(id), (SELECT count(*) FROM bronze) FROM (
              SELECT id, row_number() OVER arrival > 1 AND {other} AS differs
              FROM contested ANTI JOIN repeats USING ({KEY}) WINDOW arrival AS {ARRIVAL})
            WHERE differs"""
    ).fetchone()
    assert row is not None
    conflicts, example, rows = row
    if len(roles) > 1 and declaration.has("id") and conflicts > max(FEW, allowed * rows):
        raise VouchError(
            f"{path}: {conflicts:,} of {rows:,} rows have the {declaration.column('id')!r} of "
            f"another row, but another time and other parties (such as {example!r})",
            "ids must be unique over all files: was the numbering restarted, or did a spreadsheet "
            "turn long ids into 5.7E+17? Declare no id column if none is unique",
        )


def _parties(declaration: Declaration) -> list[Role]:
    roles: tuple[Role, ...] = ("payer", "payee", "author")
    return [role for role in roles if declaration.has(role)]


def _repeats(table: str) -> str:
    return f"""SELECT {KEY} FROM (
                 SELECT {KEY}, row_hash = lag(row_hash) OVER {ARRIVAL} AS again FROM {table})
               WHERE again"""
