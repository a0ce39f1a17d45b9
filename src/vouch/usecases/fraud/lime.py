"""Local linear explanations of tabular predictions (LIME), each with its fidelity.

Ribeiro, Singh, Guestrin: "Why should I trust you?", KDD 2016. All three explainers below fit lime's
weighted ridge regression and differ in where they look around a case:

``ReplaceExplainer`` keeps or replaces each feature, as lime itself does with words and superpixels.
A replaced value comes from a real row, so values that only occur together stay together, a missing
value needs no imputing, and the neighbourhood is as near as ``keep`` says. It is the default: on
rare fraud it follows the model where the other two do not (see ``benchmarks/explanations.py``).

``QuartileExplainer`` is lime's default. Its perturbations do not depend on the case, so one pool of
predictions serves every case.

``AroundExplainer`` is lime's ``sample_around_instance``, by lime's own code.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from vouch.models.surrogate import Array, Explanation, Part, fit_surrogate, seed_of
from vouch.usecases.fraud.params import ExplainParams

if TYPE_CHECKING:
    from vouch.usecases.fraud.models import Fitted

Predict = Callable[[Array], Array]


class Explainer(Protocol):
    """Explains one case at a time; the answer depends on nothing asked before."""

    def explain(self, row: Array, case: str) -> Explanation:
        """Explain the model's prediction for a row.

        Args:
            row: The case's features, shape (features,); may hold NaN.
            case: Its id, which seeds the random numbers.
        """


def make_explainer(predict: Predict, background: Array, params: ExplainParams) -> Explainer:
    """Return the explainer a user chose.

    Args:
        predict: Rows, shape (n, features), to probabilities, shape (n,).
        background: Real rows that perturbations draw on, shape (rows, features); may hold NaN.
        params: Mode, samples, features and seed.
    """
    kinds: dict[str, type[ReplaceExplainer | QuartileExplainer | AroundExplainer]] = {
        "replace": ReplaceExplainer,
        "quartile": QuartileExplainer,
        "around": AroundExplainer,
    }
    return kinds[params.mode](predict, background, params)


class ReplaceExplainer:
    """Perturbs by replacing features with those of real rows; NaN is a value like any other."""

    def __init__(self, predict: Predict, background: Array, params: ExplainParams) -> None:
        self._predict, self._background, self._params = predict, background, params

    def explain(self, row: Array, case: str) -> Explanation:
        """Explain one case; see ``Explainer``."""
        seed = seed_of(case, self._params.seed)
        points = self._perturb(row, np.random.default_rng(seed))
        same = (points == row) | (np.isnan(points) & np.isnan(row))
        return fit_surrogate(same.astype(float), self._predict(points), seed, self._params.features)

    def _perturb(self, row: Array, rng: np.random.Generator) -> Array:
        mask = rng.random((self._params.samples, row.size)) < self._params.keep
        mask[0] = True
        others = self._background[rng.integers(0, len(self._background), self._params.samples)]
        return np.where(mask, row, others)


class QuartileExplainer:
    """Perturbs by lime's default law: a quartile by its frequency, a value within it.

    The law does not know the case, so rows are drawn and predicted once; a case costs one
    prediction and one regression. NaN counts as the background's median.
    """

    def __init__(self, predict: Predict, background: Array, params: ExplainParams) -> None:
        from lime.discretize import QuartileDiscretizer

        self._predict, self._params = predict, params
        self._medians = medians(background)
        filled = imputed(background, self._medians)
        names = [str(i) for i in range(filled.shape[1])]
        self._bins = QuartileDiscretizer(filled, [], names, random_state=params.seed)
        self._pool = self._draw(self._bins.discretize(filled))
        self._predicted = predict(self._bins.undiscretize(self._pool))

    def _draw(self, binned: Array) -> Array:
        # drawing a bin by its frequency is drawing the bin of a random row, column by column
        rng = np.random.default_rng(self._params.seed)
        rows = rng.integers(0, len(binned), (self._params.samples, binned.shape[1]))
        return binned[rows, np.arange(binned.shape[1])]

    def explain(self, row: Array, case: str) -> Explanation:
        """Explain one case; see ``Explainer``. The seed is the pool's, whatever the case."""
        bins = self._bins.discretize(imputed(row, self._medians))
        same = (self._pool == bins).astype(float)
        predicted = self._predicted.copy()
        same[0], predicted[0] = 1.0, self._predict(row[None, :])[0]
        surrogate = fit_surrogate(same, predicted, self._params.seed, self._params.features)
        parts = tuple(self._bounded(part, int(bins[part.feature])) for part in surrogate.parts)
        return Explanation(
            surrogate.prediction, surrogate.local_prediction, surrogate.r2, surrogate.seed, parts
        )

    def _bounded(self, part: Part, number: int) -> Part:
        last = len(self._bins.maxs[part.feature]) - 1
        low = None if number == 0 else float(self._bins.mins[part.feature][number])
        high = None if number == last else float(self._bins.maxs[part.feature][number])
        return Part(part.feature, part.weight, low, high)


