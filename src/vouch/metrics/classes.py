"""Measures of models of classes: macro-recall and others, with each row's influence on them.

All are means of figures between 0 and 1: of each class's recall, of each class's F1, of all rows.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vouch.metrics import intervals
from vouch.metrics.clusters import Clusters
from vouch.metrics.intervals import CONFIDENCE, UNDEFINED, Measured, share_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Measure = Callable[[Floats], Floats]
Parts = Callable[[Integers, Integers], list[Measured]]


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
    cells = np.asarray(labels).astype(int) * classes + np.asarray(predicted).astype(int)
    counts = np.bincount(cells, minlength=classes * classes)
    return counts.astype(np.float64).reshape(classes, classes)


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


def recalls(labels: Integers, predicted: Integers) -> list[Measured]:
    """Return the recall of each class that occurs."""
    right = labels == predicted
    return [share_of(right, labels == each) for each in np.unique(labels)]


def f1s(labels: Integers, predicted: Integers) -> list[Measured]:
    """Return the F1 of each class that occurs: twice its hits over its labels and predictions."""
    return [_f1(labels == each, predicted == each) for each in np.unique(labels)]


def _f1(actual: NDArray[np.bool_], said: NDArray[np.bool_]) -> Measured:
    parts = actual.astype(np.float64) + said
    hits = 2.0 * (actual & said)
    value = float(hits.sum() / parts.sum())
    return Measured(value, (hits - value * parts) / parts.sum(), actual.astype(np.float64))


def accuracy(labels: Integers, predicted: Integers) -> list[Measured]:
    """Return the share of rows that are right, alone; nothing of no rows."""
    every = np.ones(len(labels), np.bool_)
    return [share_of(labels == predicted, every)] if len(labels) else []


PARTS: dict[str, Parts] = {"macro_recall": recalls, "macro_f1": f1s, "accuracy": accuracy}
"""What each measure is the mean of."""


def recall_interval(
    labels: ArrayLike,
    predicted: ArrayLike,
    clusters: Clusters,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return macro-recall's interval; NaN without rows.

    Args:
        labels: As for :func:`macro_recall`.
        predicted: As for :func:`macro_recall`.
        clusters: Rows that belong together.
        confidence: Of the interval, above 0 and below 1.
    """
    parts = recalls(np.asarray(labels), np.asarray(predicted))
    ends = intervals.mean(parts, clusters, confidence)["interval"]
    return (ends[0], ends[1]) if ends else UNDEFINED


def _seen(*labels: ArrayLike) -> int:
    """Return how many classes there are, going by the highest that occurs."""
    return 1 + max((int(np.max(each)) for each in labels if np.size(each)), default=1)


def _share(part: Floats, whole: Floats) -> Floats:
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)


def _mean_of(values: Floats, present: NDArray[np.bool_]) -> Floats:
    """Average each row over the classes that occur."""
    return _share(
        np.where(present, values, 0.0).sum(axis=1), present.sum(axis=1).astype(np.float64)
    )
