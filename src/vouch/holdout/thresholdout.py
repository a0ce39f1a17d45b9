"""Thresholdout: answering means from a holdout that will be asked again.

Dwork, Feldman, Hardt, Pitassi, Reingold, Roth 2015, "Generalization in Adaptive Data Analysis and
Holdout Reuse" (NeurIPS), and "The reusable holdout: Preserving validity in adaptive data analysis"
(Science 349). The training estimate is the answer unless the holdout disagrees by more than a
noisy threshold; only then is the holdout's mean returned, and with noise.

Stricter than the paper, every question costs its charge, whether or not the training estimate
held: the paper's guarantee for free answers needs far more positives than payments have.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np


@dataclass(frozen=True)
class Mean:
    """A mean of values between 0 and 1.

    Attributes:
        value: The mean, 0 to 1.
        units: How many values it is the mean of, at least 1.
    """

    value: float
    units: int


def thresholdout(training: float, holdout: Mean, seed: int) -> tuple[float, bool]:
    """Return the answer to a question for a bounded mean.

    Threshold 4/sqrt(n) and noise rate 1/sqrt(n) are those of the paper's experiments, n being
    the values the mean is of.

    Args:
        training: The mean on training rows the model was not fitted on, 0 to 1.
        holdout: The mean on the holdout.
        seed: Of the noise; must not be known to who asks.

    Returns:
        The answer, 0 to 1, and whether it is the training estimate.
    """
    random, rate = np.random.default_rng(seed), 1 / sqrt(holdout.units)
    threshold = 4 * rate + random.laplace(scale=2 * rate)
    if abs(holdout.value - training) <= threshold + random.laplace(scale=4 * rate):
        return training, True
    return float(np.clip(holdout.value + random.laplace(scale=rate), 0, 1)), False
