"""The classes of texts, and what every model of them shares."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import sha256

Floats = NDArray[np.float64]
CLASSES = ("negative", "neutral", "positive")
"""The use case's own; a source may declare others."""
TARGET = "label"


def spread(probabilities: Floats, seen: tuple[int, ...], classes: int) -> Floats:
    """Return probabilities with 0 for unseen classes: shape (rows, seen) to (rows, classes).

    >>> spread(np.array([[0.25, 0.75]]), (0, 2), 3).tolist()
    [[0.25, 0.0, 0.75]]
    """
    if len(seen) == classes:
        return probabilities
    full = np.zeros((len(probabilities), classes))
    full[:, list(seen)] = probabilities
    return full


def check_files(folder: Path, digests: dict[str, str]) -> None:
    """Compare a model's files with their digests, by path within the folder.

    Raises:
        VouchError: A file is missing or damaged.
    """
    for name, digest in digests.items():
        if not (folder / name).is_file():
            raise VouchError(f"{folder / name}: no such file", "run tune again")
        if sha256(folder / name) != digest:
            raise VouchError(f"{folder / name}: damaged, or another model's", "run tune again")
