"""The stage ``explain``: explanations of the riskiest and the least certain cases, as data."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vouch.core.files import read_json, write_json
from vouch.core.progress import Progress, silent
from vouch.explain.cases import Case, choose, rows_of, sample
from vouch.explain.params import ExplainParams
from vouch.explain.tabular import Array, Explainer, Explanation, make_explainer, predict_with
from vouch.explain.words import Vocabulary
from vouch.tune.models import Fitted, load

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


@dataclass(frozen=True)
class Told:
    """A case, its features (shape (features,), may hold NaN), and its explanation."""

    case: Case
    row: Array
    explanation: Explanation
    poor: bool


def explain(
    *,
    declaration: Path,
    train: Path,
    extracted: Path,
    predictions: Path,
    model: Path,
    explanations: Path,
    summary: Path,
    params: ExplainParams,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Explain the riskiest and the least certain out-of-fold cases.

    Cases are chosen by the score of a model that had not seen them; what is explained is the final
    model, the one that will be used.

    Args:
        declaration: The source; part of the stage's interface, all it says is in ``extracted``.
        train: The training part, whose rows are explained and perturbed.
        extracted: What the features mean.
        predictions: Out-of-fold scores.
        model: The model's folder.
        explanations: Written: a row for each case and feature, riskiest first, heaviest first;
            ``score`` is the model's probability, ``gap`` its distance from ``local_prediction``,
            ``value`` null where the feature is undefined.
        summary: Written: counts, and how well the explanations follow the model.
        params: Which cases, how, and what counts as poor.
        progress: Told after each case.

    Returns:
        What ``summary`` holds.

    Raises:
        VouchError: The files do not belong together.
    """
    fitted = load(model)
    background = sample(train, params.background, fitted.features)
    words = vocabulary(fitted, read_json(extracted)["features"], background)
    explainer = make_explainer(predict_with(fitted), background, params)
    cases = choose(predictions, params)
    features = rows_of(train, [case.id for case in cases], fitted.features)
    told = []
    for done, case in enumerate(cases):
        progress(done, len(cases), f"explaining {case.id}")
        told.append(_tell(case, features[case.id], explainer, params))
    rows = [line for one in told for line in _lines(one, words, params)]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), explanations)
    result = _summarise(told, params)
    write_json(summary, result)
    return result


def vocabulary(fitted: Fitted, described: list[dict[str, Any]], background: Array) -> Vocabulary:
    """Name a model's features as extract describes them.

    Args:
        fitted: The model.
        described: The ``features`` of ``extract.json``.
        background: Rows a value is compared with, shape (rows, features).
    """
    known = {feature["name"]: feature.get("description") or "" for feature in described}
    descriptions = tuple(known.get(name, "") for name in fitted.features)
    return Vocabulary(fitted.features, descriptions, background)


def _tell(case: Case, row: Array, explainer: Explainer, params: ExplainParams) -> Told:
    found = explainer.explain(row, case.id)
    return Told(case, row, found, is_poor(found, params))


def is_poor(explanation: Explanation, params: ExplainParams) -> bool:
    """Return whether an explanation does not follow the model well enough to be believed."""
    return not (explanation.r2 >= params.poor_r2 and explanation.gap <= params.poor_gap)


def _lines(told: Told, words: Vocabulary, params: ExplainParams) -> Iterator[dict[str, Any]]:
    found = told.explanation
    for rank, part in enumerate(found.parts, start=1):
        value = float(told.row[part.feature])
        yield {
            "id": told.case.id,
            "kind": told.case.kind,
            "score": found.prediction,
            "out_of_fold": told.case.out_of_fold,
            "local_prediction": found.local_prediction,
            "r2": found.r2,
            "gap": found.gap,
            "poor": told.poor,
            "seed": found.seed,
            "mode": params.mode,
            "feature": words.names[part.feature],
            "condition": words.condition(part, value),
            "weight": part.weight,
            "rank": rank,
            "value": None if isnan(value) else value,
        }


def _summarise(told: list[Told], params: ExplainParams) -> dict[str, Any]:
    poor = sum(one.poor for one in told)
    warnings = []
    if len(told) < 2 * params.cases:
        warnings.append(f"only {len(told)} cases to explain, {2 * params.cases} were asked for")
    if poor:
        warnings.append(f"{poor} of {len(told)} explanations follow the model poorly")
    return {
        "cases": len(told),
        "poor": poor,
        "mode": params.mode,
        "samples": params.samples,
        "r2": median(one.explanation.r2 for one in told) if told else None,
        "gap": median(one.explanation.gap for one in told) if told else None,
        "warnings": warnings,
    }
