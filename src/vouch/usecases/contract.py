"""What a use case is: one frozen object, by which every stage finds what differs.

A use case is a folder of :mod:`vouch.usecases`, or a package of its own that names its object in
the entry-point group ``vouch.usecases``. Methods import what they need when they are called: the
command line knows every use case, and must start at once.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vouch.core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from ibis import Table
    from numpy.typing import NDArray

    from vouch.core.settings import Params
    from vouch.holdout.judge import Judge
    from vouch.metrics.figures import Figure
    from vouch.metrics.weighted import Floats
    from vouch.models.agreement import Trust
    from vouch.models.params import SearchParams
    from vouch.models.search_data import SearchData
    from vouch.models.surrogate import Explanation, Reasons
    from vouch.results.context import Context
    from vouch.results.evaluate import Answer, Kind, OutOfFold, RankingParts, Reference
    from vouch.results.explain import Settings
    from vouch.results.extract import Computed, Extracted
    from vouch.results.report import Results
    from vouch.sources.declaration import Declaration, Role
    from vouch.usecases.job import Job
    from vouch.usecases.params import EvaluateParams, ReportParams, SplitParams

    Slice = tuple[str, str, NDArray[np.bool_]]
    """What rows are cut by, the value, and which rows have it, shape (rows,)."""


class Model(Protocol):
    """A fitted model, as scoring, the keeper and the queue use it."""

    def predict(self, rows: "pd.DataFrame") -> "Floats":
        """Return probabilities, shape (rows, classes).

        Args:
            rows: Its features, a column each.
        """


class Candidate(Protocol):
    """A tuned model that is not evaluated yet, whatever it predicts."""

    @property
    def extracted(self) -> "Extracted":
        """What extract wrote."""

    @property
    def rows(self) -> "pd.DataFrame":
        """Its out-of-fold predictions."""

    @property
    def model(self) -> Path:
        """Its folder."""

    @property
    def params(self) -> "EvaluateParams":
        """Budget, and what counts as few."""

    @property
    def metric(self) -> str:
        """The measure that decides."""

    @property
    def kind(self) -> "Kind":
        """Against what it is judged first: ``truth``, or ``rule`` where no truth is known."""

    @property
    def judge(self) -> "Judge":
        """The judge that measures it on the holdout."""

    def measure(self) -> "OutOfFold":
        """Measure it on the out-of-fold rows: against ``truth`` and ``rule``, and ``the_rule``."""

    def reviewed(self, rows: "pd.DataFrame", weights: "Floats") -> "dict[str, Figure]":
        """Return figures of rows people decided.

        Args:
            rows: Out-of-fold rows with ``decided``, the class.
            weights: How many rows each stands for, above 0, shape (rows,).
        """

    def extras(self) -> "RankingParts":
        """Return what only models that rank rows have."""

    def published(self, measured: "OutOfFold", answer: "Answer | None") -> "list[Reference]":
        """Return reference figures beside ours."""


class Explained(Protocol):
    """An explained case."""

    @property
    def surrogate(self) -> "Explanation":
        """The linear surrogate and how far it can be trusted."""

    @property
    def trust(self) -> "Trust":
        """How far its reasons can be relied on."""

    @property
    def data(self) -> dict[str, Any]:
        """What the model was given, by feature; JSON-able."""


class Case(Protocol):
    """A case to explain."""

    @property
    def id(self) -> str:
        """The row's id."""


class Explainer(Protocol):
    """Explains a model's predictions; each explanation is independent of earlier ones."""

    @property
    def schema(self) -> "pa.Schema":
        """The columns of :meth:`lines`; those of :data:`vouch.usecases.reasons.COLUMNS` first."""

    @property
    def what(self) -> str:
        """The column that says what holds of the case."""

    @property
    def wanted(self) -> int:
        """How many cases were asked for, at most."""

    @property
    def settings(self) -> "Settings":
        """How cases are explained."""

    def cases(self, predictions: Path) -> Sequence[Case]:
        """Choose the cases to explain.

        Args:
            predictions: Out-of-fold predictions.
        """

    @property
    def picks(self) -> int:
        """How many cases shall cover the model, at most."""

    def candidates(self, predictions: Path) -> Sequence[Case]:
        """Choose the cases these are picked from.

        Args:
            predictions: Out-of-fold predictions.
        """

    def weights(self, cases: Sequence[Any]) -> "tuple[Floats, list[str]]":
        """Return what each feature adds in each case, shape (cases, features), and their names."""

    def explain(self, case: Any) -> Explained:
        """Explain one of the cases."""

    def lines(self, explained: Any) -> Iterator[dict[str, Any]]:
        """Yield a row for each of an explanation's parts, the heaviest first, a method at a time.

        A case without any has one row all the same, in which what holds of it is null.
        """

    def reasons(self, ids: Sequence[str]) -> "Iterator[Reasons]":
        """Yield the reasons of training rows, in the order given: what a reviewer is shown."""


