"""Explanations of texts: which words made the model sure, wrong, or unsure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from vouch.models.agreement import TREESHAP, Trust, heaviest
from vouch.models.predictions import probabilities
from vouch.models.surrogate import Explanation, Reasons
from vouch.results.explain import Settings
from vouch.usecases.reasons import COLUMNS, COVERING, matrix, shared
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.judge import chosen
from vouch.usecases.sentiment.lime import Floats, Predict, TextExplanation, is_exact
from vouch.usecases.sentiment.lime import explain as explain_text
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.params import TextExplainParams
from vouch.usecases.sentiment.shapley import TextShapley, TextTrees

SCHEMA = pa.schema(
    [
        *COLUMNS,
        ("text", pa.string()),
        ("exact", pa.int64()),  # the most tokens that leave nothing to chance, if any
        ("predicted", pa.string()),
        ("label", pa.string()),
        ("token", pa.string()),
        ("start", pa.int64()),
    ]
)


REMEMBERED = 20_000
"""Texts whose probabilities are kept, a few megabytes."""
COARSE = 1 / 3
"""Share of the perturbed texts by which a text is picked, where each is dear."""


class Case(NamedTuple):
    """A text to explain.

    Attributes:
        id: The row's id.
        kind: Why it was chosen: ``surest_<class>``, ``mistake``, ``least_certain`` or ``covering``.
        text: The text.
        label: Its label's class, or None.
        out_of_fold: How sure a model was that had not seen it, 0 to 1.
    """

    id: str
    kind: str
    text: str
    label: str | None
    out_of_fold: float


class Explained(NamedTuple):
    """A text and its explanations."""

    case: Case
    explanation: TextExplanation
    trust: Trust
    shapley: TextShapley | None

    @property
    def surrogate(self) -> Explanation:
        """The linear surrogate and how far it can be trusted."""
        return self.explanation.surrogate

    @property
    def data(self) -> dict[str, Any]:
        """The text."""
        return {"text": self.case.text}


class TextExplainer:
    """Explains the surest texts of each class, the surest mistakes and the least certain texts.

    See :class:`vouch.usecases.contract.Explainer`.
    """

    schema, what = SCHEMA, "token"
    wanted = 0  # there may be fewer mistakes than cases asked for

    def __init__(self, train: Path, model: Path, params: TextExplainParams) -> None:
        """Read the model.

        Args:
            train: The training part, which has the texts.
            model: The model's folder.
            params: Which cases, how, and what counts as poor.
        """
        fitted = load(model)
        embeds = bool(getattr(fitted, "encoders", None))
        self._train, self._params = train, params.embedded() if embeds else params
        self._coarse = params.embedded(COARSE) if embeds else params
        predict = _predict_with(fitted)
        self._names, self._predict = fitted.names, Remembered(predict) if embeds else predict
        self._trees = TextTrees.of(fitted)

    @property
    def settings(self) -> Settings:
        """How texts are perturbed, and how many an explanation is fitted on."""
        p = self._params
        return {"mode": p.mode, "samples": p.samples, "runs": p.runs}

    def cases(self, predictions: Path) -> list[Case]:
        """Choose the surest of each class, the surest mistakes and the least certain."""
        return list(choose(pd.read_parquet(predictions), self._params.cases, self._names))

    @property
    def picks(self) -> int:
        """How many texts shall cover the model."""
        return self._params.picks

    def candidates(self, predictions: Path) -> list[Case]:
        """Draw texts by their ids' hash."""
        rows = pd.read_parquet(predictions)
        order = np.argsort(pd.util.hash_array(rows["id"].to_numpy(object)), kind="stable")
        drawn = rows.iloc[order[: self._params.picked_from]].sort_values("id")
        return list(_as_cases(drawn, COVERING, probabilities(drawn).max(axis=1), self._names))

    def weights(self, cases: Sequence[Case]) -> tuple[Floats, list[str]]:
        """Explain each once by LIME; what speaks for which class is told apart."""
        explained = [explain_text(c.text, c.id, self._predict, self._coarse) for c in cases]
        return matrix(
            [
                [(f"{t.text.lower()} ({self._names[each.number]})", t.weight) for t in each.tokens]
                for each in explained
            ]
        )

    def explain(self, case: Case) -> Explained:
        """Explain the class the model chooses."""
        runs = self._runs(case.text, case.id)
        first, surrogates = runs[0], [run.surrogate for run in runs]
        if self._trees is None or not (shapley := self._trees.explain(case.text, first.number)):
            return Explained(case, first, self._params.trust(surrogates), None)
        named = self._trees.words(first.tokens)
        trust = self._params.trust(surrogates, shapley.words, named)
        return Explained(case, first, trust, shapley)

    def _runs(self, text: str, case: str) -> list[TextExplanation]:
        runs = 1 if is_exact(text, self._params) else self._params.runs
        return [explain_text(text, case, self._predict, self._params, run) for run in range(runs)]

    def lines(self, explained: Explained) -> Iterator[dict[str, Any]]:
        """Yield a row a token and method; ``token`` is null where the text has none."""
        case, explanation, trust, shapley = explained
        margin = None if shapley is None else shapley.contributions.whole
        about = {
            **shared(case, explanation.surrogate, trust, self._params.mode, margin),
            "text": case.text,
            "exact": self._params.exact if self._params.mode == "distinct" else None,
            "predicted": self._names[explanation.number],
            "label": case.label,
        }
        if not explanation.tokens:
            yield {**about, "token": None, "start": None, "weight": 0.0, "rank": 1}
        for rank, token in enumerate(explanation.tokens, start=1):
            named = {"token": token.text, "start": token.start, "weight": token.weight}
            yield {**about, **named, "rank": rank}
        heavy = heaviest(shapley.parts, self._params.features) if shapley else []
        for rank, (name, weight) in enumerate(heavy, start=1):
            told = {"token": name, "start": None, "weight": weight, "method": TREESHAP}
            yield {**about, **told, "rank": rank}

    def reasons(self, ids: Sequence[str]) -> Iterator[Reasons]:
        """Yield the words that speak for and against the class the model chooses."""
        chosen = [("id", "in", list(ids))]
        rows = pd.read_parquet(self._train, columns=["id", "text"], filters=chosen)
        texts = dict(zip(rows["id"], rows["text"], strict=True))
        for name in ids:
            runs = self._runs(texts[name] or "", name)
            parts = tuple((token.text, token.weight) for token in runs[0].tokens)
            trust = self._params.trust([run.surrogate for run in runs])
            yield Reasons(parts, trust.poor, trust.stability, trust.unstable)


