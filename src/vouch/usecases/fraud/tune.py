"""The search for a model of payments: its rows, measures, predictions and the fitted best."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError, suggest
from vouch.core.files import sha256
from vouch.models.folds import Fold, split
from vouch.models.leaderboard import Best
from vouch.models.predictions import of_positive, score_columns
from vouch.models.proposal import Outcome
from vouch.models.ripeness import CAME, RIPE, RIPENESS, Training, one_sided, tells, unripe
from vouch.models.search import Record
from vouch.models.space import RULE_WEIGHT
from vouch.models.strength import SOURCE, filled, judged, measuring, mixed, trains
from vouch.results.extract import Extracted
from vouch.results.tune import Leaderboard
from vouch.usecases.fraud import tree as trees
from vouch.usecases.fraud.candidate import Algorithm, Candidate
from vouch.usecases.fraud.models import Fitted, fit, save
from vouch.usecases.fraud.objective import TARGET, Objective, out_of_fold, prepare
from vouch.usecases.fraud.params import TuneParams
from vouch.usecases.fraud.space import SPACE, STARTS, Offer

if TYPE_CHECKING:
    import pyarrow as pa

METRIC = "average_precision"
PLAIN = ("id", "time", "amount", "payer", "payee")
KEPT = (*PLAIN, "label_known_at", CAME)
GIVEN = ("label", "rule", "truth")
PREFERRED: tuple[Algorithm, ...] = (
    "decision_tree",
    "logistic_regression",
    "random_forest",
    "xgboost",
)


@dataclass(frozen=True)
class SearchData:
    """Rows of payments that a search uses; see :class:`vouch.models.search_data.SearchData`.

    Attributes:
        table: The training rows' own columns, as they came.
        frame: The training rows with their features.
        folds: Their folds.
        objective: Assesses a candidate on the folds.
        judged: Which of the rows candidates are measured on, shape (rows,).
        warnings: What a reader should know of them.
        fingerprint: A digest of data, features, parameters and choices.
    """

    table: "pa.Table"
    frame: pd.DataFrame
    folds: list[Fold]
    objective: Objective
    judged: NDArray[np.bool_]
    warnings: list[str]
    fingerprint: str
    metric: str = METRIC

    @property
    def search(self) -> TuneParams:
        """Budget, samplers and algorithms."""
        return self.objective.params

    @property
    def settings(self) -> dict[str, object]:
        """The parameters as logged to MLflow."""
        return self.search.model_dump()

    @property
    def space(self) -> Offer:
        """The features there are, and what may be chosen with them."""
        return self.objective.offer

    def assess(self, candidate: Candidate) -> Outcome:
        """Measure a candidate out of fold: average precision, pooled and in each fold."""
        return self.objective(candidate)

    def finals(
        self, records: Sequence[Record[Candidate]], leaders: Mapping[str, int]
    ) -> tuple[dict[str, Best[Candidate]], Best[Candidate]]:
        """Measure the best of each algorithm again, on all rows, with an interval."""
        bests = {
            algorithm: self.measure(records[number].candidate, number)
            for algorithm, number in leaders.items()
        }
        return bests, max(bests.values(), key=_rank)

    def measure(self, candidate: Candidate, number: int | None) -> Best[Candidate]:
        """Measure a candidate on all rows, with an interval.

        Args:
            candidate: The candidate.
            number: Its trial's number; None if no trial tried it.
        """
        from vouch.metrics.ranked import average_precision, ranking_interval
        from vouch.usecases.fraud.accounts import accounts

        predictions = out_of_fold(self.objective, candidate, self.frame, self.folds)
        rows = predictions[self.judged[predictions["row"]]]
        labels, scores = measuring(self.frame)[rows["row"]], rows["score"].to_numpy()
        clusters = accounts(self.frame.iloc[rows["row"]])
        interval = ranking_interval(labels, scores, clusters=clusters)
        value = average_precision(labels, scores)
        return Best(number, candidate, value, interval, predictions)

    def describe(self, board: Leaderboard, records: Sequence[Record[Candidate]]) -> Leaderboard:
        """Return the leaderboard with its folds and warnings."""
        labels, measured = self.frame[TARGET].to_numpy(), measuring(self.frame)
        folds = [fold.describe(labels, measured, self.judged) for fold in self.folds]
        return board.model_copy(update={"folds": folds, "warnings": self.warnings})

    def write_predictions(self, predictions: pd.DataFrame, path: Path) -> None:
        """Write out-of-fold scores beside what is known of their rows (Parquet)."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = self.table.take(predictions["row"].to_numpy())
        scored = rows.select([name for name in PLAIN if name in rows.column_names])
        scored = scored.append_column("fold", pa.array(predictions["fold"].to_numpy(np.int8)))
        likely = of_positive(predictions["score"].to_numpy(np.float64))
        for number, name in enumerate(score_columns(2)):
            scored = scored.append_column(name, pa.array(likely[:, number]))
        for name in GIVEN:
            scored = scored.append_column(name, rows.column(name))
        pq.write_table(scored, path)

    def write_model(
        self,
        bests: Mapping[str, Best[Candidate]],
        best: Best[Candidate],
        model: Path,
        picture: Path,
        shown: Callable[[Best[Candidate]], Best[Candidate]],
    ) -> None:
        """Fit the best candidate on all rows, and export the best decision tree.

        Where no tree was searched for, the default one is exported. See
        :meth:`vouch.models.search_data.SearchData.write_model`.
        """
        save(self.fit(best.candidate), model)
        drawn = bests.get("decision_tree")
        if drawn is None:
            settings = STARTS["decision_tree"]
            candidate = Candidate(
                algorithm="decision_tree",
                hyperparameters=settings,
                spurious=self.space.spurious,
            )
            drawn = self.measure(candidate, None)
        drawn = shown(drawn)
        about = {METRIC: drawn.value, "interval": list(drawn.interval)}
        trees.export(self.fit(drawn.candidate), picture, about)

    def fit(self, candidate: Candidate) -> Fitted:
        """Fit a candidate on all rows that may train."""
        params, columns = self.search, self.space.columns(candidate)
        rows = self.frame[trains(self.frame)]
        return fit(candidate, rows, columns, TARGET, params.seed, params.threads, params.max_rows)


