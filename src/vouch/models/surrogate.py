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
        stability: How much of the heaviest runs with other random numbers share, 0 to 1; None:
            there was one run.
        unstable: Whether that is too little.
    """

    parts: tuple[tuple[str, float], ...]
    poor: bool
    stability: float | None = None
    unstable: bool = False


Array = NDArray[np.float64]
Rows = NDArray[np.float64] | NDArray[np.bool_]
KERNEL = 0.75
"""Width of lime's kernel, in square roots of the number of features."""
SELECTION, PENALTY = 0.01, 1.0
"""Lime's ridge penalties: for choosing features, for fitting the chosen ones."""
FLAT = 1e-20
"""A mean squared deviation of predictions below this is rounding."""
ALL = slice(None)


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


def seed_of(case: str, seed: int, run: int = 0) -> int:
    """Return a case's seed, derived from its id: its explanation depends on no other case."""
    again = f"{run}:" if run else ""
    digest = hashlib.sha256(f"{again}{seed}:{case}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def fit_surrogate(
    same: Rows,
    predicted: Array,
    seed: int,
    features: int,
    weights: Array | None = None,
    checked: Array | None = None,
    shrink: float = 1.0,
) -> Explanation:
    """Fit lime's weighted ridge regression on perturbed rows.

    What ``lime.lime_base.LimeBase`` computes with ``highest_weights``, in closed form: one matrix
    of moments serves the choice of features and the fit, where scikit-learn goes over the rows for
    each. (Lime's ``auto`` would turn to forward selection at six features or fewer.)

    Where the model was asked about the first rows only, ``predicted`` are estimates and their
    errors on those rows are regressed too. The regression is linear in what is predicted, so the
    sum of both is right on average however rough the estimates are (sampling in two phases:
    Särndal, Swensson, Wretman, Model Assisted Survey Sampling, 1992, section 9.7), but for the
    penalty, which is raised: a feature in which few of those rows differ keeps its estimate.

    Args:
        same: Where a perturbed row is like the case, 0 or 1, shape (samples, features); its first
            row is the case itself.
        predicted: Probabilities, shape (samples,).
        seed: The seed the rows were drawn with.
        features: How many features to name, at least 1.
        weights: Each row's weight, at least 0, shape (samples,); None: lime's kernel for tables.
        checked: The model's own probabilities of the first rows where ``predicted`` are estimates,
            shape (checked,), at most ``samples``; None: all are the model's own.
        shrink: What lime's ridge penalties are multiplied by, at least 0: 0 where the rows are all
            there can be, as if lime had drawn without end.
    """
    weights = kernel(same) if weights is None else weights
    own = predicted if checked is None else checked
    fits = [_Moments.of(same, predicted, weights)]
    if checked is not None:
        fits.append(_Moments.of(*_errors(same, predicted, weights, checked), len(same)))
    first = np.sum([fit.solve(shrink * SELECTION) for fit in fits], axis=0)
    chosen = np.argsort(-np.abs(first), kind="stable")[:features]
    solved = [fit.solve(shrink * PENALTY, chosen) for fit in fits]
    coefficients = np.sum(solved, axis=0)
    constant = sum(f.base - f.mean[chosen] @ c for f, c in zip(fits, solved, strict=True))
    fitted = constant + same[: len(own), chosen] @ coefficients
    r2 = _r2(own, fitted, weights[: len(own)])
    order = np.argsort(-np.abs(coefficients), kind="stable")
    parts = tuple(Part(int(chosen[i]), float(coefficients[i])) for i in order)
    local = float(constant + coefficients.sum())
    return Explanation(float(own[0]), local, r2, seed, parts)


def kernel(same: Rows) -> Array:
    """Weigh rows by lime's exponential kernel of their distance from the case, shape (samples,)."""
    features = same.shape[1]
    width = KERNEL * np.sqrt(features)
    distances = np.arange(features + 1)  # squared, of all there can be
    return np.sqrt(np.exp(-distances / width**2))[features - count(same)]


def count(marks: Rows) -> NDArray[np.int64]:
    """Count the marks, 0 or 1, of each row, shape (rows, columns): exactly, up to 2**24 columns.

    A product does so five times as fast as ``count_nonzero`` where rows are short.
    """
    ones = np.ones(marks.shape[1], np.float32)
    return np.asarray(marks.astype(np.float32) @ ones, dtype=np.int64)


def _errors(
    same: Rows, predicted: Array, weights: Array, checked: Array
) -> tuple[Rows, Array, Array]:
    """Return the checked rows, how far each estimate was off there, and their weights."""
    rows = len(checked)
    return same[:rows], checked - predicted[:rows], weights[:rows]


@dataclass(frozen=True)
class _Moments:
    """Weighted moments of rows and what is predicted of them.

    Attributes:
        mean: Of the rows, shape (features,).
        base: Of the predictions.
        gram: Of the rows about their mean, shape (features, features).
        product: Of rows and predictions, each about its mean, shape (features,).
        stiffness: By what lime's penalties are multiplied, at least 1.
    """

    mean: Array
    base: float
    gram: Array
    product: Array
    stiffness: float = 1.0

    @classmethod
    def of(
        cls, same: Rows, predicted: Array, weights: Array, samples: int | None = None
    ) -> "_Moments":
        """Compute them; ``samples`` are the rows these stand for, None: themselves alone."""
        roots = np.sqrt(weights)
        rows, total = same * roots[:, None], weights.sum()
        mean, base = roots @ rows / total, float(weights @ predicted / total)
        gram = rows.T @ rows - total * np.outer(mean, mean)
        product = (roots * (predicted - base)) @ rows
        return cls(mean, base, gram, product, (samples or len(same)) / len(same))

    def solve(self, penalty: float, chosen: "slice | NDArray[np.int64]" = ALL) -> Array:
        """Return the ridge regression's coefficients of the chosen features."""
        gram = self.gram[chosen][:, chosen]
        diagonal = penalty * self.stiffness * np.eye(len(gram))
        return np.asarray(np.linalg.solve(gram + diagonal, self.product[chosen]), dtype=float)


def _r2(predicted: Array, fitted: Array, weights: Array) -> float:
    centred = predicted - weights @ predicted / weights.sum()
    spread = float(weights @ centred**2)
    # a model that is constant around the case is imitated perfectly by a constant
    if spread <= FLAT * weights.sum():
        return 1.0
    return 1.0 - float(weights @ (predicted - fitted) ** 2) / spread
