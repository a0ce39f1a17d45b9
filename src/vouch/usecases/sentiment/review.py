"""Macro-recall, macro-F1 and accuracy on decided texts, with intervals that hold for few of them.

The interval of each is that of its values under Jeffreys' posterior of the confusion's cells:
each recall's is then Jeffreys' own (Brown, Cai and DasGupta 2001, Interval estimation for a
binomial proportion), and classes of few texts widen what rests on them, which drawing the few
again and again would not.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vouch.metrics.classes import MEASURES
from vouch.metrics.figures import Figure, figure
from vouch.metrics.intervals import CONFIDENCE, central
from vouch.metrics.weighted import Floats, around, effective
from vouch.usecases.params import EvaluateParams
from vouch.usecases.sentiment.classes import CLASSES

DRAWS = 4000


def figures(
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    weights: Floats,
    params: EvaluateParams,
    classes: int = len(CLASSES),
) -> dict[str, Figure]:
    """Measure decisions on drawn texts.

    Args:
        labels: 0 to classes - 1, shape (rows,).
        predicted: 0 to classes - 1, shape (rows,).
        weights: How many texts each stands for, above 0, shape (rows,).
        params: The seed.
        classes: How many there are, at least 2.

    Returns:
        ``macro_recall``, ``macro_f1``, ``accuracy``, each ``{"value", "interval"}``; null unless
        there is a text of every class.
    """
    if len(np.unique(labels)) < classes:
        return {name: figure(math.nan, (math.nan, math.nan)) for name in MEASURES}
    cells = np.zeros((classes, classes))
    np.add.at(cells, (labels, predicted), weights)
    shares = cells / cells.sum()
    random = np.random.default_rng(params.seed)
    # normalised gamma draws are Dirichlet draws; no measure needs the norm
    posterior = shares * effective(weights) + _prior(classes)
    drawn = random.gamma(posterior, size=(DRAWS, classes, classes))
    return {
        name: around(float(measure(shares[None])[0]), central(measure(drawn), CONFIDENCE))
        for name, measure in MEASURES.items()
    }


def _prior(classes: int) -> Floats:
    """Add Jeffreys' half case to each class's right decisions, and half to its wrong ones."""
    right = np.eye(classes)
    return np.asarray(right / 2 + (1 - right) / (2 * (classes - 1)), dtype=np.float64)
