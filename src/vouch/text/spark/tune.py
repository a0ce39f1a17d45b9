"""The stage ``tune`` for texts on Spark: the same files as :mod:`vouch.text.tune`, fewer fits."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouch.core.files import replacing, sha256, write_json
from vouch.core.progress import Progress, silent
from vouch.engine import memory
from vouch.sources.declaration import load_declaration
from vouch.text.params import TextTuneParams
from vouch.text.spark.candidate import SparkCandidate
from vouch.text.spark.models import SparkFitted, fit, save
from vouch.text.spark.session import driver, session
from vouch.text.spark.space import SPACE, STARTS, SparkSpace
from vouch.text.spark.words import export
from vouch.text.tune import (
    METRIC,
    Ground,
    check_classes,
    lay_out,
    summarise,
    write_predictions,
)
from vouch.tune.board import Best, board, leading
from vouch.tune.objective import Outcome
from vouch.tune.params import SearchParams
from vouch.tune.search import Record, Search

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trials:
    """Fits candidates on folds, each only once: what they predict is kept on disk.

    Attributes:
        ground: The rows and the folds assessed.
        folder: Where predictions are kept, by candidate.
    """

    ground: Ground
    folder: Path

    def assess(self, candidate: SparkCandidate) -> Outcome:
        """Measure a candidate out of fold."""
        return self.ground.outcome(self.scores(candidate))

    def measure(self, candidate: SparkCandidate, number: int) -> Best[SparkCandidate]:
        """Measure a candidate with an interval."""
        return self.ground.measured(candidate, number, self.scores(candidate))

    def scores(self, candidate: SparkCandidate) -> list[Floats]:
        """Return what a candidate predicts for each fold's assessed rows."""
        place = self._place(candidate)
        if not place.exists():
            self._fit(candidate, place)
        with np.load(place, allow_pickle=False) as kept:
            return [kept[f"fold_{number}"] for number in range(len(self.ground.folds))]

    def costs(self, candidate: SparkCandidate) -> dict[str, float | None]:
        """Return the seconds of a candidate's fits, and the most memory its driver held, in MB.

        Java gives back little of what it once held: the peak of a later trial is at least what
        earlier ones left. On a cluster the executors' memory is not counted.
        """
        place = self._place(candidate)
        if not place.exists():  # the trial failed
            return {"fit_seconds": None, "peak_mb": None}
        with np.load(place, allow_pickle=False) as kept:
            peak = float(kept["peak_mb"])
            return {
                "fit_seconds": round(float(kept["seconds"]), 3),
                "peak_mb": None if np.isnan(peak) else peak,
            }

    def _place(self, candidate: SparkCandidate) -> Path:
        digest = hashlib.sha256(candidate.model_dump_json().encode()).hexdigest()
        return self.folder / f"{digest[:16]}.npz"

    def _fit(self, candidate: SparkCandidate, place: Path) -> None:
        java = driver()
        if java:
            memory.forget_peak(java)
        frame, seed = self.ground.frame, self.ground.params.seed
        seconds = 0.0
        kept: dict[str, Any] = {}
        for number, fold in enumerate(self.ground.folds):
            began = time.monotonic()
            fitted = fit(candidate, frame.iloc[fold.train], seed)
            seconds += time.monotonic() - began
            kept[f"fold_{number}"] = fitted.predict(frame.iloc[fold.assess])
        peak = memory.peak(java) if java else None
        kept |= {"seconds": seconds, "peak_mb": np.nan if peak is None else peak}
        with replacing(place) as draft, draft.open("wb") as file:
            np.savez(file, **kept)


