"""The issues that may be learned from: those on rows of earlier holdouts are opened for it."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vouch.engine import connect
from vouch.labels.issues import HELD

if TYPE_CHECKING:
    from ibis import Table


def open_earlier(
    labels: Path, drawn: Collection[str], opener: Callable[[pa.Table], pa.Table], out: Path
) -> None:
    """Write people's decisions on rows of earlier holdouts, opened; nothing where there are none.

    Args:
        labels: Issued labels (Parquet).
        drawn: The present holdout's rows that people were asked about: these stay sealed.
        opener: Opens issues.
        out: Where to (Parquet).
    """
    with connect() as engine:
        issues = engine.read_parquet(labels)
        held = engine.to_pyarrow(issues.filter(issues.source == HELD))
    earlier = held.filter(pc.invert(pc.is_in(held["entity"], pa.array(list(drawn), pa.string()))))
    if earlier.num_rows:
        pq.write_table(opener(earlier), out)


def released(engine: Any, labels: Path, opened: Path, *, used: bool) -> "Table":
    """Return the issues that may be learned from.

    Decisions on rows of an earlier holdout are a reviewer's like any other, in force where those
    are; decisions on rows drawn from the present holdout are left out.

    Args:
        engine: Where to compute.
        labels: Issued labels (Parquet).
        opened: What :func:`open_earlier` wrote, if anything.
        used: Whether people's decisions are in force.
    """
    issues = engine.read_parquet(labels)
    rest = issues.filter(issues.source != HELD)
    if not opened.exists():
        return rest
    theirs = engine.read_parquet(opened)
    mine = theirs.mutate(source=ibis.literal("reviewer"), in_force=ibis.literal(used))
    return rest.union(mine.select(rest.columns))
