"""Batches of decisions: written once, in one step, and versioned; all else follows from them."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vouch.core.files import sha256, sync
from vouch.holdout.decisions import open_decisions
from vouch.labels.reviews import CONSENSUS, DecisionWords, batches, numbered, read_batches
from vouch.project import versions
from vouch.project.stages import find
from vouch.results.register import Registration

DIGITS = 12


def recorded(
    folder: Path, origin: str, words: DecisionWords | None = None, state: Path | None = None
) -> pd.DataFrame:
    """Read the decisions that were taken before, a consensus left out; first decided first.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
        origin: The declaration of the rows.
        words: What the words for classes mean, see :func:`vouch.labels.reviews.numbered`.
        state: The project's state folder, by whose key sealed ones are opened; None: they are not.
    """
    table = read_batches(folder)
    table = table.filter(pc.equal(table["origin"], origin))
    table = open_decisions(state, table) if state else table
    rows = numbered(table, words, folder).to_pandas()
    own = rows[rows["actor"] != CONSENSUS]
    return own.sort_values(["decided_at", "sequence", "case", "actor"], ignore_index=True)


def latest(folder: Path) -> tuple[datetime | None, int]:
    """Return when the last decision of a use case was issued (None without any), and its number.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
    """
    rows = read_batches(folder)
    return pc.max(rows["issued_at"]).as_py(), pc.max(rows["sequence"]).as_py() or 0


def keep(folder: Path, table: pa.Table, scratch: Path) -> str | None:
    """Write a batch for good, in one step, before anything says it is saved.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
        table: Decisions, in the columns of ``vouch.labels.reviews.SCHEMA``.
        scratch: A folder on the same disk; what a kill leaves there is written over.

    Returns:
        The batch's name, the beginning of its SHA-256; None if it has no rows.
    """
    if not table.num_rows:
        return None
    for place in (folder, scratch):
        place.mkdir(parents=True, exist_ok=True)
    draft = scratch / f"{folder.parent.name}.batch"
    order = [(name, "ascending") for name in ("issued_at", "case", "actor")]
    pq.write_table(table.sort_by(order), draft)
    name = sha256(draft)[:DIGITS]
    sync(draft)
    draft.replace(folder / f"{name}.parquet")
    sync(folder)
    return name


def version(root: Path, folder: Path) -> None:
    """Add every batch to DVC that is not yet in it, such as one that a killed collect left.

    Args:
        root: The project's folder.
        folder: ``data/labels/<usecase>/reviews``.
    """
    for file in batches(folder):
        if not versions.known(root, file.relative_to(root)):
            versions.add(root, file.relative_to(root))


def untrained(root: Path, folder: Path, usecase: str) -> int:
    """Count the decisions that no registered model has learned from.

    Args:
        root: The project's folder.
        folder: ``data/labels/<usecase>/reviews``.
        usecase: The use case.
    """
    registered = root / find("register").outputs["registration"].format(usecase=usecase)
    seen = set(Registration.read(registered).reviews) if registered.exists() else set()
    fresh = [file for file in batches(folder) if file.stem not in seen]
    actors = [pq.read_table(file, columns=["actor"])["actor"].to_pylist() for file in fresh]
    return sum(actor != CONSENSUS for batch in actors for actor in batch)
