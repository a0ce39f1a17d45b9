"""The search for a model of texts on Spark: fewer fits, each kept on disk."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import replacing, sha256
from vouch.core.progress import Progress, silent
from vouch.engine import encoders as installed
from vouch.engine import memory
from vouch.models.leaderboard import Best
from vouch.models.params import SearchParams
from vouch.models.proposal import Outcome
from vouch.models.search import Record
from vouch.models.strength import trains
from vouch.results.tune import Costs, Leaderboard
from vouch.usecases.sentiment.embeddings import KEPT
from vouch.usecases.sentiment.features import texts_of
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.rows import METRIC, SearchRows, lay_out
from vouch.usecases.sentiment.spark.candidate import SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder
from vouch.usecases.sentiment.spark.models import fit, save, sound
from vouch.usecases.sentiment.spark.session import driver, session
from vouch.usecases.sentiment.spark.space import SPACE, STARTS, SparkSpace
from vouch.usecases.sentiment.spark.words import export
from vouch.usecases.sentiment.tune import lacking

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trials:
    """Fits candidates on folds, each only once: what they predict is kept on disk.

    Attributes:
        rows: The rows and the folds assessed.
        folder: Where predictions are kept, by candidate.
        encoders: Give the texts' embeddings, by identity.
    """

    rows: SearchRows
    folder: Path
    encoders: Mapping[str, SparkEncoder]

    def assess(self, candidate: SparkCandidate) -> Outcome:
        """Measure a candidate out of fold."""
        return self.rows.outcome(self.scores(candidate))

    def measure(self, candidate: SparkCandidate, number: int) -> Best[SparkCandidate]:
        """Measure a candidate with an interval."""
        return self.rows.measured(candidate, number, self.scores(candidate))

    def scores(self, candidate: SparkCandidate) -> list[Floats]:
        """Return what a candidate predicts for each fold's assessed rows."""
        place = self._place(candidate)
        if not place.exists():
            self._fit(candidate, place)
        with np.load(place, allow_pickle=False) as saved:
            return [saved[f"fold_{number}"] for number in range(len(self.rows.folds))]

    def costs(self, candidate: SparkCandidate) -> Costs:
        """Return the seconds of a candidate's fits, and the most memory its driver held, in MB.

        Java gives back little of what it once held: the peak of a later trial is at least what
        earlier ones left. On a cluster the executors' memory is not counted.
        """
        place = self._place(candidate)
        if not place.exists():  # the trial failed
            return {"fit_seconds": None, "peak_mb": None}
        with np.load(place, allow_pickle=False) as saved:
            peak = float(saved["peak_mb"])
            return {
                "fit_seconds": round(float(saved["seconds"]), 3),
                "peak_mb": None if np.isnan(peak) else peak,
            }

    def _place(self, candidate: SparkCandidate) -> Path:
        digest = hashlib.sha256(candidate.model_dump_json().encode()).hexdigest()
        return self.folder / f"{digest[:16]}.npz"

    def _fit(self, candidate: SparkCandidate, place: Path) -> None:
        java = driver()
        if java:
            memory.forget_peak(java)
        frame, seed, names = self.rows.frame, self.rows.params.seed, self.rows.names
        seconds = 0.0
        arrays: dict[str, Any] = {}
        for number, fold in enumerate(self.rows.folds):
            began = time.monotonic()
            fitted = fit(candidate, frame.iloc[fold.train], seed, names, self.encoders)
            seconds += time.monotonic() - began
            scores = fitted.predict(frame.iloc[fold.assess], self.encoders)
            arrays[f"fold_{number}"] = scores
        peak = memory.peak(java) if java else None
        arrays |= {"seconds": seconds, "peak_mb": np.nan if peak is None else peak}
        with replacing(place) as draft, draft.open("wb") as file:
            np.savez(file, **arrays)


@dataclass(frozen=True)
class SparkSearchData:
    """Texts that a search on Spark uses; see :class:`vouch.models.search_data.SearchData`.

    Attributes:
        trials: The rows, the folds assessed, and what candidates predicted for them.
        search: Budget, samplers and algorithms.
        fingerprint: A digest of data, parameters and choices.
    """

    trials: Trials
    search: SearchParams
    fingerprint: str
    metric: str = METRIC

    @property
    def settings(self) -> dict[str, object]:
        """The parameters as logged to MLflow."""
        return self.trials.rows.params.model_dump(mode="json")

    @property
    def space(self) -> SparkSpace:
        """Learners and their hyperparameters."""
        return SparkSpace(self.trials.rows.params.spark.epochs, tuple(self.trials.encoders))

    def assess(self, candidate: SparkCandidate) -> Outcome:
        """Measure a candidate out of fold."""
        return self.trials.assess(candidate)

    def finals(
        self, records: Sequence[Record[SparkCandidate]], leaders: Mapping[str, int]
    ) -> tuple[dict[str, Best[SparkCandidate]], Best[SparkCandidate]]:
        """Measure the best of each algorithm with an interval, and choose the best of them."""
        bests = {
            name: self.trials.measure(records[number].candidate, number)
            for name, number in leaders.items()
        }
        return bests, max(bests.values(), key=lambda best: round(best.value, 6))

    def describe(
        self, board: Leaderboard, records: Sequence[Record[SparkCandidate]]
    ) -> Leaderboard:
        """Return the leaderboard with what trials cost, the folds and the warnings.

        Each trial and the best of each algorithm have ``fit_seconds`` and ``peak_mb``.
        """
        costs = [self.trials.costs(record.candidate) for record in records]
        took = [
            {**cost, "seconds": trial["seconds"]}
            for trial, cost in zip(board.trials, costs, strict=True)
        ]
        update = {
            "engine": "spark",
            "trials": [trial | cost for trial, cost in zip(board.trials, costs, strict=True)],
            "best_by_algorithm": {
                name: leader if leader["number"] is None else leader | took[leader["number"]]
                for name, leader in board.best_by_algorithm.items()
            },
            "folds": self.trials.rows.describe(),
            "warnings": [
                *self.trials.rows.warnings,
                *lacking(self.trials.encoders),
                *_untried(self.search, records),
            ],
        }
        return board.model_copy(update=update)

    def write_predictions(self, predictions: pd.DataFrame, path: Path) -> None:
        """Write out-of-fold scores of the folds assessed (Parquet)."""
        self.trials.rows.write_predictions(predictions, path)

    def write_model(
        self,
        bests: Mapping[str, Best[SparkCandidate]],
        best: Best[SparkCandidate],
        model: Path,
        picture: Path,
        shown: Callable[[Best[SparkCandidate]], Best[SparkCandidate]],
    ) -> None:
        """Fit the best candidate on all rows; write it, and the n-grams that speak for a class."""
        rows = self.trials.rows
        learned = rows.frame[trains(rows.frame)]
        encoders = self.trials.encoders
        fitted = fit(best.candidate, learned, rows.params.seed, rows.names, encoders)
        save(fitted, model)
        texts = learned["text"].fillna("").astype(str)
        best = shown(best)
        export(fitted, texts, picture, {METRIC: best.value, "interval": list(best.interval)})


