"""The project's SQL store: SQLite in WAL mode in the state folder."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import DDL, URL, Engine, MetaData, Table, create_engine, event, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

DATABASE = "vouch.db"
WAIT = 60.0  # seconds a writer waits for another one
PATIENCE = 10.0  # seconds a reader waits for a writer


def sqlite(path: Path) -> Engine:
    """Return an engine on a file of SQLite, whatever the folders above it are called.

    Args:
        path: The file; made at the first connection if missing.
    """
    address = URL.create("sqlite", database=str(path.resolve()))
    # a connection that waits in a pool would write its log into the file at some later time
    return create_engine(address, connect_args={"timeout": WAIT}, poolclass=NullPool)


def read_rows(path: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    """Read a file of SQLite that may be in use, without changing it.

    Args:
        path: The file.
        query: What to select.
        values: For its question marks.

    Returns:
        The rows; none where there is no such file or table, or no intact one: ``vouch doctor``
        looks for damaged ones by itself.
    """
    if not path.exists():
        return []
    with suppress(sqlite3.DatabaseError), read_only(path) as connection:
        return connection.execute(query, values).fetchall()
    return []


def read_only(path: Path) -> closing[sqlite3.Connection]:
    """Open a file of SQLite that may be in use, so that nothing in it can be changed.

    Args:
        path: The file.
    """
    address = f"{path.resolve().as_uri()}?mode=ro"
    return closing(sqlite3.connect(address, uri=True, timeout=PATIENCE))


def open_database(state: Path, metadata: MetaData) -> Engine:
    """Open the store and make the tables, and the columns of older ones, that are missing.

    Every transaction takes SQLite's write lock when it begins, so what it read still holds when
    it writes: two processes never act on the same balance.

    Args:
        state: The project's state folder; made if missing.
        metadata: The tables wanted.

    Returns:
        An engine on ``state/vouch.db``.
    """
    state.mkdir(parents=True, exist_ok=True)
    engine = sqlite(state / DATABASE)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    # SQLite does not wait for a lock while it changes to WAL, so only one process may at a time
    with FileLock(state / f"{DATABASE}.lock"), engine.begin() as connection:
        metadata.create_all(connection)
        _add_columns(connection, metadata)
    return engine


def _add_columns(connection: Connection, metadata: MetaData) -> None:
    """Add the columns that a table of an older release lacks; its rows have nothing in them."""
    for table in metadata.sorted_tables:
        existing = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in existing:
                kind = column.type.compile(connection.dialect)
                connection.execute(DDL(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))


def append_only(table: Table) -> None:
    """Add triggers by which the database refuses to change or delete a table's rows.

    Args:
        table: The table; takes effect when it is created.
    """
    for verb in ("UPDATE", "DELETE"):
        trigger = DDL(
            f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
        ).execute_if(dialect="sqlite")
        event.listen(table, "after_create", trigger)


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # sqlite3's own implicit BEGIN comes too late
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
