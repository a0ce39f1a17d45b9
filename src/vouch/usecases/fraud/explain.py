"""Explanations of payments: which features speak for a fraud, and which against."""

from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from vouch.models.surrogate import Array, Explanation, Reasons
from vouch.results.explain import Settings
from vouch.results.extract import Extracted, FeatureSummary
from vouch.usecases.fraud.cases import Case, choose, rows_of, sample
from vouch.usecases.fraud.lime import make_explainer, predict_with
from vouch.usecases.fraud.models import Fitted, load
from vouch.usecases.fraud.params import ExplainParams
from vouch.usecases.fraud.vocabulary import Vocabulary

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("score", pa.float64()),
        ("out_of_fold", pa.float64()),
        ("local_prediction", pa.float64()),
        ("r2", pa.float64()),
        ("gap", pa.float64()),
        ("poor", pa.bool_()),
        ("seed", pa.int64()),
        ("mode", pa.string()),
        ("feature", pa.string()),
        ("condition", pa.string()),
        ("weight", pa.float64()),
        ("rank", pa.int32()),
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
    """A case, its features, and its explanation."""

    case: Case
    row: Array
    surrogate: Explanation
    poor: bool


class PaymentExplainer:
    """Explains the riskiest and the least certain payments.

    See :class:`vouch.usecases.contract.Explainer`.
    """

    schema = SCHEMA

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

    @property
    def wanted(self) -> int:
        """How many cases were asked for: as many risky as uncertain ones."""
        return 2 * self._params.cases

    @property
    def settings(self) -> Settings:
        """How rows are perturbed, and how many."""
        return {"mode": self._params.mode, "samples": self._params.samples}

    def cases(self, predictions: Path) -> list[Chosen]:
        """Choose the riskiest and the least certain cases."""
        cases = choose(predictions, self._params)
        rows = rows_of(self._train, [case.id for case in cases], self._features)
        return [Chosen(case, rows[case.id]) for case in cases]

    def explain(self, case: Chosen) -> Explained:
        """Explain the probability of the second class."""
        surrogate = self._explainer.explain(case.row, case.id)
        return Explained(case.case, case.row, surrogate, self._is_poor(surrogate))

    def lines(self, explained: Explained) -> Iterator[dict[str, Any]]:
        """Yield a row a feature; ``value`` is null where it is undefined."""
        case, row, surrogate, poor = explained
        for rank, part in enumerate(surrogate.parts, start=1):
            value = float(row[part.feature])
            yield {
                "id": case.id,
                "kind": case.kind,
                **surrogate.columns(),
                "out_of_fold": case.out_of_fold,
                "poor": poor,
                "mode": self._params.mode,
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
            surrogate, row = self._explainer.explain(rows[name], name), rows[name]
            conditions = [
                (self._words.condition(part, float(row[part.feature])), part.weight)
                for part in surrogate.parts
            ]
            yield Reasons(tuple(conditions), self._is_poor(surrogate))

    def _is_poor(self, surrogate: Explanation) -> bool:
        return surrogate.is_poor(self._params.poor_r2, self._params.poor_gap)


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
