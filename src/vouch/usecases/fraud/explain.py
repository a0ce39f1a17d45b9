"""Explanations of payments: which features speak for a fraud, and which against."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from math import isnan, log
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from vouch.models.agreement import TREESHAP, Trust, Weighed, heaviest
from vouch.models.surrogate import Array, Explanation, Part, Reasons
from vouch.models.treeshap import Contributions, TreeShap, of_trees
from vouch.results.explain import Settings
from vouch.results.extract import Extracted, FeatureSummary
from vouch.usecases.fraud.cases import Case, candidates, choose, rows_of, sample
from vouch.usecases.fraud.lime import make_explainer, predict_with
from vouch.usecases.fraud.models import Fitted, load, narrow
from vouch.usecases.fraud.params import ExplainParams
from vouch.usecases.fraud.vocabulary import Vocabulary
from vouch.usecases.reasons import COLUMNS, matrix, shared

SCHEMA = pa.schema(
    [
        *COLUMNS,
        ("feature", pa.string()),
        ("condition", pa.string()),
        ("value", pa.float64()),
    ]
)


class Chosen(NamedTuple):
    """A case and its features, shape (features,), may hold NaN."""

    case: Case
    row: Array

    @property
    def id(self) -> str:
        """The row's id."""
        return self.case.id


class Explained(NamedTuple):
    """A case, its features, and its explanations."""

    case: Case
    row: Array
    surrogate: Explanation
    trust: Trust
    shapley: Contributions | None
    names: tuple[str, ...]

    @property
    def data(self) -> dict[str, Any]:
        """The features' values; None where undefined."""
        values = (None if isnan(value) else float(value) for value in self.row)
        return dict(zip(self.names, values, strict=True))


class PaymentExplainer:
    """Explains the riskiest and the least certain payments.

    See :class:`vouch.usecases.contract.Explainer`.
    """

    schema, what = SCHEMA, "condition"

    def __init__(self, train: Path, extracted: Path, model: Path, params: ExplainParams) -> None:
        """Read the model and the rows its cases are compared with.

        Args:
            train: The training part, whose rows are explained and perturbed.
            extracted: What the features mean.
            model: The model's folder.
            params: Which cases, how, and what counts as poor.
        """
        self._train, self._params = train, params
        fitted = load(model)
        self._features = fitted.features
        background = sample(train, params.background, self._features)
        self._words = vocabulary(fitted, Extracted.read(extracted).features, background)
        self._explainer = make_explainer(predict_with(fitted), background, params)
        self._fitted = fitted

    @cached_property
    def _trees(self) -> TreeShap | None:
        return tree_shap(self._fitted)

    @property
    def wanted(self) -> int:
        """How many cases were asked for: as many risky as uncertain ones."""
        return 2 * self._params.cases

    @property
    def settings(self) -> Settings:
        """How rows are perturbed, and how many."""
        p = self._params
        return {"mode": p.mode, "samples": p.samples, "runs": p.runs}

    def cases(self, predictions: Path) -> list[Chosen]:
        """Choose the riskiest and the least certain cases."""
        return self._with_rows(choose(predictions, self._params))

    @property
    def picks(self) -> int:
        """How many cases shall cover the model."""
        return self._params.picks

    def candidates(self, predictions: Path) -> list[Chosen]:
        """Draw payments, half of them the likelier the riskier they are."""
        return self._with_rows(candidates(predictions, self._params.picked_from))

    def weights(self, cases: Sequence[Chosen]) -> tuple[Array, list[str]]:
        """Explain each once by LIME."""
        surrogates = [self._explainer.explain(case.row, case.id) for case in cases]
        return matrix(
            [[(self._features[p.feature], p.weight) for p in s.parts] for s in surrogates]
        )

    def _with_rows(self, cases: list[Case]) -> list[Chosen]:
        rows = rows_of(self._train, [case.id for case in cases], self._features)
        return [Chosen(case, rows[case.id]) for case in cases]

    def explain(self, case: Chosen) -> Explained:
        """Explain the probability of the second class."""
        runs = self._runs(case.row, case.id)
        shapley = None if self._trees is None else self._trees.explain(narrow(case.row[None]))
        parts = None if shapley is None else _weighed(shapley)
        trust = self._params.trust(runs, parts)
        return Explained(case.case, case.row, runs[0], trust, shapley, self._features)

    def _runs(self, row: Array, case: str) -> list[Explanation]:
        return [self._explainer.explain(row, case, run) for run in range(self._params.runs)]

    def lines(self, explained: Explained) -> Iterator[dict[str, Any]]:
        """Yield a row a feature and method; ``value`` is null where it is undefined."""
        case, row, surrogate, trust, shapley, _ = explained
        margin = None if shapley is None else shapley.whole
        about = shared(case, surrogate, trust, self._params.mode, margin)
        for rank, part in enumerate(surrogate.parts, start=1):
            yield about | self._line(part, row, rank)
        heavy = heaviest(_weighed(shapley), self._params.features) if shapley else []
        for rank, (feature, weight) in enumerate(heavy, start=1):
            yield about | self._line(Part(feature, weight), row, rank) | {"method": TREESHAP}

    def _line(self, part: Part, row: Array, rank: int) -> dict[str, Any]:
        value = float(row[part.feature])
        return {
            "feature": self._words.names[part.feature],
            "condition": self._words.condition(part, value),
            "weight": part.weight,
            "rank": rank,
            "value": None if isnan(value) else value,
        }

    def reasons(self, ids: Sequence[str]) -> Iterator[Reasons]:
        """Yield the reasons for and against a fraud, in words."""
        rows = rows_of(self._train, list(ids), self._features)
        for name in ids:
            row, runs = rows[name], self._runs(rows[name], name)
            conditions = [
                (self._words.condition(part, float(row[part.feature])), part.weight)
                for part in runs[0].parts
            ]
            trust = self._params.trust(runs)
            yield Reasons(tuple(conditions), trust.poor, trust.stability, trust.unstable)


def _weighed(shapley: Contributions) -> list[Weighed[int]]:
    return [Weighed(feature, float(w)) for feature, w in enumerate(shapley.values[0])]


def tree_shap(fitted: Fitted) -> TreeShap | None:
    """Return what explains a model of trees exactly; None: the model is not of trees.

    The margin is XGBoost's log odds, corrected for rebalancing as ``predict`` is; of a tree or a
    forest it is its own share of votes, before that correction.
    """
    match fitted.candidate.algorithm:
        case "xgboost":
            return TreeShap(fitted.estimator, shift=-log(fitted.inflation))
        case "decision_tree" | "random_forest":
            return of_trees(fitted.estimator, 1)
    return None


def vocabulary(
    fitted: Fitted, described: Iterable[FeatureSummary], background: Array
) -> Vocabulary:
    """Name a model's features as extract describes them.

    Args:
        fitted: The model.
        described: The ``features`` of ``extract.json``.
        background: Rows a value is compared with, shape (rows, features).
    """
    by_name = {feature["name"]: feature.get("description") or "" for feature in described}
    descriptions = tuple(by_name.get(name, "") for name in fitted.features)
    return Vocabulary(fitted.features, descriptions, background)
