"""Sealed labels, for tests that begin after ingest."""

from pathlib import Path

import pyarrow as pa

from vouch.holdout.labels import PLACE, seal_labels
from vouch.holdout.ledger import Cut


def seal_nothing(state: Path, path: Path) -> Path:
    """Write a file of sealed labels that has none, as ingest writes it of rows without labels."""
    empty = pa.table({name: pa.array([], pa.string()) for name in PLACE})
    seal_labels(state, empty, Cut(None, None), path)
    return path