@dataclass(frozen=True)
class UseCase(ABC):
    """All that differs between one use case and another.

    Attributes:
        name: Its name, as in ``vouch run NAME``.
        classes: Names of the label's classes, class 0 first.
        open_classes: Whether a source may have other classes than these, 2 to 20, as its label
            column declares; see :mod:`vouch.usecases.classes`.
        truth: The source of labels that a source's own label column is.
        roles: The roles some column must play.
        raw_features: Whether models read a row's own columns and count in them what they need.
            Gold rows are then made in DuckDB, models may learn on Spark, and scoring computes no
            features.
        histories: The groups of features that look at other rows.
        of_labels: The groups of features that look at other rows' labels.
        embeds: Whether its models may use the sentence encoders of the environment.
        rare: Whether the second of two classes is so rare that, where people alone know the truth
            of the holdout, one word for it proves little: others are asked too.
    """

    name: str
    classes: tuple[str, ...]
    truth: str
    roles: "tuple[Role, ...]"
    raw_features: bool = False
    open_classes: bool = False
    histories: frozenset[str] = frozenset()
    of_labels: frozenset[str] = frozenset()
    embeds: bool = False
    rare: bool = False

    @property
    def guideline(self) -> Path | None:
        """The text (Markdown) that tells people how to decide, beside the use case's own code.

        None where there is no ``guideline.md``.
        """
        path = Path(inspect.getfile(type(self))).with_name("guideline.md")
        return path if path.exists() else None

    @property
    @abstractmethod
    def unlabelled(self) -> tuple[str, str]:
        """What is missing where neither a label nor a rule is declared, and what to do."""

    @abstractmethod
    def check_rule(self, declaration: "Declaration", path: Path) -> None:
        """Check that a source's rule can label its rows.

        Args:
            declaration: The source; it has a rule.
            path: Its file, for the message.

        Raises:
            VouchError: It is a rule for other rows.
        """

    def commands(self) -> Mapping[str, Callable[..., None]]:
        """Return its own commands, of one word or of a group's and one; quick to import."""
        return {}

    def expectations(self, declaration: "Declaration") -> list[dict[str, Any]]:
        """Return expectations beside those of the roles; see :mod:`vouch.usecases.suite`."""
        return []

    @abstractmethod
    def rule(self, rows: "Table", source: "Declaration") -> "Table":
        """Add ``flagged`` (int8), the class that a source's rule gives each row.

        Args:
            rows: Silver rows.
            source: The source; it has a rule.
        """

    @abstractmethod
    def extract_params(self) -> "type[SplitParams]":
        """Return the parameters of its extract."""

    @abstractmethod
    def extract(self, job: "Job", path: Path) -> "Computed":
        """Write features and labels of all rows, unsorted (Parquet).

        Returns:
            What extract writes to its summary of it.
        """

    def with_parties(self, rows: "Table") -> "Table":
        """Return rows with the columns that tell which of them belong together.

        ``author``, ``payer`` and ``payee`` are the source's own; ``twin``, where there is one, is
        the same of near-duplicates. What is held out is held out with all that belongs to it.

        Args:
            rows: Rows of bronze, in DuckDB.
        """
        return rows

    def related(self, source: "Declaration") -> tuple[str, ...] | None:
        """Return by which columns the rows that a row's gold depends on are found.

        Args:
            source: The source.

        Returns:
            Columns: beside a row itself and its labels, only rows before it count that have the
            same value in one of them, and labels of those issued by its time. None: any row may
            count, and all are computed again when some are new.
        """
        return None

    def scoring_features(
        self,
        rows: "Table",
        trained: "Declaration",
        issued: "Table | None",
        groups: list[str],
        described: "Extracted",
    ) -> "Table":
        """Compute the features of rows to score, as extract did.

        Args:
            rows: Rows to score, after those that came before them.
            trained: The declaration the model was trained with.
            issued: Label issues, where a group of features needs them.
            groups: The groups of features wanted.
            described: What extract wrote when the model was trained.
        """
        return rows

    @abstractmethod
    def tune_params(self) -> "type[SearchParams]":
        """Return the parameters of its search."""

    @abstractmethod
    def search_data(
        self,
        train: Path,
        extracted: Path,
        params: Any,
        state: Path,
        encoders: Sequence[str] = (),
        progress: Progress = silent,
    ) -> "AbstractContextManager[SearchData[Any]]":
        """Read gold rows for a search.

        Args:
            train: Gold training rows.
            extracted: Extract's summary.
            params: Of the class that :meth:`tune_params` returns.
            state: The project's state folder.
            encoders: Sentence encoders of the environment that models may use, by identity; only
                a use case that ``embeds`` is given any.
            progress: Called during long preparations, in units of their own.

        Raises:
            VouchError: The rows cannot be learned from, or an encoder is not there.
        """

    @abstractmethod
    def load_model(self, folder: Path, state: Path | None = None) -> Model:
        """Read a model as the search wrote it.

        Args:
            folder: The model's.
            state: The project's state folder, where embeddings of the project's rows may be kept;
                None keeps none, as for a file that is scored once.

        Raises:
            VouchError: The folder holds no such model.
        """

    @abstractmethod
    def candidate(
        self,
        declaration: "Declaration",
        extracted: "Extracted",
        rows: "pd.DataFrame",
        model: Path,
        params: "EvaluateParams",
    ) -> Candidate:
        """Return a tuned model with its out-of-fold rows, ready to be judged."""

    @abstractmethod
    def deciding(self, rows: "pd.DataFrame", labels: "NDArray[np.int64]") -> "Figure":
        """Return the measure that decides, of predicted rows; null where it is undefined.

        Args:
            rows: Predictions, a column ``score_0`` and on for each class, and what tells which rows
                belong together.
            labels: Their classes, from 0 on, shape (rows,).
        """

    def sizes(self, rows: "pd.DataFrame", likely: "list[Floats]") -> "Floats":
        """Return what each row's chance is in proportion to that people are asked about it.

        Where people alone know the truth of the holdout, rows are drawn by this: larger where a
        decision tells models apart, above 0 everywhere, shape (rows,).

        Args:
            rows: The holdout, with ``rule``.
            likely: The probabilities of the models to compare, each of shape (rows, classes).
        """
        import numpy as np

        return np.ones(len(rows))

    @abstractmethod
    def explain_params(self) -> "type[Params]":
        """Return the parameters of its explanations."""

    @abstractmethod
    def explainer(self, train: Path, extracted: Path, model: Path, params: Any) -> Explainer:
        """Return what explains a model.

        Args:
            train: The training part.
            extracted: What its features mean.
            model: The model's folder.
            params: Of the class that :meth:`explain_params` returns.
        """

    def context(
        self,
        source: "Declaration",
        silver: Path,
        ids: Sequence[str],
        lag: timedelta = timedelta(0),
    ) -> "Iterator[Context | None]":
        """Yield what each row stands among, for people who decide it; in the order of the ids.

        None where the use case has nothing to tell. All of it was known when the row would have
        been scored: strictly earlier rows, as they were known then; no label, and nothing a model
        thinks.

        Args:
            source: The source.
            silver: Silver rows, every version (Parquet).
            ids: Rows that are in it.
            lag: How long after a row is first known it is scored.
        """
        yield from (None for _ in ids)

    @abstractmethod
    def package(
        self, folder: Path, example: "pd.DataFrame", target: Path, model_id: str, run_id: str
    ) -> None:
        """Write a model as MLflow's, without pickle.

        Args:
            folder: The model as the search wrote it.
            example: A few rows with its features.
            target: Folder to make.
            model_id: MLflow's id of the logged model.
            run_id: MLflow's id of the run it belongs to.
        """

    @abstractmethod
    def report(
        self,
        source: "Declaration",
        paths: Mapping[str, Path],
        results: "Results",
        params: "ReportParams",
    ) -> dict[str, Any]:
        """Gather what the report shows beside the stages' summaries.

        Args:
            source: The source.
            paths: Where ``rows``, ``predictions``, ``tree`` and ``explanations`` are.
            results: What the stages wrote.
            params: How long the page's lists are.

        Returns:
            What the templates read: ``templates``, the folder of its own, and ``headline``.
        """

    @abstractmethod
    def slices(self, rows: "pd.DataFrame", source: "Declaration") -> "Iterator[Slice]":
        """Cut rows into the kinds a model may be better or worse at.

        Args:
            rows: Rows of silver.
            source: The source.
        """
