"""Macro-recall: how many of each class are found, each class counting the same."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLASSES = 3
REPEATS = 400
BLOCK = 50  # bootstrap samples drawn at a time
Floats = NDArray[np.float64]


def macro_recall(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Give the mean recall of the classes that occur, 0 to 1; NaN without rows.

    Args:
        labels: 0 to 2, shape (rows,).
        predicted: 0 to 2, shape (rows,).
    """
    cells = _cells(np.asarray(labels), np.asarray(predicted)).sum(axis=0, keepdims=True)
    return float(_of_cells(cells)[0])


def bootstrap_interval(
    labels: ArrayLike,
    predicted: ArrayLike,
    groups: ArrayLike,
    seed: int,
    confidence: float = 0.95,
    repeats: int = REPEATS,
) -> tuple[float, float]:
    """Give macro-recall's percentile bootstrap interval, whole groups drawn.

    Rows of one group resemble each other: drawn one by one they would look like more evidence
    than they are (Davison and Hinkley 1997, Bootstrap methods and their application, 3.8).

    Args:
        labels: As for :func:`macro_recall`.
        predicted: As for :func:`macro_recall`.
        groups: Each row's group, shape (rows,).
        seed: The same seed gives the same interval.
        confidence: Share of the samples inside, above 0 and below 1.
        repeats: Bootstrap samples, at least 1.
    """
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    cells = np.zeros((codes.max() + 1, CLASSES * CLASSES))
    np.add.at(cells, codes, _cells(np.asarray(labels), np.asarray(predicted)))
    random, found = np.random.default_rng(seed), []
    for start in range(0, repeats, BLOCK):
        # Poisson weights: a bootstrap sample whose groups can be counted independently
        weights = random.poisson(1.0, (min(BLOCK, repeats - start), len(cells)))
        found.append(_of_cells(weights.astype(np.float64) @ cells))
    low, high = np.nanquantile(np.concatenate(found), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _cells(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> Floats:
    """Give for each row the cell of the confusion it falls in, one-hot, shape (rows, 9)."""
    cells = np.zeros((len(labels), CLASSES * CLASSES))
    cells[np.arange(len(labels)), labels.astype(int) * CLASSES + predicted.astype(int)] = 1.0
    return cells


def _of_cells(cells: Floats) -> Floats:
    """Give macro-recall of confusions, shape (tables, 9) to (tables,)."""
    tables = cells.reshape(-1, CLASSES, CLASSES)
    there = tables.sum(axis=2)
    hit = np.diagonal(tables, axis1=1, axis2=2)
    recall = np.divide(hit, there, out=np.full(there.shape, np.nan), where=there > 0)
    known = ~np.isnan(recall)
    total = np.where(known, recall, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
