"""Means with Gaussian noise on threshold and value. Heuristic.

Sigma is 1 / sqrt(n) and the threshold 3 sigma: the common short form of Thresholdout, with
Gaussian for Laplace noise and without a budget. Its threshold is unsure by a third of itself, its
noise is twice the largest standard error of a mean, and no bound is known for it at these sizes.
"""

from math import sqrt

import numpy as np

from vouch.holdout.mechanisms import Guarantee
from vouch.holdout.mechanisms.thresholdout import Mean

GUARANTEE: Guarantee = "heuristic"


def gaussian(training: float, holdout: Mean, seed: int) -> tuple[float, bool]:
    """Return the answer to a question, 0 to 1, and whether it is the training estimate.

    Args:
        training: The mean on training rows, 0 to 1.
        holdout: The mean on the holdout.
        seed: Of the noise; unknown to who asks.
    """
    sigma = 1 / sqrt(holdout.units)
    comparison, value = np.random.default_rng(seed).normal(scale=sigma, size=2)
    if abs(holdout.value - training) <= 3 * sigma + comparison:
        return training, True
    return float(np.clip(holdout.value + value, 0, 1)), False
