"""People's decisions as they are kept: one immutable file a collected batch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vouch.errors import VouchError

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
        ("final", pa.bool_()),
    ]
)
"""An issue's columns; then whose row it is (the declaration's name), why the case was put before
people, what the reviewer wrote, how long they took, and whether no majority overrules it: a lead's
word, or a known answer."""
CONSENSUS = "consensus"
"""The actor of what several reviewers of one case come to."""


def batches(folder: Path) -> list[Path]:
    """List a use case's batches, by name; none where the folder is not there.

    Raises:
        VouchError: DVC knows of one that is not there: its decisions would count as never given.
    """
    found = sorted(folder.glob("*.parquet"))
    known = {path.with_suffix("") for path in folder.glob("*.parquet.dvc")}
    if missing := sorted(known.difference(found)):
        raise VouchError(
            f"{missing[0]}: people's decisions are not here", f"dvc checkout {missing[0]}.dvc"
        )
    return found


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


def decided(folder: Path, column: str = "case", origin: str | None = None) -> set[str]:
    """Give the cases that have a decision.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
        column: ``case``, or ``entity`` for their rows.
        origin: Only those of a source.
    """
    found: set[str] = set()
    for file in batches(folder):
        table = pq.read_table(file, columns=[column, "origin"])
        own = table if origin is None else table.filter(pc.field("origin") == origin)
        found |= set(own[column].to_pylist())
    return found
