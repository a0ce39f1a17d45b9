"""People's decisions as they are kept: one immutable file a collected batch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

if TYPE_CHECKING:
    from ibis import Table

SCHEMA = pa.schema(
    [
        ("entity", pa.string()),
        ("label", pa.int8()),
        ("source", pa.string()),
        ("actor", pa.string()),
        ("issued_at", pa.timestamp("us")),
        ("case", pa.string()),
        ("propensity", pa.float64()),
        ("model_version", pa.string()),
        ("confidence", pa.float64()),
        ("origin", pa.string()),
        ("stream", pa.string()),
        ("comment", pa.string()),
        ("seconds", pa.float64()),
    ]
)
"""An issue's columns; then whose row it is (the declaration's name), why the case was put before
people, what the reviewer wrote, and how long they took."""
CONSENSUS = "consensus"
"""The actor of what several reviewers of one case come to."""


def batches(folder: Path) -> list[Path]:
    """List a use case's batches, by name; none where the folder is not there."""
    return sorted(folder.glob("*.parquet"))


def reviews(engine: Any, folder: Path, origin: str) -> "Table":
    """Read the decisions about a source's rows.

    Args:
        engine: An Ibis backend.
        folder: ``data/labels/<usecase>/reviews``.
        origin: The declaration's name: ids of another source may be the same by chance.

    Returns:
        Issues, in the columns of :data:`SCHEMA`.
    """
    files = batches(folder)
    if not files:
        return ibis.memtable(SCHEMA.empty_table())
    table: Table = engine.read_parquet([str(file) for file in files])
    return table.filter(table.origin == origin)
