"""The project's SQL store: SQLite in WAL mode in the state folder, or PostgreSQL by its URL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import DDL, URL, Engine, MetaData, Table, create_engine, event, inspect, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from vouch.core.errors import PassingError, VouchError

DATABASE = "vouch.db"
ADDRESS = "VOUCH_DATABASE_URL"
"""Names a PostgreSQL database, one a project, which takes the file's place."""
EXAMPLE = f"{ADDRESS}=postgresql://USER@HOST/DATABASE, or unset it to use SQLite"
ONE_AT_A_TIME = 0x766F756368  # the advisory lock that a transaction holds on PostgreSQL
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

    Every transaction takes the store's one lock when it begins (SQLite's write lock, an advisory
    lock of PostgreSQL), so what it read still holds when it writes: two processes never act on
    the same balance.

    Args:
        state: The project's state folder; made if missing.
        metadata: The tables wanted.

    Returns:
        An engine on ``state/vouch.db``, or on the database that ``VOUCH_DATABASE_URL`` names.

    Raises:
        VouchError: The address is none of PostgreSQL, or its driver is missing.
        PassingError: The server does not answer.
    """
    engine = connect(state)
    # SQLite does not wait for a lock while it changes to WAL, so only one process may at a time
    with FileLock(state / f"{DATABASE}.lock"), _reaching(), engine.begin() as connection:
        metadata.create_all(connection)
        _add_columns(connection, metadata)
    return engine


def connect(state: Path) -> Engine:
    """Return an engine on the store as it is; see :func:`open_database`."""
    state.mkdir(parents=True, exist_ok=True)
    address = os.environ.get(ADDRESS)
    engine = _server(address) if address else sqlite(state / DATABASE)
    if not address:
        event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def exists(state: Path) -> bool:
    """Return whether the store may hold something: its file is there, or a server is named."""
    return bool(os.environ.get(ADDRESS)) or (state / DATABASE).exists()


def place(state: Path) -> str:
    """Return where the store is, without a password."""
    address = os.environ.get(ADDRESS)
    if not address:
        return str(state / DATABASE)
    return make_url(address).render_as_string(hide_password=True)


def _server(address: str) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError:  # the text may hold a password
        raise VouchError(f"{ADDRESS}: is no address of a database", EXAMPLE) from None
    if url.get_backend_name() != "postgresql":
        raise VouchError(f"{ADDRESS}: must be of PostgreSQL (got {url.drivername})", EXAMPLE)
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    except ModuleNotFoundError:
        raise VouchError(
            f"{ADDRESS}: the driver of PostgreSQL is not installed", "pip install 'vouch[postgres]'"
        ) from None


@contextmanager
def _reaching() -> Iterator[None]:
    """Say of a server that does not answer which it is; SQLite's errors are told elsewhere."""
    try:
        yield
    except OperationalError as error:
        if not (address := os.environ.get(ADDRESS)):
            raise
        reason = " ".join(str(error.orig).split())
        shown = make_url(address).render_as_string(hide_password=True)
        raise PassingError(f"{shown}: {reason}", EXAMPLE) from None


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
    for statement in (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$",
        f"CREATE TRIGGER {table.name}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE "
        f"ON {table.name} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ):
        event.listen(table, "after_create", DDL(statement).execute_if(dialect="postgresql"))


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # sqlite3's own implicit BEGIN comes too late
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut


def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT:.0f}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
