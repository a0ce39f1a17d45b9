"""Local linear explanations of tabular predictions (LIME), each with its fidelity.

Ribeiro, Singh, Guestrin: "Why should I trust you?", KDD 2016. All explainers below fit lime's
weighted ridge regression and differ in where they look around a case:

``ReplaceExplainer`` keeps or replaces each feature, as lime itself does with words and superpixels.
A replaced value comes from a real row, so values that only occur together stay together, a missing
value needs no imputing, and the neighbourhood is as near as ``keep`` says. It is the default: on
rare fraud it follows the model where the other two do not (see ``benchmarks/explanations.py``).

``QuartileExplainer`` follows lime's default law. Its perturbations do not depend on the case, so
one pool of predictions serves every case.

``LimeExplainer`` and ``AroundExplainer`` are lime's own code: its default, and its
``sample_around_instance``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vouch.models.surrogate import Array, Explanation, Part, count, fit_surrogate, seed_of
from vouch.usecases.fraud.params import ExplainParams

if TYPE_CHECKING:
    from vouch.usecases.fraud.models import Fitted

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Predict = Callable[[Any], Array]
CHECKED, STEPPED = 5, 5
"""One in so many perturbed rows is predicted, and so many times fewer with one feature replaced."""
LEAST = 1000
"""Rows that are predicted at least: of fewer the errors cannot be told."""
FEWEST_STEPS, MOST_STEPS = 4, 32
CERTAIN = 1e-6
"""Probabilities nearer to 0 or 1 count as this: their log odds have no end."""


class Explainer(Protocol):
    """Explains one case at a time; the answer depends on nothing asked before."""

    def explain(self, row: Array, case: str, run: int = 0) -> Explanation:
        """Explain the model's prediction for a row.

        Args:
            row: The case's features, shape (features,); may hold NaN.
            case: Its id, which seeds the random numbers.
            run: Another one takes other random numbers.
        """


def make_explainer(predict: Predict, background: Array, params: ExplainParams) -> Explainer:
    """Return the explainer a user chose.

    Args:
        predict: Rows, shape (n, features), to probabilities, shape (n,).
        background: Real rows that perturbations draw on, shape (rows, features); may hold NaN.
        params: Mode, samples, features and seed.
    """
    kinds: dict[str, type[ReplaceExplainer | QuartileExplainer | LimeExplainer]] = {
        "replace": ReplaceExplainer,
        "quartile": QuartileExplainer,
        "lime": LimeExplainer,
        "around": AroundExplainer,
    }
    return kinds[params.mode](predict, background, params)


class ReplaceExplainer:
    """Perturbs by replacing features with those of real rows; NaN is a value like any other.

    The model is asked about a fifth of the perturbed rows, and about the case with one feature
    at a time replaced. What it would say of the others is estimated from these, and the estimates'
    errors on the fifth are fitted like the estimates (:func:`fit_surrogate`): about as steady as
    asking it about all rows (``benchmarks/explanations.py``), at 3 predictions in 10.
    """

    def __init__(self, predict: Predict, background: Array, params: ExplainParams) -> None:
        self._predict, self._params = predict, params
        self._background = background.astype(np.float32)
        self._steps = Steps.of(self._background, params.samples // STEPPED // background.shape[1])
        checked = max(params.samples // CHECKED, LEAST)
        few = checked + len(self._steps.values) >= params.samples
        self._checked = params.samples if few else checked

    def explain(self, row: Array, case: str, run: int = 0) -> Explanation:
        """Explain one case; see ``Explainer``."""
        seed = seed_of(case, self._params.seed, run)
        narrow, rng = row.astype(np.float32), np.random.default_rng(seed)
        kept, drawn = self._draw(row.size, rng)
        equal = (self._background == narrow) | (np.isnan(self._background) & np.isnan(narrow))
        same, features = kept | equal[drawn], self._params.features
        if self._checked == len(kept):
            predicted = self._predict(np.where(kept, narrow, self._background[drawn]))
            return fit_surrogate(same, predicted, seed, features)
        estimated, checked = self._estimate(narrow, kept, drawn)
        return fit_surrogate(same, estimated, seed, features, checked=checked)

    def _draw(self, features: int, rng: np.random.Generator) -> tuple[Mask, NDArray[np.int64]]:
        """Draw what each row keeps, the case itself first, and whose values replace the rest."""
        numbers = rng.integers(0, 2**16, (self._params.samples, features), dtype=np.uint16)
        kept = numbers < round(self._params.keep * 2**16)
        kept[0] = True
        return kept, rng.integers(0, len(self._background), self._params.samples)

    def _estimate(self, row: Floats, kept: Mask, drawn: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return estimated probabilities of all rows, and the model's own of the first ones."""
        first = np.where(kept[: self._checked], row, self._background[drawn[: self._checked]])
        scores = self._predict(np.concatenate([first, self._steps.around(row)]))
        checked, alone = scores[: self._checked], scores[self._checked :]
        # effects add up in probability for a forest, in log odds for boosted trees: both are tried
        odds, start = _logit(checked[0]), checked[0]
        effects = np.column_stack([alone - start, _logit(alone) - odds])
        added = self._steps.add(effects, kept, drawn) + np.array([start, odds])
        terms = np.column_stack([np.ones(len(kept)), added[:, 0], 1 / (1 + np.exp(-added[:, 1]))])
        return terms @ np.linalg.lstsq(terms[: self._checked], checked)[0], checked