class AroundExplainer:
    """Perturbs by normal noise around the case; a weight is a slope, for one standard deviation.

    NaN counts as the background's median.
    """

    def __init__(self, predict: Predict, background: Array, params: ExplainParams) -> None:
        from lime.lime_tabular import LimeTabularExplainer

        self._predict, self._params = predict, params
        self._medians = medians(background)
        filled = imputed(background, self._medians)
        self._lime = LimeTabularExplainer(
            filled,
            mode="regression",
            categorical_features=[int(i) for i in np.flatnonzero(is_binary(filled))],
            # lime's own choice at six features or fewer is forward selection: six times slower
            feature_selection="highest_weights",
            discretize_continuous=False,
            sample_around_instance=True,
        )

    def explain(self, row: Array, case: str) -> Explanation:
        """Explain one case; see ``Explainer``."""
        seed = seed_of(case, self._params.seed)
        # lime draws on from where the last case left off: start afresh for each
        self._lime.random_state = self._lime.base.random_state = np.random.RandomState(seed)
        surrogate = self._lime.explain_instance(
            imputed(row, self._medians),
            self._predict,
            num_features=self._params.features,
            num_samples=self._params.samples,
        )
        prediction = float(self._predict(row[None, :])[0])
        parts = tuple(self._slope(i, weight) for i, weight in surrogate.local_exp[1])
        local = float(surrogate.local_pred[0])
        return Explanation(prediction, local, float(surrogate.score), seed, parts)

    def _slope(self, feature: int, weight: float) -> Part:
        binary = feature in self._lime.categorical_features
        scale = None if binary else float(self._lime.scaler.scale_[feature])
        return Part(int(feature), float(weight), scale=scale)


def is_binary(rows: Array) -> NDArray[np.bool_]:
    """Return which columns hold nothing but 0 and 1 (and NaN), shape (features,)."""
    return np.asarray(((rows == 0) | (rows == 1) | np.isnan(rows)).all(axis=0))


def medians(rows: Array) -> Array:
    """Return each column's median over what is known; 0 where nothing is, shape (features,)."""
    defined = ~np.isnan(rows).all(axis=0)
    result = np.zeros(rows.shape[1])
    result[defined] = np.nanmedian(rows[:, defined], axis=0)
    return result


def imputed(rows: Array, values: Array) -> Array:
    """Replace NaN by given values, column by column."""
    return np.where(np.isnan(rows), values, rows)


def predict_with(fitted: "Fitted") -> Predict:
    """Return a function by which a fitted model predicts bare arrays, as lime makes them.

    Args:
        fitted: The model; the arrays' columns are its features in order.
    """
    import pandas as pd

    def predict(rows: Array) -> Array:
        return fitted.score(pd.DataFrame(rows, columns=list(fitted.features)))

    return predict
