"""Where an Ibis expression runs: DuckDB in this process, or Spark on a local or real cluster.

Expressions use only what has the same meaning in both engines. Windows over time are ordered by
whole microseconds (:func:`microseconds`), because engines disagree on ranges over timestamps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vouch.core.errors import VouchError, suggest
from vouch.core.settings import Engine
from vouch.engine import duckdb, spark
from vouch.engine.duckdb import PARQUET, ROW_GROUP, SCRATCH
from vouch.engine.functions import MICROSECOND, microseconds, moment, span, whole
from vouch.engine.once import windows_once

if TYPE_CHECKING:
    from ibis import Table

__all__ = [
    "ENGINES",
    "MICROSECOND",
    "PARQUET",
    "ROW_GROUP",
    "SCRATCH",
    "connect",
    "microseconds",
    "moment",
    "span",
    "whole",
    "windows_once",
    "write_parquet",
]

ENGINES: tuple[Engine, ...] = get_args(Engine)


@contextmanager
def connect(
    engine: str = "duckdb", *, memory: str | None = None, threads: int | None = None
) -> Iterator[Any]:
    """Open an engine for one piece of work.

    What does not fit into memory is spilled to a private folder (mode 700) that is gone
    afterwards, so nothing a stage reads stays behind in plain text.

    Args:
        engine: ``duckdb``, or ``spark``: on the cluster that ``VOUCH_SPARK_MASTER`` names, on
            two local threads without it.
        memory: Limit such as ``4GB``, of Spark's driver; 60 % of the machine's, at most 4 GB, if
            None.
        threads: Worker threads, at least 1; if None, DuckDB takes the usable cores and a local
            Spark two.

    Yields:
        An Ibis backend.

    Raises:
        VouchError: An engine that is not there, or Spark without Java or PySpark.
    """
    if engine not in ENGINES:
        raise VouchError(f"engine: no engine {engine!r}", suggest(engine, ENGINES))
    opened = spark.connect if engine == "spark" else duckdb.connect
    with opened(memory, threads) as backend:
        yield backend


def write_parquet(table: "Table", path: Path, *, scratch: bool = False) -> None:
    """Stream a table into one Parquet file, in the table's order.

    Args:
        table: Any expression; give it a total order, so the same rows are the same bytes.
        path: Where to, on this machine; parents exist.
        scratch: The file is read once and removed: it is not worth compressing.
    """
    spark_table = table.get_backend().name == "pyspark"
    write = spark.write_parquet if spark_table else duckdb.write_parquet
    write(table, path, scratch=scratch)
