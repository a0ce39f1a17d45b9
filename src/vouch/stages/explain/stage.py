"""The stage ``explain``: explanations of chosen cases, as data."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vouch.core.progress import Progress, silent
from vouch.core.settings import Params
from vouch.models.agreement import LIME, TREESHAP
from vouch.models.submodular import pick
from vouch.results.explain import ExplainedCase, Explanations, Picks, Reason
from vouch.sources.declaration import load_declaration
from vouch.usecases import find
from vouch.usecases.contract import Case, Explained, Explainer

IMPORTANT = 20
"""Features whose importance over the model is told."""


def explain(
    *,
    declaration: Path,
    train: Path,
    extracted: Path,
    predictions: Path,
    model: Path,
    explanations: Path,
    summary: Path,
    params: Params,
    progress: Progress = silent,
) -> Explanations:
    """Explain out-of-fold cases: the surest, the worst, the least certain, and a few that cover it.

    Cases are chosen by the score of a model that had not seen them; what is explained is the final
    model, the one that will be used.

    Args:
        declaration: The source; says which use case.
        train: The training part, whose rows are explained and perturbed.
        extracted: What the features mean.
        predictions: Out-of-fold scores.
        model: The model's folder.
        explanations: Written: a row for each case and part of its explanation, the heaviest first;
            ``score`` is the model's probability, ``gap`` its distance from ``local_prediction``.
        summary: Written: counts, and how well the explanations follow the model.
        params: Which cases, how, and what counts as poor.
        progress: Called after each case.

    Returns:
        What it wrote to ``summary``.

    Raises:
        VouchError: The files do not belong together.
    """
    usecase = find(load_declaration(declaration).usecase)
    explainer = usecase.explainer(train, extracted, model, params)
    cases, picks, picked = explainer.cases(predictions), None, list[Case]()
    if explainer.picks:
        progress(0, 1, "looking for cases that cover the model")
        picks, picked = _picked(explainer, predictions)
    lines, records = list[dict[str, Any]](), list[ExplainedCase]()
    covers = [None] * len(cases) + [each["covers"] for each in (picks["cases"] if picks else ())]
    for done, (case, share) in enumerate(zip([*cases, *picked], covers, strict=True)):
        progress(done, len(covers), f"explaining {case.id}")
        explained = explainer.explain(case)
        own = [line | {"covers": share} for line in explainer.lines(explained)]
        lines += own
        records.append(_record(explained, own, explainer.what))
    pq.write_table(pa.Table.from_pylist(lines, explainer.schema), explanations)
    result = _summarise(records[: len(cases)], explainer)
    result = result.model_copy(update={"picks": picks, "explained": records})
    result.write(summary)
    return result


def _picked(explainer: Explainer, predictions: Path) -> tuple[Picks, list[Case]]:
    """Pick cases that together cover the model."""
    candidates = explainer.candidates(predictions)
    weights, names = explainer.weights(candidates)
    picked = pick(weights, explainer.picks)
    chosen = [candidates[number] for number in picked.cases]
    heaviest = np.argsort(-picked.importance, kind="stable")[:IMPORTANT]
    shares = zip(chosen, picked.covered, strict=True)
    return {
        "candidates": len(candidates),
        "cases": [{"id": case.id, "covers": covered} for case, covered in shares],
        "importance": [
            {"feature": names[i], "importance": float(picked.importance[i])} for i in heaviest
        ],
    }, chosen


def _record(explained: Explained, lines: Sequence[dict[str, Any]], what: str) -> ExplainedCase:
    by_method: dict[str, list[Reason]] = {LIME: [], TREESHAP: []}
    for line in lines:
        if line[what] is not None:
            by_method[line["method"]].append({"what": line[what], "weight": line["weight"]})
    shown = {name: lines[0][name] for name in ExplainedCase.__annotations__ if name in lines[0]}
    return cast(
        ExplainedCase,
        shown
        | {
            "data": explained.data,
            "lime": by_method[LIME],
            "treeshap": None if lines[0]["margin"] is None else by_method[TREESHAP],
        },
    )


def _summarise(records: list[ExplainedCase], explainer: Explainer) -> Explanations:
    count = len(records)
    poor, unstable, disagree = (
        sum(case[mark] for case in records) for mark in ("poor", "unstable", "disagree")
    )
    warnings = {
        f"only {count} cases to explain, {explainer.wanted} were asked for": (
            count < explainer.wanted
        ),
        f"{poor} of {count} explanations follow the model poorly": poor,
        f"{unstable} of {count} explanations change from run to run": unstable,
        f"of {disagree} of {count} cases LIME and TreeSHAP tell other reasons": disagree,
    }
    return Explanations(
        cases=count,
        poor=poor,
        unstable=unstable,
        disagree=disagree,
        **explainer.settings,
        r2=_median(case["r2"] for case in records),
        gap=_median(case["gap"] for case in records),
        stability=_median(case["stability"] for case in records),
        agreement=_median(case["agreement"] for case in records),
        warnings=[sentence for sentence, holds in warnings.items() if holds],
        explained=records,
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