def tune(
    *,
    declaration: Path,
    train: Path,
    extracted: Path,
    leaderboard: Path,
    predictions: Path,
    model: Path,
    tree: Path,
    params: TextTuneParams,
    state: Path,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Search for the best text model that Spark fits, then fit it on all training rows.

    Interrupted and called again with the same files and parameters, it goes on where it was.

    Args:
        declaration: The source's declaration.
        train: Gold training rows.
        extracted: What extract says of them.
        leaderboard: Written: every trial, JSON; beside what other engines tell, each trial and
            the best of each algorithm have ``fit_seconds`` and ``peak_mb``.
        predictions: Written: out-of-fold probabilities of the best, Parquet; only of the folds
            assessed.
        model: Written: folder of the best model.
        tree: Written: folder of the n-grams that speak most strongly for each class.
        params: Folds, seed and threads; what is particular to Spark under ``spark``.
        state: The project's state folder, which holds the search's journal and MLflow's runs.
        progress: Told after each trial.

    Returns:
        The best candidate's algorithm, macro-recall and interval, and counts.

    Raises:
        VouchError: Spark cannot be started, the rows cannot be learned from, or every trial
            failed.
    """
    from vouch.tune.runs import Runs

    source = load_declaration(declaration)
    check_classes(extracted)
    ground = lay_out(train, params)
    ground = replace(ground, folds=ground.folds[-params.spark.assessed :])
    mark, asked = _fingerprint(train, params), _search_params(params)
    name, told_params = f"{source.usecase}-{source.name}", params.model_dump(mode="json")
    journal = state / "tune" / f"{mark}.journal"
    trials = Trials(ground, state / "tune" / f"{mark}.scores")
    with session(params.threads):
        runs = Runs.open(state, name, mark, told_params, METRIC)
        space = SparkSpace(params.spark.epochs)
        records = Search(journal, asked, space, trials.assess).run(runs.log, progress)
        bests, best = _finals(trials, records, journal)
        fitted = fit(best.candidate, ground.frame, params.seed)
        told = _describe(trials, board(METRIC, asked, records, bests, best), records)
        write_json(leaderboard, {**told, "run_id": runs.parent})
        write_predictions(ground.frame, best.predictions, predictions)
        _write_model(fitted, ground, model, tree, best)
    runs.close({METRIC: best.value})
    return summarise(told, best)


def _search_params(params: TextTuneParams) -> SearchParams:
    return SearchParams(
        budget=params.spark.budget,
        samplers=params.spark.samplers,
        algorithms=params.spark.algorithms,
        folds=params.folds,
        seed=params.seed,
        threads=params.threads,
    )


def _fingerprint(train: Path, params: TextTuneParams) -> str:
    """Return a digest of a search's data, parameters and choices; threads change nothing."""
    asked = params.model_dump_json(include={"spark", "folds", "seed", "by_time"})
    words = ["spark", sha256(train), asked, repr(SPACE), repr(STARTS)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def _finals(
    trials: Trials, records: Sequence[Record[SparkCandidate]], journal: Path
) -> tuple[dict[str, Best[SparkCandidate]], Best[SparkCandidate]]:
    """Measure the best of each algorithm with an interval, and choose the best of them."""
    leaders = leading(records, journal)
    bests = {name: trials.measure(records[at].candidate, at) for name, at in leaders.items()}
    return bests, max(bests.values(), key=lambda one: round(one.value, 6))


def _describe(
    trials: Trials, told: dict[str, Any], records: Sequence[Record[SparkCandidate]]
) -> dict[str, Any]:
    """Add to a leaderboard what trials cost, and what their folds are."""
    costs = [trials.costs(record.candidate) for record in records]
    leaders = told["best_by_algorithm"]
    return told | {
        "engine": "spark",
        "trials": [trial | cost for trial, cost in zip(told["trials"], costs, strict=True)],
        "best_by_algorithm": {
            name: one | costs[one["number"]] | {"seconds": told["trials"][one["number"]]["seconds"]}
            for name, one in leaders.items()
        },
        "folds": trials.ground.describe(),
        "warnings": trials.ground.warnings,
    }


def _write_model(
    fitted: SparkFitted, ground: Ground, model: Path, tree: Path, best: Best[SparkCandidate]
) -> None:
    save(fitted, model)
    texts = ground.frame["text"].fillna("").astype(str)
    export(fitted, texts, tree, {METRIC: best.value, "interval": list(best.interval)})
