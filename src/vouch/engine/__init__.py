"""Where an Ibis expression runs: DuckDB in this process.

Expressions keep to what other Ibis engines also offer. Windows over time are ordered by whole
microseconds (:func:`microseconds`), because engines disagree on ranges over timestamps.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from vouch.errors import VouchError, near

if TYPE_CHECKING:
    from ibis import Table

ENGINES = ("duckdb",)
MICROSECOND = timedelta(microseconds=1)
ROW_GROUP = 122_880
LEVEL = 1  # of zstd: nearly as small as its default, in half the time
PARQUET = (
    f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {ROW_GROUP})"
)
"""How DuckDB writes a stage's tables."""
SCRATCH = "(FORMAT parquet, COMPRESSION uncompressed)"
"""How it writes what is read once and removed."""


@ibis.udf.scalar.builtin(name="epoch_us")
def _epoch_us(time: datetime) -> int:
    """Microseconds since 1970 (UTC), as DuckDB calls it."""
    raise NotImplementedError


def microseconds(time: Any) -> Any:
    """Turn a timestamp expression into whole microseconds since 1970 (int64)."""
    return _epoch_us(time).cast("int64")


def span(duration: timedelta) -> int:
    """Turn a duration into whole microseconds."""
    return duration // MICROSECOND


@contextmanager
def connect(
    engine: str = "duckdb", *, memory: str | None = None, threads: int | None = None
) -> Iterator[Any]:
    """Open an engine for one piece of work.

    What does not fit into memory is spilled to a private folder (mode 700) that is gone
    afterwards, so nothing a stage reads stays behind in plain text.

    Args:
        engine: ``duckdb``.
        memory: Limit such as ``4GB``; 60 % of the machine's, at most 4 GB, if None.
        threads: Worker threads, at least 1; the usable cores if None.

    Yields:
        An Ibis backend.

    Raises:
        VouchError: An engine that is not there.
    """
    if engine not in ENGINES:
        raise VouchError(f"engine: no engine {engine!r}", near(engine, ENGINES))
    spill = Path(tempfile.mkdtemp(prefix="vouch-"))
    backend = ibis.duckdb.connect(
        threads=threads or len(os.sched_getaffinity(0)),
        memory_limit=memory or _memory(),
        temp_directory=str(spill),
    )
    try:
        backend.raw_sql("SET TimeZone = 'UTC'")
        backend.raw_sql("SET enable_progress_bar = false")  # stages tell progress their own way
        yield backend
    finally:
        backend.disconnect()
        shutil.rmtree(spill, ignore_errors=True)


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(4096, int(total * 0.6) >> 20)}MB"


def write_parquet(table: "Table", path: Path, *, scratch: bool = False) -> None:
    """Stream a table into one Parquet file, in the table's order.

    Args:
        table: Any expression; give it a total order, so the same rows are the same bytes.
        path: Where to; parents exist.
        scratch: The file is read once and removed: it is not worth compressing.
    """
    if scratch:
        table.to_parquet(path, compression="uncompressed")
    else:
        table.to_parquet(
            path, compression="zstd", compression_level=LEVEL, row_group_size=ROW_GROUP
        )
