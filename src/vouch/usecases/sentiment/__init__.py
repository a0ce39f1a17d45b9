"""Sentiment: texts, a lexicon to begin with, labels that come with them or from people."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.usecases.contract import UseCase

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from ibis import Table
    from numpy.typing import NDArray

    from vouch.metrics.figures import Figure
    from vouch.metrics.weighted import Floats
    from vouch.results.context import Context
    from vouch.results.extract import Computed, Extracted
    from vouch.results.report import Results
    from vouch.sources.declaration import Declaration
    from vouch.usecases.contract import Model, Slice
    from vouch.usecases.job import Job
    from vouch.usecases.params import EvaluateParams, ReportParams, SplitParams
    from vouch.usecases.sentiment.evaluate import TextCandidate
    from vouch.usecases.sentiment.explain import TextExplainer
    from vouch.usecases.sentiment.params import TextExplainParams, TextTuneParams
    from vouch.usecases.sentiment.spark.tune import SparkSearchData
    from vouch.usecases.sentiment.tune import SearchData


@dataclass(frozen=True)
class Sentiment(UseCase):
    """Chooses a text's likeliest class."""

    @property
    def unlabelled(self) -> tuple[str, str]:
        return (
            "neither a column with the role 'label' nor a rule: nothing labels the texts",
            "declare the label column, or rule: {name: vader, lexicon: vader}",
        )

    def check_rule(self, declaration: "Declaration", path: Path) -> None:
        from vouch.usecases.classes import class_names

        if declaration.rule and declaration.rule.where:
            raise VouchError(
                f"{path}: rule: a condition (where) is for rows of numbers, but these are texts",
                "give the rule a lexicon: {name: vader, lexicon: vader, threshold: 0.05}",
            )
        if missing := sorted({*self.classes} - {*class_names(declaration)}):
            raise VouchError(
                f"{path}: rule: the lexicon says {', '.join(self.classes)}, but no class of the "
                f"label is called {missing[0]!r}",
                "leave the rule out, or map the label's values to these names",
            )

    def with_parties(self, rows: "Table") -> "Table":
        from vouch.usecases.sentiment.likeness import near_key

        every = rows.alias("arrived")
        return every.sql(f"SELECT *, {near_key('text')} AS twin FROM arrived", dialect="duckdb")

    def commands(self) -> Mapping[str, Callable[..., None]]:
        from vouch.usecases.sentiment.commands import tweets

        return {"simulate tweets": tweets}

    def expectations(self, declaration: "Declaration") -> list[dict[str, Any]]:
        from vouch.usecases.sentiment.suite import texts

        return texts(declaration)

    def rule(self, rows: "Table", source: "Declaration") -> "Table":
        from vouch.usecases.classes import class_names
        from vouch.usecases.sentiment.vader import apply

        assert source.rule is not None
        numbers = [class_names(source).index(name) for name in self.classes]
        return apply(rows, source.rule, numbers)

    def extract_params(self) -> "type[SplitParams]":
        from vouch.usecases.params import SplitParams

        return SplitParams

    def extract(self, job: "Job", path: Path) -> "Computed":
        from vouch.usecases.sentiment.extract import labelled

        return labelled(job, path)

    def tune_params(self) -> "type[TextTuneParams]":
        from vouch.usecases.sentiment.params import TextTuneParams

        return TextTuneParams

    def search_data(
        self,
        train: Path,
        extracted: Path,
        params: "TextTuneParams",
        state: Path,
        encoders: Sequence[str] = (),
        progress: Progress = silent,
    ) -> AbstractContextManager["SearchData | SparkSearchData"]:
        from vouch.usecases.sentiment.tune import search_data

        return search_data(train, extracted, params, state, encoders, progress)

    def load_model(self, folder: Path, state: Path | None = None) -> "Model":
        from vouch.usecases.sentiment.embeddings import KEPT
        from vouch.usecases.sentiment.models import load

        return load(folder, cache=None if state is None else state / KEPT)

    def candidate(
        self,
        declaration: "Declaration",
        extracted: "Extracted",
        rows: "pd.DataFrame",
        model: Path,
        params: "EvaluateParams",
    ) -> "TextCandidate":
        from vouch.usecases.sentiment.evaluate import TextCandidate

        return TextCandidate(declaration, extracted, rows, model, params)

    def deciding(self, rows: "pd.DataFrame", labels: "NDArray[np.int64]") -> "Figure":
        from vouch.metrics.classes import recalls
        from vouch.metrics.intervals import mean
        from vouch.models.predictions import probabilities
        from vouch.usecases.sentiment.folds import alike

        return mean(recalls(labels, probabilities(rows).argmax(axis=1)), alike(rows))

    def sizes(self, rows: "pd.DataFrame", likely: "list[Floats]") -> "Floats":
        import numpy as np

        from vouch.usecases.sentiment.people import sizes

        ruled = rows["rule"].notna().all()
        if not likely and not ruled:
            return np.ones(len(rows))
        return sizes(likely, rows["rule"].to_numpy(np.int64) if ruled else None)

    def explain_params(self) -> "type[TextExplainParams]":
        from vouch.usecases.sentiment.params import TextExplainParams

        return TextExplainParams

    def explainer(
        self, train: Path, extracted: Path, model: Path, params: "TextExplainParams"
    ) -> "TextExplainer":
        from vouch.usecases.sentiment.explain import TextExplainer

        return TextExplainer(train, model, params)

    def context(
        self,
        source: "Declaration",
        silver: Path,
        ids: Sequence[str],
        lag: timedelta = timedelta(0),
    ) -> "Iterator[Context]":
        from vouch.usecases.sentiment.context import contexts

        return contexts(self.rule, source, silver, ids, lag)

    def package(
        self, folder: Path, example: "pd.DataFrame", target: Path, model_id: str, run_id: str
    ) -> None:
        from vouch.usecases.sentiment.packaging import package

        package(folder, example, target, model_id, run_id)

    def report(
        self,
        source: "Declaration",
        paths: Mapping[str, Path],
        results: "Results",
        params: "ReportParams",
    ) -> dict[str, Any]:
        from vouch.usecases.sentiment.report import content

        return content(source, paths, results, params)

    def slices(self, rows: "pd.DataFrame", source: "Declaration") -> Iterator["Slice"]:
        from vouch.usecases.sentiment.slices import of_rows

        return of_rows(rows, source)


USECASE = Sentiment(
    name="sentiment",
    classes=("negative", "neutral", "positive"),
    truth="given",
    roles=("text",),
    raw_features=True,
    open_classes=True,
    embeds=True,
)