def _predict_with(fitted: Any) -> Predict:
    return lambda texts: fitted.predict(pd.DataFrame({"text": list(texts)}))


class Remembered:
    """A dear model, asked about a text once: cases and runs leave out the same.

    The ``most`` texts last asked about are remembered.
    """

    def __init__(self, predict: Predict, most: int = REMEMBERED) -> None:
        self._predict, self._most, self._kept = predict, most, dict[str, Floats]()

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Return the probabilities of texts, shape (texts, classes)."""
        distinct = dict.fromkeys(texts)
        rows = {text: self._kept.pop(text) for text in distinct if text in self._kept}
        if fresh := [text for text in distinct if text not in rows]:
            rows |= zip(fresh, self._predict(fresh), strict=True)
        self._kept |= rows  # at the end: the oldest come first
        for text in [*islice(self._kept, max(len(self._kept) - self._most, 0))]:
            del self._kept[text]
        return np.stack([rows[text] for text in texts])


def choose(rows: pd.DataFrame, cases: int, names: Sequence[str] = CLASSES) -> Iterator[Case]:
    """Choose the texts to explain; ties go to the smaller id.

    Args:
        rows: Out-of-fold predictions with their texts.
        cases: How many of each kind.
        names: What the classes are called, class 0 first.
    """
    predicted = chosen(rows)
    sure = probabilities(rows).max(axis=1)
    labelled = rows["truth"].notna().to_numpy()
    wrong = labelled & (rows["truth"].fillna(-1).to_numpy(np.int64) != predicted)
    table = rows.assign(predicted=predicted, sure=sure, wrong=wrong)
    table = table.sort_values("id", kind="stable")
    surest = table.sort_values("sure", ascending=False, kind="stable")
    explained: set[str] = set()
    kinds = [
        (f"surest_{name}", surest[(surest["predicted"] == number) & ~surest["wrong"]])
        for number, name in enumerate(names)
    ]
    kinds += [
        ("mistake", surest[surest["wrong"]]),
        ("least_certain", table.sort_values("sure", kind="stable")),
    ]
    for kind, candidates in kinds:
        fresh = candidates[~candidates["id"].isin(explained)].head(cases)
        explained |= set(fresh["id"])
        yield from _as_cases(fresh, kind, fresh["sure"], names)


def _as_cases(
    rows: pd.DataFrame, kind: str, sure: Iterable[float], names: Sequence[str]
) -> Iterator[Case]:
    for name, text, label, likely in zip(
        rows["id"], rows["text"], rows["label"], sure, strict=True
    ):
        known = None if pd.isna(label) else names[int(label)]
        yield Case(str(name), kind, str(text or ""), known, float(likely))
