"""How unlike rows are to those that a model learned from."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.models.predictions import Floats

TREES, SAMPLES = 200, 2_000
"""Trees, and rows each is grown on; the paper finds few of either enough."""


def novelty(train: pd.DataFrame, rows: pd.DataFrame, seed: int) -> Floats:
    """Return how easily random cuts set each row apart from training rows.

    An isolation forest (Liu, Ting and Zhou 2008, Isolation forest, ICDM): it knows no labels, so it
    finds kinds of rows that no label speaks of yet.

    Args:
        train: Features of training rows, numbers.
        rows: The same features of other rows.
        seed: The same one gives the same numbers.

    Returns:
        Above 0 and below 1, the most unlike near 1, shape (rows,).
    """
    from sklearn.ensemble import IsolationForest

    if train.empty or rows.empty:
        return np.full(len(rows), 0.5)
    learned, others = filled(train, rows)
    forest = IsolationForest(
        n_estimators=TREES, max_samples=min(SAMPLES, len(learned)), random_state=seed
    )
    return np.asarray(-forest.fit(learned).score_samples(others), np.float64)


def filled(learned: pd.DataFrame, rows: pd.DataFrame) -> list[NDArray[np.float32]]:
    """Return both tables' values in the columns of the first, the undefined at the edge of it."""
    least = learned.min().fillna(0)
    return [each[learned.columns].fillna(least).to_numpy(np.float32) for each in (learned, rows)]
