"""The stage ``explain``: explanations of chosen cases, as data."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

from vouch.core.progress import Progress, silent
from vouch.core.settings import Params
from vouch.results.explain import Explanations
from vouch.sources.declaration import load_declaration
from vouch.usecases import find
from vouch.usecases.contract import Explained, Explainer


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
    """Explain out-of-fold cases: the surest, the worst, the least certain.

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
    cases = explainer.cases(predictions)
    explained = []
    for done, case in enumerate(cases):
        progress(done, len(cases), f"explaining {case.id}")
        explained.append(explainer.explain(case))
    lines = [line for each in explained for line in explainer.lines(each)]
    pq.write_table(pa.Table.from_pylist(lines, explainer.schema), explanations)
    result = _summarise(explained, explainer)
    result.write(summary)
    return result


def _summarise(explained: Sequence[Explained], explainer: Explainer) -> Explanations:
    poor, count, expected = sum(each.poor for each in explained), len(explained), explainer.wanted
    warnings = []
    if count < expected:
        warnings.append(f"only {count} cases to explain, {expected} were asked for")
    if poor:
        warnings.append(f"{poor} of {count} explanations follow the model poorly")
    return Explanations(
        cases=count,
        poor=poor,
        **explainer.settings,
        r2=median(each.surrogate.r2 for each in explained) if explained else None,
        gap=median(each.surrogate.gap for each in explained) if explained else None,
        warnings=warnings,
    )
