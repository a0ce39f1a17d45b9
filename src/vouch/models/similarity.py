"""How like rows are to those in which people found what is looked for."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.models.novelty import filled
from vouch.models.predictions import Floats

TREES, FEATURES = 200, 0.3
"""Trees, and the share of the features that each cut is the best of."""


def similarity(
    decided: pd.DataFrame, labels: NDArray[np.int8], others: pd.DataFrame, rows: pd.DataFrame
) -> Floats:
    """Return the share of random trees in which rows fall beside what people found.

    Extremely randomized trees (Geurts, Ernst and Wehenkel 2006, Extremely randomized trees, Machine
    Learning 63) of what people decided, and of rows nobody was asked about as negatives: of these
    few are positive (Elkan and Noto 2008). Where a reviewer erred, the next answers beside it say
    so, and rows there fall behind.

    Args:
        decided: Features of rows that people decided, numbers.
        labels: What they said, 0 or 1, shape (decided,).
        others: The same features of rows nobody was asked about.
        rows: The same of the rows to measure.

    Returns:
        0 to 1, shape (rows,); all 0 where people found nothing.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    if rows.empty or not labels.any() or (labels.all() and others.empty):
        return np.zeros(len(rows))
    learned = pd.concat([decided, others[decided.columns]])
    values, measured = filled(learned, rows)
    target = np.concatenate([labels, np.zeros(len(others), np.int8)])
    trees = ExtraTreesClassifier(TREES, max_features=FEATURES, random_state=0)
    return np.asarray(trees.fit(values, target).predict_proba(measured)[:, 1], np.float64)
