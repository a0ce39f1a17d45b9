"""The project's SQL store: SQLite in WAL mode in the state folder, or PostgreSQL by its URL."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import DDL, URL, Engine, MetaData, Table, create_engine, event, inspect, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, Pool, QueuePool

from vouch.core.errors import PassingError, VouchError

DATABASE = "vouch.db"
ADDRESS = "VOUCH_DATABASE_URL"
"""Names a PostgreSQL database, one a project, which takes the file's place."""
EXAMPLE = f"{ADDRESS}=postgresql://USER@HOST/DATABASE, or unset it to use SQLite"
ONE_AT_A_TIME = 0x766F756368  # the advisory lock that a transaction holds on PostgreSQL
WAIT = 60.0  # seconds a writer waits for another one
PATIENCE = 10.0  # seconds a reader waits for a writer
KEPT = 8  # connections that a server keeps open
READS = "vouch_reads"  # the execution option of a transaction that takes no lock


def sqlite(path: Path, pool: type[Pool] = NullPool) -> Engine:
    """Return an engine on a file of SQLite, whatever the folders above it are called.

    Args:
        path: The file; made at the first connection if missing.
        pool: What becomes of a connection that is not used any more. One that waits in a pool
            writes its log into the file at some later time.
    """
    address = URL.create("sqlite", database=str(path.resolve()))
    kept = {"pool_size": KEPT, "max_overflow": -1} if pool is QueuePool else {}
    return create_engine(address, connect_args={"timeout": WAIT}, poolclass=pool, **kept)


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


def open_database(state: Path, metadata: MetaData, *, serving: bool = False) -> Engine:
    """Open the store and make the tables, and the columns and indexes of older ones, that lack.

    Every transaction but those of :func:`reading` takes the store's one lock when it begins
    (SQLite's write lock, an advisory lock of PostgreSQL), so what it read still holds when it
    writes: two processes never act on the same balance.

    Args:
        state: The project's state folder; made if missing.
        metadata: The tables wanted.
        serving: Whether connections stay open from one transaction to the next, as a server
            wants them: SQLite's last one to close folds its log into the file, which takes as
            long as ten commits.

    Returns:
        An engine on ``state/vouch.db``, or on the database that ``VOUCH_DATABASE_URL`` names.

    Raises:
        VouchError: The address is none of PostgreSQL, or its driver is missing.
        PassingError: The server does not answer.
    """
    engine = connect(state, serving=serving)
    # SQLite does not wait for a lock while it changes to WAL, so only one process may at a time
    with FileLock(state / f"{DATABASE}.lock"), _reaching(), engine.begin() as connection:
        metadata.create_all(connection)
        _add_columns(connection, metadata)
        for table in metadata.sorted_tables:
            for index in table.indexes:
                index.create(connection, checkfirst=True)
    return engine


def connect(state: Path, *, serving: bool = False) -> Engine:
    """Return an engine on the store as it is; see :func:`open_database`."""
    state.mkdir(parents=True, exist_ok=True)
    address = os.environ.get(ADDRESS)
    pool = QueuePool if serving else NullPool
    engine = _server(address, pool) if address else sqlite(state / DATABASE, pool)
    if not address:
        event.listen(engine, "connect", _configure)
        event.listen(engine, "checkout", _check_file)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a transaction that sees one moment of the store: it waits for no lock, and holds none.

    Args:
        engine: Of :func:`open_database`. Nothing may be written in this transaction.
    """
    with Session(engine.execution_options(**{READS: True})) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a transaction that holds the store's lock; on disk when this ends.

    Threads of one process wait for each other here, in their order: where many wait, SQLite asks
    for its own lock again only now and then.

    Args:
        engine: Of :func:`open_database`.
    """
    turn = _turn(engine.url)
    mine = turn.acquire(timeout=WAIT)  # without it the database's own lock decides
    try:
        with Session(engine) as session, session.begin():
            yield session
    finally:
        if mine:
            turn.release()


@cache
def _turn(_url: URL) -> threading.Lock:
    """Return the lock by which a process's threads write one after the other."""
    return threading.Lock()


def exists(state: Path) -> bool:
    """Return whether the store may hold something: its file is there, or a server is named."""
    return bool(os.environ.get(ADDRESS)) or (state / DATABASE).exists()


def place(state: Path) -> str:
    """Return where the store is, without a password."""
    address = os.environ.get(ADDRESS)
    if not address:
        return str(state / DATABASE)
    return make_url(address).render_as_string(hide_password=True)


def _server(address: str, pool: type[Pool]) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError:  # the text may hold a password
        raise VouchError(f"{ADDRESS}: is no address of a database", EXAMPLE) from None
    if url.get_backend_name() != "postgresql":
        raise VouchError(f"{ADDRESS}: must be of PostgreSQL (got {url.drivername})", EXAMPLE)
    try:
        # a server that was restarted meanwhile has closed what waits in the pool
        kept = {"pool_size": KEPT, "max_overflow": -1} if pool is QueuePool else {}
        url = url.set(drivername="postgresql+psycopg")
        return create_engine(url, poolclass=pool, pool_pre_ping=True, **kept)
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


def _configure(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    record.info["file"] = _file(connection)
    connection.isolation_level = None  # sqlite3's own implicit BEGIN comes too late
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut


def _check_file(connection: sqlite3.Connection, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Give up a connection whose file was removed or replaced: what it writes would be lost."""
    if _file(connection) != record.info["file"]:
        raise DisconnectionError


def _file(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """Return what a connection's file is called by on disk; None where it is gone."""
    path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    with suppress(FileNotFoundError):
        return (found := path.stat()).st_dev, found.st_ino
    return None


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READS, False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
    elif reads:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT:.0f}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
