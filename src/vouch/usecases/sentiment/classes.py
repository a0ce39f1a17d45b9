"""The classes of texts, and what every model of them shares."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import sha256

Floats = NDArray[np.float64]
CLASSES = ("negative", "neutral", "positive")
TARGET = "label"


def spread(probabilities: Floats, classes: tuple[int, ...]) -> Floats:
    """Return probabilities with 0 for unseen classes: shape (rows, classes) to (rows, 3)."""
    if len(classes) == len(CLASSES):
        return probabilities
    full = np.zeros((len(probabilities), len(CLASSES)))
    full[:, list(classes)] = probabilities
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
