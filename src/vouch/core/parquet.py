"""Whether a Parquet file that a stage made is intact, and how to bring it back."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from vouch.core.errors import VouchError


def check(path: Path, *, rows: bool = False) -> Iterator[VouchError]:
    """Check one Parquet file.

    Args:
        path: The file.
        rows: Read every row, not only what the file says of itself at its end.
    """
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches() if rows else ():
                pass
    except (ArrowException, OSError) as error:
        why = str(error).splitlines()[0]
        yield VouchError(f"{path}: is no intact Parquet file: {why}", mending(path))


def mending(path: Path) -> str:
    """Return how to bring back a file that a stage made."""
    return f"dvc checkout {shlex.quote(str(path))} --force, or make it again: dvc repro"