@contextmanager
def search_data(
    train: Path,
    params: TextTuneParams,
    state: Path,
    names: tuple[str, ...],
    encoders: Sequence[str] = (),
    progress: Progress = silent,
) -> Iterator[SparkSearchData]:
    """Yield the rows of a search, with Spark at work.

    Args:
        train: Gold training rows.
        params: Folds, seed and threads; what is particular to Spark under ``spark``.
        state: The project's state folder.
        names: What the classes are called, class 0 first.
        encoders: Sentence encoders of the environment, by identity.
        progress: Called as texts are embedded, in texts.

    Raises:
        VouchError: Spark cannot be started or searches none of the learners named, an encoder is
            missing or none that Spark NLP can read, its embeddings cannot be made or kept, or the
            rows cannot be learned from.
    """
    searched(params)
    rows = lay_out(train, params, names=names)
    warnings = [*rows.warnings, *left_out(params)]
    rows = replace(rows, folds=rows.folds[-params.spark.assessed :], warnings=warnings)
    usable = _encoders(params, state, encoders, progress)
    with session(params.threads):
        for encoder in usable.values():
            encoder.check()
        digest = _fingerprint(train, params, usable.values())
        trials = Trials(rows, state / "tune" / f"{digest}.scores", usable)
        if {*searched(params)} - {"naive_bayes"}:  # it alone reads no embeddings
            for encoder in usable.values():
                encoder.keep(sound(texts_of(rows.frame)))
        yield SparkSearchData(trials, _search_params(params), digest)


def _encoders(
    params: TextTuneParams, state: Path, identities: Sequence[str], progress: Progress
) -> dict[str, SparkEncoder]:
    """Return the encoder that parameters name, else those of the environment, by identity."""
    # the preferred alone: each takes a quarter of an hour for 50,000 texts
    places = [params.embeddings] if params.embeddings else map(installed.find, identities[:1])
    cache = state / KEPT
    encoders = [SparkEncoder(place, cache, params.threads, progress) for place in places]
    return {encoder.identity: encoder for encoder in encoders}


def searched(params: TextTuneParams) -> tuple[str, ...]:
    """Return the learners to try on Spark: those of ``spark.algorithms``, fewer where asked.

    Raises:
        VouchError: ``algorithms`` was changed and names none that Spark is asked to try.
    """
    own = params.spark.algorithms
    if params.by_default:
        return own
    if not (kept := tuple(name for name in params.algorithms if name in own)):
        raise VouchError(
            f"tune.sentiment.algorithms: none of {', '.join(params.algorithms)} is searched on "
            f"Spark, only {', '.join(own)}",
            "leave the field out, run without --engine spark, or set "
            "tune.sentiment.spark.algorithms",
        )
    return kept


def left_out(params: TextTuneParams) -> list[str]:
    """Return a warning of the learners that are named but not searched on Spark; none: no line."""
    lacking = {*params.algorithms} - {*params.spark.algorithms}
    if params.by_default or not lacking:
        return []
    return [f"tune.sentiment.algorithms: not searched on Spark: {', '.join(sorted(lacking))}"]


def _untried(search: SearchParams, records: Sequence[Record[SparkCandidate]]) -> list[str]:
    """Return a warning of the learners that no trial reached; none: no line."""
    tried = {record.candidate.algorithm for record in records}
    if not (names := [name for name in search.algorithms if name not in tried]):
        return []
    return [f"tune.sentiment.spark.budget: spent before any trial of {', '.join(names)}"]


def _search_params(params: TextTuneParams) -> SearchParams:
    return SearchParams(
        budget=params.spark.budget,
        samplers=params.spark.samplers,
        algorithms=searched(params),
        folds=params.folds,
        seed=params.seed,
        threads=params.threads,
    )


def _fingerprint(train: Path, params: TextTuneParams, encoders: Iterable[SparkEncoder]) -> str:
    """Return a digest of a search's data, parameters and choices; threads change nothing."""
    makers = [encoder.maker for encoder in encoders]
    settings = params.model_dump_json(include={"spark", "folds", "seed", "by_time"})
    chosen = () if params.by_default else searched(params)
    words = ["spark", *chosen, sha256(train), settings, *makers, repr(SPACE), repr(STARTS)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]