def _logit(probability: Any) -> Any:
    within = np.clip(probability, CERTAIN, 1 - CERTAIN)
    return np.log(within / (1 - within))


@dataclass(frozen=True)
class Steps:
    """Each feature's values in a few groups of equal size, one value standing for its group.

    Attributes:
        values: The values of all features' groups, shape (groups,); may hold NaN.
        features: Whose each is, shape (groups,).
        codes: The group of every background row's values, shape (rows, features).
    """

    values: Floats
    features: NDArray[np.int64]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, background: Floats, groups: int) -> "Steps":
        """Group a background's values.

        Args:
            background: Shape (rows, features); may hold NaN.
            groups: At most so many for each feature; at least 4 and at most 32 are made.
        """
        rows, columns = background.shape
        wanted = min(max(groups, FEWEST_STEPS), MOST_STEPS)
        middles = ((np.arange(wanted) + 0.5) * rows / wanted).astype(int)
        codes, values = np.empty((rows, columns), np.int32), list[Floats]()
        for column in range(columns):
            order = np.argsort(background[:, column], kind="stable")
            own, number = np.unique(background[order[middles], column], return_inverse=True)
            codes[order, column] = number[np.arange(rows) * wanted // rows] + sum(map(len, values))
            values.append(own)
        owners = np.repeat(np.arange(columns), [len(own) for own in values])
        return cls(np.concatenate(values), owners, codes)

    def add(self, effects: Array, kept: Mask, drawn: NDArray[np.int64]) -> Array:
        """Add up the effects of what is replaced in each row.

        Args:
            effects: Of each group's value, shape (groups, kinds of effects).
            kept: What keeps the case's value, shape (rows, features).
            drawn: The background row whose values replace the rest, shape (rows,).

        Returns:
            Shape (rows, kinds of effects).
        """
        from scipy.sparse import csr_array

        replaced = np.flatnonzero(~kept)
        groups = self.codes[drawn].ravel()[replaced]
        ends = np.concatenate([[0], np.cumsum(kept.shape[1] - count(kept))])
        shape = (len(kept), len(self.values))
        return np.asarray(csr_array((np.ones(len(groups)), groups, ends), shape) @ effects)

    def around(self, row: Floats) -> Floats:
        """Return a row once for each value, which replaces its own, shape (groups, features)."""
        rows = np.tile(row, (len(self.values), 1))
        rows[np.arange(len(rows)), self.features] = self.values
        return rows


class QuartileExplainer:
    """Perturbs by lime's default law: a quartile by its frequency, a value within it.

    The law does not know the case, so a run's rows are drawn and predicted once; a case costs one
    prediction and one regression. NaN counts as the background's median.
    """

    def __init__(self, predict: Predict, background: Array, params: ExplainParams) -> None:
        from lime.discretize import QuartileDiscretizer

        self._predict, self._params = predict, params
        self._medians = medians(background)
        filled = imputed(background, self._medians)
        names = [str(i) for i in range(filled.shape[1])]
        self._bins = QuartileDiscretizer(filled, [], names, random_state=params.seed)
        self._binned = self._bins.discretize(filled)
        self._pools: dict[int, Pool] = {}

    def pool(self, run: int) -> "Pool":
        """Return a run's rows, predicted."""
        if run not in self._pools:
            seed = self._params.seed if not run else seed_of("pool", self._params.seed, run)
            rng = np.random.default_rng(seed)
            # drawing a bin by its frequency is drawing the bin of a random row, column by column
            shape = (self._params.samples, self._binned.shape[1])
            rows = rng.integers(0, len(self._binned), shape)
            binned = self._binned[rows, np.arange(shape[1])]
            # within its bins lime draws by a generator of its own
            self._bins.random_state = np.random.RandomState(seed % 2**32)
            self._pools[run] = Pool(seed, binned, self._predict(self._bins.undiscretize(binned)))
        return self._pools[run]

    def explain(self, row: Array, case: str, run: int = 0) -> Explanation:
        """Explain one case; see ``Explainer``. The seed is the pool's, whatever the case."""
        bins, pool = self._bins.discretize(imputed(row, self._medians)), self.pool(run)
        same, predicted = pool.binned == bins, pool.predicted.copy()
        same[0], predicted[0] = True, self._predict(row[None, :])[0]
        surrogate = fit_surrogate(same, predicted, pool.seed, self._params.features)
        parts = tuple(_bounded(self._bins, p, int(bins[p.feature])) for p in surrogate.parts)
        return replace(surrogate, parts=parts)


class Pool(NamedTuple):
    """Perturbed rows that serve every case: their seed, their bins, shape (samples, features)."""

    seed: int
    binned: Array
    predicted: Array


class LimeExplainer:
    """Lime itself, in its default mode: perturbs by its law of quartiles, afresh for each case.

    NaN counts as the background's median.
    """

    def __init__(self, predict: Predict, background: Array, params: ExplainParams) -> None:
        from lime.lime_tabular import LimeTabularExplainer

        self._predict, self._params = predict, params
        self._medians = medians(background)
        filled = imputed(background, self._medians)
        self._binary = is_binary(filled)
        self._lime = LimeTabularExplainer(
            filled,
            mode="regression",
            # lime's own choice at six features or fewer is forward selection: six times slower
            feature_selection="highest_weights",
            random_state=params.seed,
            **self._more(),
        )

    def _more(self) -> dict[str, Any]:
        return {}

    def explain(self, row: Array, case: str, run: int = 0) -> Explanation:
        """Explain one case; see ``Explainer``."""
        seed = seed_of(case, self._params.seed, run)
        # lime draws on from where the last case left off: start afresh for each
        random = np.random.RandomState(seed)
        self._lime.random_state = self._lime.base.random_state = random
        if self._lime.discretizer:
            self._lime.discretizer.random_state = random
        filled = imputed(row, self._medians)
        surrogate = self._lime.explain_instance(
            filled,
            self._predict,
            num_features=self._params.features,
            num_samples=self._params.samples,
        )
        prediction = float(self._predict(row[None, :])[0])
        parts = tuple(self._part(int(i), float(w), filled) for i, w in surrogate.local_exp[1])
        local = float(surrogate.local_pred[0])
        return Explanation(prediction, local, float(surrogate.score), seed, parts)

    def _part(self, feature: int, weight: float, row: Array) -> Part:
        bins = self._lime.discretizer
        return _bounded(bins, Part(feature, weight), int(bins.discretize(row)[feature]))


class AroundExplainer(LimeExplainer):
    """Lime's ``sample_around_instance``: perturbs by normal noise around the case.

    A weight is a slope, for one standard deviation.
    """

    def _more(self) -> dict[str, Any]:
        binary = [int(i) for i in np.flatnonzero(self._binary)]
        return {
            "categorical_features": binary,
            "discretize_continuous": False,
            "sample_around_instance": True,
        }

    def _part(self, feature: int, weight: float, row: Array) -> Part:
        scale = None if self._binary[feature] else float(self._lime.scaler.scale_[feature])
        return Part(feature, weight, scale=scale)


def _bounded(bins: Any, part: Part, number: int) -> Part:
    """Return a part with the ends of the bin that the case's value is in."""
    last = len(bins.maxs[part.feature]) - 1
    low = None if number == 0 else float(bins.mins[part.feature][number])
    high = None if number == last else float(bins.maxs[part.feature][number])
    return Part(part.feature, part.weight, low, high)


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
    from vouch.usecases.fraud.models import narrow

    return lambda rows: fitted.score_matrix(narrow(rows))
