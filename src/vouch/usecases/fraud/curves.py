"""Curves as short lists of points, for the report to draw."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from vouch.metrics.clusters import Clusters, Floats
from vouch.metrics.intervals import share
from vouch.results.evaluate import CalibrationBin

POINTS = 200
BINS = 10


class Points(TypedDict):
    """Curves as points, see :func:`curves`."""

    precision_recall: list[list[float]]
    roc: list[list[float]]
    calibration: list[CalibrationBin]


def curves(labels: NDArray[np.int8], scores: Floats, clusters: Clusters) -> Points:
    """Draw precision-recall, ROC and calibration curves.

    Args:
        labels: 0 or 1, shape (rows,), both present.
        scores: Shape (rows,), 0 to 1.
        clusters: The rows.

    Returns:
        ``precision_recall`` (points ``[recall, precision]``), ``roc`` (points ``[false positive
        rate, true positive rate]``), each at most 200 points by rising first coordinate, and
        ``calibration`` (see :func:`calibration`).
    """
    precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=True)
    false, true, _ = roc_curve(labels, scores)
    return {
        "precision_recall": _thin(recall[::-1], precision[::-1]),
        "roc": _thin(false, true),
        "calibration": calibration(labels, scores, clusters),
    }


def _thin(x: Floats, y: Floats) -> list[list[float]]:
    """Keep points evenly spaced along the curve, both ends among them."""
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    indices = np.searchsorted(along, np.linspace(0, along[-1], POINTS - 1))
    indices = np.unique(np.append(np.minimum(indices, len(x) - 1), len(x) - 1))
    return [[float(a), float(b)] for a, b in zip(x[indices], y[indices], strict=True)]


def calibration(
    labels: NDArray[np.int8], scores: Floats, clusters: Clusters
) -> list[CalibrationBin]:
    """Compare promised with observed shares in bins with equally many positives.

    With positives this rare, bins of equally many rows would put them all into the last one.

    Returns:
        For each bin, by rising score: ``score`` (mean promised), ``share`` (observed), its
        ``interval`` and ``rows``.
    """
    edges = np.quantile(scores[labels == 1], np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(np.unique(edges), scores, side="right")
    return [_bin(labels, scores, clusters, bins == b) for b in np.unique(bins)]


def _bin(
    labels: NDArray[np.int8], scores: Floats, clusters: Clusters, inside: NDArray[np.bool_]
) -> CalibrationBin:
    observed = share(labels[inside] == 1, clusters.of(inside))
    assert observed["value"] is not None
    assert observed["interval"] is not None  # a bin has rows
    return {
        "score": float(scores[inside].mean()),
        "share": observed["value"],
        "interval": observed["interval"],
        "rows": int(inside.sum()),
    }
