"""Lime's linear surrogate of a model around one case, and how far it can be trusted."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Reasons:
    """The reasons for and against the model's answer in one case.

    Attributes:
        parts: What holds of the case and what it adds to the probability, the heaviest first.
        poor: Whether they follow the model too badly to be trusted.
    """

    parts: tuple[tuple[str, float], ...]
    poor: bool


Array = NDArray[np.float64]
KERNEL = 0.75
"""Width of lime's kernel, in square roots of the number of features."""
SELECTION, PENALTY = 0.01, 1.0
"""Lime's ridge penalties: for choosing features, for fitting the chosen ones."""
FLAT = 1e-20
"""A mean squared deviation of predictions below this is rounding."""


@dataclass(frozen=True)
class Part:
    """One feature's part in an explanation.

    Attributes:
        feature: The feature's position.
        weight: What it adds to the local prediction, in probability.
        low: For a bin, its open lower end; None elsewhere or if the bin is the first.
        high: For a bin, its closed upper end; None elsewhere or if the bin is the last.
        scale: For a slope, the change of the feature that adds ``weight``; None elsewhere.
    """

    feature: int
    weight: float
    low: float | None = None
    high: float | None = None
    scale: float | None = None


@dataclass(frozen=True)
class Explanation:
    """A linear surrogate of the model around one case, and how far it can be trusted.

    Attributes:
        prediction: The model's probability for the case itself, 0 to 1.
        local_prediction: The surrogate's value there; may leave 0 to 1 where it fits badly.
        r2: Weighted R² of the surrogate on its perturbed rows, at most 1.
        seed: What its random numbers started from.
        parts: The features it names, the heaviest first.
    """

    prediction: float
    local_prediction: float
    r2: float
    seed: int
    parts: tuple[Part, ...]

    @property
    def gap(self) -> float:
        """How far the surrogate is from the model at the case, at least 0."""
        return abs(self.local_prediction - self.prediction)

    def is_poor(self, poor_r2: float, poor_gap: float) -> bool:
        """Return whether it follows the model too badly to be believed.

        Args:
            poor_r2: A weighted R² below this is poor.
            poor_gap: A gap above this is poor.
        """
        return not (self.r2 >= poor_r2 and self.gap <= poor_gap)

    def columns(self) -> dict[str, float]:
        """Return what a table of explanations says of it, whatever was explained."""
        return {
            "score": self.prediction,
            "local_prediction": self.local_prediction,
            "r2": self.r2,
            "gap": self.gap,
            "seed": self.seed,
        }


def seed_of(case: str, seed: int) -> int:
    """Return a case's seed, derived from its id: its explanation depends on no other case."""
    digest = hashlib.sha256(f"{seed}:{case}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def fit_surrogate(same: Array, predicted: Array, seed: int, features: int) -> Explanation:
    """Fit lime's weighted ridge regression on perturbed rows.

    What ``lime.lime_base.LimeBase`` computes with ``highest_weights``, in closed form: one matrix
    of moments serves the choice of features, the fit and R², where scikit-learn goes over the
    rows for each. (Lime's ``auto`` would turn to forward selection at six features or fewer.)

    Args:
        same: 1 where a perturbed row is like the case, else 0, shape (samples, features); its
            first row is the case itself.
        predicted: The model's probabilities, shape (samples,).
        seed: The seed the rows were drawn with.
        features: How many features to name, at least 1.
    """
    weights = _kernel(same)
    mean, base = weights @ same / weights.sum(), weights @ predicted / weights.sum()
    centred, target = same - mean, predicted - base
    gram, moments = _moments(centred, target, weights)
    first = _ridge(gram, moments, SELECTION)
    chosen = np.argsort(-np.abs(first), kind="stable")[:features]
    gram, moments = gram[np.ix_(chosen, chosen)], moments[chosen]
    coefficients = _ridge(gram, moments, PENALTY)
    explained = float(2 * coefficients @ moments - coefficients @ gram @ coefficients)
    spread = float(weights @ target**2)
    # a model that is constant around the case is imitated perfectly by a constant
    r2 = explained / spread if spread > FLAT * weights.sum() else 1.0
    local = float(base + coefficients @ (1 - mean[chosen]))
    order = np.argsort(-np.abs(coefficients), kind="stable")
    parts = tuple(Part(int(chosen[i]), float(coefficients[i])) for i in order)
    return Explanation(float(predicted[0]), local, r2, seed, parts)


def _moments(centred: Array, target: Array, weights: Array) -> tuple[Array, Array]:
    weighted = centred * weights[:, None]
    return centred.T @ weighted, target @ weighted


def _ridge(gram: Array, moments: Array, penalty: float) -> Array:
    return np.asarray(np.linalg.solve(gram + penalty * np.eye(len(gram)), moments), dtype=float)


def _kernel(same: Array) -> Array:
    """Weigh rows by lime's exponential kernel of their distance from the case."""
    width = KERNEL * np.sqrt(same.shape[1])
    return np.sqrt(np.exp(-(1 - same).sum(axis=1) / width**2))
