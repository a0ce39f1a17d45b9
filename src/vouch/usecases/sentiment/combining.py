"""One answer of several models: an average of their probabilities, or a model of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vouch.usecases.sentiment.learners import Linear, softmax

if TYPE_CHECKING:
    from vouch.usecases.sentiment.candidate import Candidate

Floats = NDArray[np.float64]
LEAST = 1e-6
"""A probability below this counts as this: the logarithm of 0 would decide everything."""


def logarithms(likely: Sequence[Floats]) -> Floats:
    """Return the models' log probabilities side by side, shape (rows, models * classes)."""
    return np.log(np.clip(np.hstack(likely), LEAST, 1.0))


def vote(likely: Sequence[Floats], share: float) -> Floats:
    """Average two models' probabilities (soft voting), shape (rows, classes).

    Args:
        likely: Each model's, shape (rows, classes).
        share: How much the first one counts, 0 to 1.
    """
    first, second = likely
    return share * first + (1 - share) * second


def stack(
    candidate: "Candidate", likely: Sequence[Floats], codes: NDArray[np.int64], weights: Floats
) -> Linear:
    """Learn how far to follow each model (Wolpert 1992, Stacked generalization).

    Args:
        candidate: Its ``final_C`` is the inverse strength of the penalty.
        likely: Each model's probabilities of rows it has not learned from.
        codes: The rows' classes, 0 to classes - 1, each at least once.
        weights: The rows' weights, above 0.

    Returns:
        A linear model of the log probabilities.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    from vouch.usecases.sentiment.learners import of_decisions

    model = LogisticRegression(C=candidate.setting("final_C", 1.0), max_iter=1_000)
    with threadpool_limits(1):
        model.fit(logarithms(likely), codes, sample_weight=weights)
    return of_decisions(model.coef_, model.intercept_, 1.0)


def follow(combiner: Linear, likely: Sequence[Floats]) -> Floats:
    """Return what a stacked model makes of others' probabilities, shape (rows, classes)."""
    return softmax(logarithms(likely) @ combiner.weights + combiner.intercepts)
