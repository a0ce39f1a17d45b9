"""The stage ``explain`` for texts: which words made the model sure, wrong, or unsure."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vouch.core.files import write_json
from vouch.core.progress import Progress, silent
from vouch.explain.reasons import Reasons
from vouch.text.judge import SCORES, chosen
from vouch.text.lime import Predict, Told
from vouch.text.lime import explain as tell
from vouch.text.models import CLASSES, load
from vouch.text.params import TextExplainParams

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("text", pa.string()),
        ("predicted", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("out_of_fold", pa.float64()),
        ("local_prediction", pa.float64()),
        ("r2", pa.float64()),
        ("gap", pa.float64()),
        ("poor", pa.bool_()),
        ("seed", pa.int64()),
        ("token", pa.string()),
        ("start", pa.int64()),
        ("weight", pa.float64()),
        ("rank", pa.int32()),
    ]
)


class Case(NamedTuple):
    """A text to explain.

    Attributes:
        id: The row's id.
        kind: Why it was chosen: ``surest_<class>``, ``mistake`` or ``least_certain``.
        text: The text.
        label: Its label's class, or None.
        out_of_fold: How sure a model was that had not seen it, 0 to 1.
    """

    id: str
    kind: str
    text: str
    label: str | None
    out_of_fold: float


def explain(
    *,
    declaration: Path,
    train: Path,
    extracted: Path,
    predictions: Path,
    model: Path,
    explanations: Path,
    summary: Path,
    params: TextExplainParams,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Explain the surest texts of each class, the surest mistakes and the least certain texts.

    Cases are chosen by a model that had not seen them; what is explained is the final model.

    Args:
        declaration: The source; part of the stage's interface.
        train: The training part; likewise, the texts stand beside the predictions.
        extracted: Likewise.
        predictions: Out-of-fold scores with their texts.
        model: The model's folder.
        explanations: Written: a row for each case and token, in the order of kinds, heaviest
            first; ``score`` is the model's probability of the class it chooses, ``gap`` its
            distance from ``local_prediction``, ``token`` null where the text has none.
        summary: Written: counts, and how well the explanations follow the model.
        params: Which cases, how, and what counts as poor.
        progress: Told after each case.

    Returns:
        What ``summary`` holds.

    Raises:
        VouchError: The files do not belong together.
    """
    predict = _predict_with(load(model))
    cases = list(choose(pd.read_parquet(predictions), params.cases))
    told = []
    for done, case in enumerate(cases):
        progress(done, len(cases), f"explaining {case.id}")
        told.append(tell(case.text, case.id, predict, params))
    rows = [row for pair in zip(cases, told, strict=True) for row in _rows(*pair, params)]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), explanations)
    result = _summarise(told, params)
    write_json(summary, result)
    return result


def reasons(
    train: Path, extracted: Path, model: Path, ids: Sequence[str], params: TextExplainParams
) -> Iterator[Reasons]:
    """Explain the class the model chooses for each of some texts, by its words.

    Args:
        train: The training part, which has the texts.
        extracted: Part of the interface; words need no description.
        model: The model's folder.
        ids: Which rows.
        params: How texts are explained.

    Yields:
        The reasons of each row, in the order given.
    """
    predict = _predict_with(load(model))
    rows = pd.read_parquet(train, columns=["id", "text"], filters=[("id", "in", list(ids))])
    texts = dict(zip(rows["id"], rows["text"], strict=True))
    for name in ids:
        told = tell(texts[name] or "", name, predict, params)
        yield Reasons(tuple((t.text, t.weight) for t in told.tokens), _poor(told, params))


def _predict_with(fitted: Any) -> Predict:
    return lambda texts: fitted.predict(pd.DataFrame({"text": list(texts)}))


def choose(rows: pd.DataFrame, cases: int) -> Iterator[Case]:
    """Choose the texts to explain; ties go to the smaller id.

    Args:
        rows: Out-of-fold predictions with their texts.
        cases: How many of each kind.
    """
    said = chosen(rows)
    sure = rows[list(SCORES)].to_numpy().max(axis=1)
    known = rows["truth"].notna().to_numpy()
    wrong = known & (rows["truth"].fillna(-1).to_numpy(np.int64) != said)
    table = rows.assign(said=said, sure=sure, wrong=wrong).sort_values("id", kind="stable")
    surest = table.sort_values("sure", ascending=False, kind="stable")
    taken: set[str] = set()
    kinds = [
        (f"surest_{name}", surest[(surest["said"] == number) & ~surest["wrong"]])
        for number, name in enumerate(CLASSES)
    ]
    kinds += [
        ("mistake", surest[surest["wrong"]]),
        ("least_certain", table.sort_values("sure", kind="stable")),
    ]
    for kind, found in kinds:
        fresh = found[~found["id"].isin(taken)].head(cases)
        taken |= set(fresh["id"])
        for row in fresh.itertuples():
            label = None if pd.isna(row.label) else CLASSES[int(row.label)]  # type: ignore[arg-type]
            yield Case(str(row.id), kind, str(row.text or ""), label, float(row.sure))  # type: ignore[arg-type]


def _poor(told: Told, params: TextExplainParams) -> bool:
    found = told.found
    return not (found.r2 >= params.poor_r2 and found.gap <= params.poor_gap)


def _rows(case: Case, told: Told, params: TextExplainParams) -> Iterator[dict[str, Any]]:
    found = told.found
    shared = {
        "id": case.id,
        "kind": case.kind,
        "text": case.text,
        "predicted": CLASSES[told.number],
        "label": case.label,
        "score": found.prediction,
        "out_of_fold": case.out_of_fold,
        "local_prediction": found.local_prediction,
        "r2": found.r2,
        "gap": found.gap,
        "poor": _poor(told, params),
        "seed": found.seed,
    }
    if not told.tokens:
        yield {**shared, "token": None, "start": None, "weight": 0.0, "rank": 1}
    for rank, token in enumerate(told.tokens, start=1):
        named = {"token": token.text, "start": token.start, "weight": token.weight}
        yield {**shared, **named, "rank": rank}


def _summarise(told: list[Told], params: TextExplainParams) -> dict[str, Any]:
    poor = sum(_poor(one, params) for one in told)
    said = [f"{poor} of {len(told)} explanations follow the model poorly"] if poor else []
    return {
        "cases": len(told),
        "poor": poor,
        "samples": params.samples,
        "r2": median(one.found.r2 for one in told) if told else None,
        "gap": median(one.found.gap for one in told) if told else None,
        "warnings": said,
    }