@contextmanager
def search_data(
    train: Path, extracted: Path, params: TuneParams, state: Path
) -> Iterator[SearchData]:
    """Yield the rows of a search; see :meth:`vouch.usecases.contract.UseCase.search_data`."""
    described = Extracted.read(extracted)
    offer = Offer.of(described.features, params.spurious)
    if not offer.features:
        raise VouchError(
            "tune.spurious: no feature is left to learn from",
            "take a mark back: vouch spurious USECASE FEATURE --undo",
        )
    yield lay_out(train, offer, params, _training(described))


def _training(described: Extracted) -> Training:
    """Return until when the labels of training rows are known."""
    as_of, boundary = described.as_of, described.boundary
    start = datetime.fromisoformat(boundary) if boundary else None
    return Training(datetime.fromisoformat(as_of), start)


def lay_out(
    train: Path, offer: Offer, params: TuneParams, training: Training | None = None
) -> SearchData:
    """Read gold rows and lay out their folds.

    Args:
        train: Gold training rows.
        offer: The features to learn from.
        params: Of them folds, rows and seed are used here.
        training: Until when labels are known; None: all count as ripe.

    Raises:
        VouchError: A column is missing, or a class has fewer than two rows.
    """
    import pyarrow.parquet as pq

    columns = pq.read_schema(train).names
    features = [name for name, *_ in offer.features]
    for name in (*features, *GIVEN, "id"):
        if name not in columns:
            raise VouchError(f"{train}: no column {name!r}", suggest(name, columns))
    own = [name for name in (*KEPT, *GIVEN, SOURCE) if name in columns]
    # a feature may be one of the row's own columns too, such as the amount
    table = pq.read_table(train, columns=list(dict.fromkeys([*own, *features])))
    frame = filled(table.to_pandas())
    labels = frame[TARGET][trains(frame)]
    positives = int(labels.sum())
    if min(positives, len(labels) - positives) < 2:
        raise VouchError(
            f"{train}: {positives} of {len(labels)} rows are positive: too few to learn from",
            "give a longer file, or labels in force (label.use) that tell rows apart",
        )
    measured, notes = judged(frame, measuring(frame))
    folds, warnings = split(frame, params.folds, measured)
    shares = None if training is None else training.ripeness(frame)
    boundary = None if training is None else training.boundary
    if shares is not None and not tells(frame, folds, boundary):
        shares = None  # what no fold can tell the search cannot choose
    if shares is not None:
        notes.append(_waiting(frame, shares))
        frame[RIPENESS] = shares
    waiting = shares is not None
    offer = replace(
        offer, mixed=mixed(frame), unripe=waiting, one_sided=waiting and one_sided(frame)
    )
    objective = prepare(frame, folds, offer, params, measured, boundary)
    warnings += notes
    if objective.sampled:
        warnings.append(
            f"trials are measured on about {params.assess_rows:,} rows, the best of each "
            "algorithm again on all"
        )
    digest = _fingerprint(train, offer, params, shares)
    return SearchData(table.select(own), frame, folds, objective, measured, warnings, digest)


def _waiting(frame: pd.DataFrame, shares: NDArray[np.float64]) -> str:
    """Return what to warn of where truth may still come of rows."""
    weigh = ", weigh less" if one_sided(frame) else ""
    late = unripe(shares)
    since = frame["time"][late].min()
    return (
        f"{late.sum():,} rows, the first of {since:%Y-%m-%d %H:%M}, have the rule's label and are "
        f"so recent that less than {RIPE:.0%} of true labels would have come yet: the search "
        f"chooses whether they count as they are{weigh} or are left out"
    )


def _fingerprint(
    train: Path, offer: Offer, params: TuneParams, shares: NDArray[np.float64] | None
) -> str:
    """Return a digest of a search's data, features, parameters and choices, not its threads."""
    settings = params.model_dump_json(exclude={"threads"})
    words = [sha256(train), repr(offer), settings, repr(SPACE), repr(STARTS), repr(RULE_WEIGHT)]
    if shares is not None:  # they depend on until when labels are known
        words.append(hashlib.sha256(shares.tobytes()).hexdigest())
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _rank(best: Best[Candidate]) -> tuple[float, int]:
    """Return the key that sorts candidates; of equal ones an ensemble, which varies less, wins.

    Breiman 1996, Bagging predictors: a single tree is the least stable of the four.
    """
    return round(best.value, 6), PREFERRED.index(best.candidate.algorithm)
