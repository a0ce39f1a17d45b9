"""Measures of models of classes: macro-recall and others, with bootstrap intervals.

All measures but those of confidence follow from a confusion, so a bootstrap sample is a weighing of
groups: rows of one group resemble each other, and drawn one by one they would look like more
evidence than they are (Davison and Hinkley 1997, Bootstrap methods and their application, 3.8).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vouch.metrics.ranked import interval

REPEATS = 400
BLOCK = 50  # bootstrap samples drawn at a time
Floats = NDArray[np.float64]
Measure = Callable[[Floats], Floats]


def macro_recall(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean recall of the classes that occur, 0 to 1; NaN without rows.

    Args:
        labels: Classes from 0 on, shape (rows,).
        predicted: Classes from 0 on, shape (rows,).

    >>> macro_recall([0, 0, 1, 2], [0, 1, 1, 0])
    0.5
    """
    classes = _seen(labels, predicted)
    return float(recall_of(confusion(labels, predicted, classes)[None])[0])


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: int) -> Floats:
    """Count labels by predictions, shape (classes, classes): a row a true class.

    >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    cells: Floats = _cells(np.asarray(labels), np.asarray(predicted), classes).sum(axis=0)
    return cells.reshape(classes, classes)


def recall_of(tables: Floats) -> Floats:
    """Return macro-recall of confusions, shape (tables, classes, classes) to (tables,)."""
    counts = tables.sum(axis=2)
    return _mean_of(_share(np.diagonal(tables, axis1=1, axis2=2), counts), counts > 0)


def f1_of(tables: Floats) -> Floats:
    """Return macro-F1 of confusions over the classes that occur, shape (tables,)."""
    actual, predicted = tables.sum(axis=2), tables.sum(axis=1)
    hit = np.diagonal(tables, axis1=1, axis2=2)
    return _mean_of(_share(2 * hit, actual + predicted), actual > 0)


def accuracy_of(tables: Floats) -> Floats:
    """Return the accuracy of confusions, shape (tables,)."""
    right = np.trace(tables, axis1=1, axis2=2)
    return _share(right, tables.sum(axis=(1, 2)))


MEASURES: dict[str, Measure] = {
    "macro_recall": recall_of,
    "macro_f1": f1_of,
    "accuracy": accuracy_of,
}


def bootstrap(
    labels: ArrayLike,
    predictions: Sequence[ArrayLike],
    groups: ArrayLike,
    repeats: int,
    seed: int,
    classes: int,
) -> Floats:
    """Draw confusions of bootstrap samples; several models are counted on the same samples.

    Args:
        labels: 0 to classes - 1, shape (rows,).
        predictions: A model each, 0 to classes - 1, shape (rows,).
        groups: Each row's group, shape (rows,).
        repeats: Bootstrap samples, at least 1.
        seed: The same seed gives the same samples.
        classes: How many there are, at least 2.

    Returns:
        Shape (models, repeats, classes, classes).
    """
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    cells = np.zeros((codes.max(initial=-1) + 1, len(predictions) * classes * classes))
    truth = np.asarray(labels)
    np.add.at(cells, codes, np.hstack([_cells(truth, np.asarray(p), classes) for p in predictions]))
    random, blocks = np.random.default_rng(seed), []
    for start in range(0, repeats, BLOCK):
        # Poisson weights: a bootstrap sample whose groups can be counted independently
        weights = random.poisson(1.0, (min(BLOCK, repeats - start), len(cells)))
        blocks.append(weights.astype(np.float64) @ cells)
    drawn = np.concatenate(blocks).reshape(repeats, len(predictions), classes, classes)
    return drawn.transpose(1, 0, 2, 3)


def bootstrap_interval(
    labels: ArrayLike,
    predicted: ArrayLike,
    groups: ArrayLike,
    seed: int,
    confidence: float = 0.95,
    repeats: int = REPEATS,
) -> tuple[float, float]:
    """Return macro-recall's percentile bootstrap interval, whole groups drawn.

    Args:
        labels: As for :func:`macro_recall`.
        predicted: As for :func:`macro_recall`.
        groups: Each row's group, shape (rows,).
        seed: The same seed gives the same interval.
        confidence: Share of the samples inside, above 0 and below 1.
        repeats: Bootstrap samples, at least 1.
    """
    classes = _seen(labels, predicted)
    tables = bootstrap(labels, [predicted], groups, repeats, seed, classes)[0]
    return interval(recall_of(tables), confidence)


def _seen(*labels: ArrayLike) -> int:
    """Return how many classes there are, going by the highest that occurs."""
    return 1 + max((int(np.max(each)) for each in labels if np.size(each)), default=1)


def _cells(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> Floats:
    """Return for each row the cell of the confusion it falls in, one-hot: (rows, classes²)."""
    cells = np.zeros((len(labels), classes * classes))
    cells[np.arange(len(labels)), labels.astype(int) * classes + predicted.astype(int)] = 1.0
    return cells


def _share(part: Floats, whole: Floats) -> Floats:
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)


def _mean_of(values: Floats, present: NDArray[np.bool_]) -> Floats:
    """Average each row over the classes that occur."""
    return _share(
        np.where(present, values, 0.0).sum(axis=1), present.sum(axis=1).astype(np.float64)
    )
