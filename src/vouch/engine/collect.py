"""Bringing what Spark computed into one Parquet file on this machine, batch by batch.

Spark's own writer makes a folder of files on the machines of its executors. Here the batches
come to the driver as each partition is done, wait on disk, and are written in the table's order.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

ROW_GROUP = 122_880


def collect(frame: "DataFrame", schema: "pa.Schema", path: Path, *, scratch: bool = False) -> None:
    """Write a Spark table into one file, in its order of rows.

    Args:
        frame: The table.
        schema: The columns' types in the file.
        path: Where to; parents exist.
        scratch: The file is read once and removed: it is not worth compressing.
    """
    with tempfile.TemporaryDirectory(prefix="vouch-", dir=path.parent) as private:
        waiting = Path(private) / "batches.arrow"
        order = _receive(frame, waiting)
        _write(_ordered(waiting, order), schema, path, scratch)


def _receive(frame: "DataFrame", path: Path) -> list[int]:
    """Write the batches as they arrive, and return their right order."""
    import pyarrow as pa

    order: list[int] = []
    with closing(_Appending(path)) as file:
        for item in _stream(frame):
            if isinstance(item, pa.RecordBatch):
                file.append(item)
            else:
                order = item
    return order


class _Appending:
    """An Arrow file that gets its schema from its first batch."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def append(self, batch: "pa.RecordBatch") -> None:
        import pyarrow as pa

        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self._path), batch.schema)
        self._writer.write_batch(batch)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _stream(frame: "DataFrame") -> Iterator[Any]:
    """Receive record batches as partitions are done, and at last the list of their order."""
    from pyspark.errors.exceptions.captured import unwrap_spark_exception
    from pyspark.rdd import _load_from_socket
    from pyspark.sql.pandas.serializers import ArrowCollectSerializer

    # what toPandas uses; it alone gives batches without holding all of them
    port, secret, server = frame._jdf.collectAsArrowToPython()
    try:
        yield from _load_from_socket((port, secret), ArrowCollectSerializer())
    finally:
        with unwrap_spark_exception():
            server.getResult()


def _ordered(path: Path, order: list[int]) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa

    if order:
        with pa.memory_map(str(path)) as mapped:
            file = pa.ipc.open_file(mapped)
            for number in order:
                yield file.get_batch(number)


def _write(
    batches: Iterator["pa.RecordBatch"], schema: "pa.Schema", path: Path, scratch: bool
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    compression = {"compression": "none"} if scratch else ZSTD
    with parquet.ParquetWriter(path, schema, **compression) as writer:
        for group in _groups(batches):
            writer.write_table(pa.Table.from_batches(group).cast(schema))


ZSTD = {"compression": "zstd", "compression_level": 1}


def _groups(batches: Iterator["pa.RecordBatch"]) -> Iterator[list["pa.RecordBatch"]]:
    """Gather Spark's small batches into row groups of at least the usual size."""
    group: list[pa.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(each.num_rows for each in group) >= ROW_GROUP:
            yield group
            group = []
    if group:
        yield group
