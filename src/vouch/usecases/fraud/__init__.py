"""Fraud: payments, a rule to begin with, chargebacks that arrive late."""

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
    from vouch.usecases.contract import Slice
    from vouch.usecases.fraud.evaluate import Candidate
    from vouch.usecases.fraud.explain import PaymentExplainer
    from vouch.usecases.fraud.models import Fitted
    from vouch.usecases.fraud.params import ExplainParams, ExtractParams, TuneParams
    from vouch.usecases.fraud.tune import SearchData
    from vouch.usecases.job import Job
    from vouch.usecases.params import EvaluateParams, ReportParams


@dataclass(frozen=True)
class Fraud(UseCase):
    """Ranks payments by the probability of a fraud."""

    @property
    def unlabelled(self) -> tuple[str, str]:
        return (
            "neither a column with the role 'label' nor a rule: nothing labels the rows",
            "declare the label column, or a rule such as {where: amount > 1000}",
        )

    def check_rule(self, declaration: "Declaration", path: Path) -> None:
        if declaration.rule and declaration.rule.lexicon:
            raise VouchError(
                f"{path}: rule: a lexicon reads texts, but these are payments",
                "give the rule a condition, such as {where: amount > 1000}",
            )

    def commands(self) -> Mapping[str, Callable[..., None]]:
        from vouch.usecases.fraud.commands import payments

        return {"simulate payments": payments}

    def rule(self, rows: "Table", source: "Declaration") -> "Table":
        from vouch.labels.condition import apply

        assert source.rule is not None
        return apply(rows, source.rule, source.name)

    def extract_params(self) -> "type[ExtractParams]":
        from vouch.usecases.fraud.params import ExtractParams

        return ExtractParams

    def extract(self, job: "Job", path: Path) -> "Computed":
        from vouch.usecases.fraud.extract import labelled

        return labelled(job, path)

    def related(self, source: "Declaration") -> tuple[str, ...] | None:
        parties = {c.role for c in source.columns.values() if c.history} & {"payer", "payee"}
        return tuple(sorted(parties)) if source.has("time") else None

    def scoring_features(
        self,
        rows: "Table",
        trained: "Declaration",
        issued: "Table | None",
        groups: list[str],
        described: "Extracted",
    ) -> "Table":
        from vouch.usecases.fraud.features.table import features
        from vouch.usecases.fraud.params import GROUPS

        own = [group for group in GROUPS if group in groups]
        return features(rows, trained, issued, own, described.categories)[0]

    def tune_params(self) -> "type[TuneParams]":
        from vouch.usecases.fraud.params import TuneParams

        return TuneParams

    def search_data(
        self,
        train: Path,
        extracted: Path,
        params: "TuneParams",
        state: Path,
        encoders: Sequence[str] = (),
        progress: Progress = silent,
    ) -> AbstractContextManager["SearchData"]:
        from vouch.usecases.fraud.tune import search_data

        return search_data(train, extracted, params, state)

    def load_model(self, folder: Path, state: Path | None = None) -> "Fitted":
        from vouch.usecases.fraud.models import load

        return load(folder)

    def candidate(
        self,
        declaration: "Declaration",
        extracted: "Extracted",
        rows: "pd.DataFrame",
        model: Path,
        params: "EvaluateParams",
    ) -> "Candidate":
        from vouch.usecases.fraud.evaluate import Candidate, positive

        return Candidate(declaration, extracted, positive(rows), model, params)

    def deciding(self, rows: "pd.DataFrame", labels: "NDArray[np.int64]") -> "Figure":
        from vouch.metrics.intervals import bounded
        from vouch.metrics.ranked import measured
        from vouch.models.predictions import probabilities
        from vouch.usecases.fraud.accounts import accounts

        scores = probabilities(rows)[:, 1]
        return bounded(measured("average_precision", labels, scores), accounts(rows))

    def sizes(self, rows: "pd.DataFrame", likely: "list[Floats]") -> "Floats":
        from vouch.usecases.fraud.people import sizes

        return sizes(rows, likely)

    def explain_params(self) -> "type[ExplainParams]":
        from vouch.usecases.fraud.params import ExplainParams

        return ExplainParams

    def explainer(
        self, train: Path, extracted: Path, model: Path, params: "ExplainParams"
    ) -> "PaymentExplainer":
        from vouch.usecases.fraud.explain import PaymentExplainer

        return PaymentExplainer(train, extracted, model, params)

    def context(
        self,
        source: "Declaration",
        silver: Path,
        ids: Sequence[str],
        lag: timedelta = timedelta(0),
    ) -> "Iterator[Context]":
        from vouch.usecases.fraud.context import contexts

        return contexts(self.rule, source, silver, ids, lag)

    def package(
        self, folder: Path, example: "pd.DataFrame", target: Path, model_id: str, run_id: str
    ) -> None:
        from vouch.usecases.fraud.packaging import package

        package(folder, example, target, model_id, run_id)

    def report(
        self,
        source: "Declaration",
        paths: Mapping[str, Path],
        results: "Results",
        params: "ReportParams",
    ) -> dict[str, Any]:
        from vouch.usecases.fraud.report import content

        return content(source, paths, results, params)

    def slices(self, rows: "pd.DataFrame", source: "Declaration") -> Iterator["Slice"]:
        from vouch.usecases.fraud.slices import by_category

        return by_category(rows, source)


USECASE = Fraud(
    name="fraud",
    classes=("genuine", "fraud"),
    truth="chargeback",
    roles=("amount",),
    histories=frozenset(["payer_windows", "payee_windows", "habits", "risk"]),
    of_labels=frozenset(["risk"]),
    rare=True,
)
