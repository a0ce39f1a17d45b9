"""Figures of rows that were drawn with unequal chances, with intervals that hold for few cases.

A row counts as many times as rows it stands for: the inverse of its chance (Horvitz and Thompson
1952, A generalization of sampling without replacement from a finite universe, JASA 47), over the
sum of these weights (Hájek 1971). Weights carry less than as many equal rows would: intervals use
Kish's effective number, the square of their sum over the sum of their squares. The bootstrap's
percentiles hold too rarely where cases are few, so shares have Jeffreys' interval (Brown, Cai and
DasGupta 2001, Interval estimation for a binomial proportion), average precision the logit interval
of Boyd, Eng and Page (2013, Area under the precision-recall curve), and ROC AUC that of Hanley and
McNeil (1982), on the logit scale.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import beta, norm
from sklearn.metrics import average_precision_score, roc_auc_score

from vouch.metrics.figures import Figure, figure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
EDGE = 1e-4  # how far from 0 and 1 the logit is taken


def effective(weights: Floats) -> float:
    """Return how many equally weighted rows carry as much information; 0 of none."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def share(hits: Bools, weights: Floats, confidence: float) -> Figure:
    """Return the share of hits with Jeffreys' interval; null of nothing.

    Args:
        hits: Shape (rows,).
        weights: How many rows each stands for, above 0, shape (rows,).
        confidence: Of the interval, above 0 and below 1.
    """
    if not len(hits):
        return figure(math.nan, (math.nan, math.nan))
    value, rows = float(np.average(hits, weights=weights)), effective(weights)
    tail = (1 - confidence) / 2
    spread = beta(value * rows + 0.5, (1 - value) * rows + 0.5)
    return around(value, (float(spread.ppf(tail)), float(spread.ppf(1 - tail))))


def average_precision(
    positive: Bools, scores: Floats, weights: Floats, confidence: float
) -> Figure:
    """Return the average precision with its logit interval; null without a positive.

    Arguments as for :func:`share`; ``scores`` are higher the likelier positive.
    """
    if not positive.any():
        return figure(math.nan, (math.nan, math.nan))
    value = float(average_precision_score(positive, scores, sample_weight=weights))
    likely = min(max(value, EDGE), 1 - EDGE)
    error = 1 / math.sqrt(effective(weights[positive]) * likely * (1 - likely))
    return around(value, _logit_ends(likely, error, confidence))


def roc_auc(positive: Bools, scores: Floats, weights: Floats, confidence: float) -> Figure:
    """Return the area under the ROC curve with its interval; null without both classes.

    Arguments as for :func:`average_precision`.
    """
    if positive.all() or not positive.any():
        return figure(math.nan, (math.nan, math.nan))
    value = float(roc_auc_score(positive, scores, sample_weight=weights))
    a = min(max(value, EDGE), 1 - EDGE)
    up, down = effective(weights[positive]), effective(weights[~positive])
    above, below = a / (2 - a) - a**2, 2 * a**2 / (1 + a) - a**2
    variance = (a * (1 - a) + (up - 1) * above + (down - 1) * below) / (up * down)
    return around(value, _logit_ends(a, math.sqrt(variance) / (a * (1 - a)), confidence))


def _logit_ends(value: float, error: float, confidence: float) -> tuple[float, float]:
    reach = float(norm.ppf((1 + confidence) / 2)) * error
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))


def around(value: float, ends: tuple[float, float]) -> Figure:
    """Write a figure whose interval holds the value itself, also at 0 and 1."""
    return figure(value, (min(ends[0], value), max(ends[1], value)))


def difference(first: Figure, second: Figure) -> Figure:
    """Subtract the second figure from the first; null where either is undefined.

    The ends are found from those of both (Zou and Donner 2008, Construction of confidence limits
    about effect measures). Where both rest on some of the same rows it is rather wide.
    """
    a, b, ends_a, ends_b = first["value"], second["value"], first["interval"], second["interval"]
    if a is None or b is None or ends_a is None or ends_b is None:
        return figure(math.nan, (math.nan, math.nan))
    down = math.hypot(a - ends_a[0], ends_b[1] - b)
    up = math.hypot(ends_a[1] - a, b - ends_b[0])
    return figure(a - b, (a - b - down, a - b + up))
