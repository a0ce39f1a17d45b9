"""The embedded engine: DuckDB in this process."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from vouch.core.errors import VouchError
from vouch.engine.memory import usable
from vouch.sources.readers import pattern

if TYPE_CHECKING:
    from ibis import Table

ROW_GROUP = 122_880
LEVEL = 1  # of zstd: nearly as small as its default, in half the time
PARQUET = (
    f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {ROW_GROUP}, "
    "WRITE_BLOOM_FILTER false)"
)
"""How DuckDB writes a stage's tables; without filters apart from the row groups they belong to,
so that :mod:`vouch.engine.splice` can move these."""
SCRATCH = "(FORMAT parquet, COMPRESSION uncompressed)"
"""How it writes what is read once and removed."""


@contextmanager
def connect(memory: str | None = None, threads: int | None = None) -> Iterator[Any]:
    """Open DuckDB; see :func:`vouch.engine.connect`."""
    from duckdb import ParserException

    spill = Path(tempfile.mkdtemp(prefix="vouch-"))
    try:
        backend = ibis.duckdb.connect(
            threads=threads or len(os.sched_getaffinity(0)),
            memory_limit=memory or f"{usable()}MB",
            temp_directory=str(spill),
        )
    except ParserException as error:
        spill.rmdir()
        raise VouchError(f"memory: {memory!r} is no size: {error}", "give such as 1GB") from None
    try:
        backend.raw_sql("SET TimeZone = 'UTC'")
        backend.raw_sql("SET enable_progress_bar = false")  # stages tell progress their own way
        read = backend.read_parquet
        # one file, not a pattern; no folder such as label=1 is a column
        vars(backend)["read_parquet"] = lambda path: read(pattern(path), hive_partitioning=False)
        yield backend
    finally:
        backend.disconnect()
        shutil.rmtree(spill, ignore_errors=True)


def write_parquet(table: "Table", path: Path, *, scratch: bool = False) -> None:
    """Stream a table into one file; see :func:`vouch.engine.write_parquet`."""
    if scratch:
        table.to_parquet(path, compression="uncompressed")
    else:
        table.to_parquet(
            path,
            compression="zstd",
            compression_level=LEVEL,
            row_group_size=ROW_GROUP,
            write_bloom_filter=False,
        )
        from vouch.engine.splice import settle  # it needs this module

        settle(table.get_backend().con, path)
