"""Running the folds: fit on what was known when the assessment starts, then measure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.sources.declaration import Declaration
from vouch.studies.backtest.data import Observations, Reader
from vouch.studies.backtest.protocol import Fold, Measures, assessed_rows, check_folds, measure
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.features.feature import Feature
from vouch.usecases.fraud.models import fit

FEWEST = 2  # classes a model needs to learn


@dataclass(frozen=True)
class Settings:
    """What is fitted in each fold.

    Attributes:
        candidate: The model.
        seeds: One model a seed; their scores are averaged.
        history: Days of training rows before the labels' delay; None means all there are.
        threads: Threads to fit with.
    """

    candidate: Candidate
    seeds: tuple[int, ...]
    history: int | None
    threads: int = 2


# chosen on the four folds of 2018-05-16 to 2018-06-06, whose assessed weeks end before those of
# the folds from 2018-06-20 on begin to be assessed; a payee's number of payments only makes the
# model overfit
DEFAULT = Candidate(
    algorithm="xgboost",
    hyperparameters={
        "n_estimators": 150,
        "learning_rate": 0.1,
        "max_depth": 5,
        "max_bin": 512,
        "min_child_weight": 100,
        "reg_lambda": 100,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
    },
    groups=("amount", "time", "payer_windows", "habits", "risk"),
)
SEEDS = (0, 1, 2)


class FoldResult(Measures):
    """A fold's measures, its start (ISO date), and its counts of rows and frauds by part."""

    start: str
    rows: dict[str, int]
    frauds: dict[str, int]


class Backtest(TypedDict):
    """Each fold's result, the mean measures, and how many rows were left out.

    ``rejected`` could not be read; ``held_out`` are in a holdout in force, so they are neither
    learned from nor assessed.
    """

    folds: list[FoldResult]
    mean: Measures
    rejected: int
    held_out: int


def backtest(
    source: Declaration,
    path: Path,
    folds: Sequence[Fold],
    settings: Settings,
    held_out: Callable[[Path], list[str]] = lambda rows: [],
    progress: Progress = silent,
) -> Backtest:
    """Backtest on a file.

    Args:
        source: The file's declaration.
        path: The rows, of all days the folds need and as many before as there are.
        folds: The folds, in any order.
        settings: What to fit.
        held_out: Returns the ids of rows (Parquet) that are in a holdout, whose labels are left
            out; by default none are.
        progress: Called after each fold.

    Returns:
        ``folds``: for each its start (ISO date), auc, ap, cp100, and how many rows it trained on
        and assessed; ``mean``: auc, ap, cp100.

    Raises:
        VouchError: A file that is not as declared, a fold outside of it, or one without both
            classes.
    """

    def until(first: datetime, last: datetime) -> datetime:
        check_folds(folds, first, last, str(path))
        return max(fold.end for fold in folds)

    progress(0, len(folds) + 1, "computing features")
    observations = Reader(source, path, held_out).read(
        until, lambda features: chosen(features, settings.candidate)
    )
    results = []
    for done, fold in enumerate(folds, start=1):
        progress(done, len(folds) + 1, f"fold {fold.start.date()}")
        results.append(_assess(observations, fold, settings))
    progress(len(folds) + 1, len(folds) + 1, "done")
    mean: Measures = {
        "auc": float(np.mean([result["auc"] for result in results])),
        "ap": float(np.mean([result["ap"] for result in results])),
        "cp100": float(np.mean([result["cp100"] for result in results])),
    }
    return {
        "folds": results,
        "mean": mean,
        "rejected": observations.rejected,
        "held_out": observations.held_out,
    }


def _assess(observations: Observations, fold: Fold, settings: Settings) -> FoldResult:
    train = observations.rows[training_rows(observations.rows, fold, settings.history)]
    assessed = observations.rows[assessed_rows(observations.rows, fold)]
    for name, part in (("training", train), ("assessed", assessed)):
        if part["truth"].nunique() < FEWEST:
            raise VouchError(
                f"fold {fold.start.date()}: its {len(part):,} {name} rows are all of one class",
                "choose another date, or a longer history",
            )
    used = [feature.name for feature in observations.features]
    scores = np.mean(list(_scores(train, assessed, used, settings)), axis=0)
    return {
        "start": fold.start.date().isoformat(),
        **measure(assessed.assign(score=scores)),
        "rows": {"train": len(train), "assessed": len(assessed)},
        "frauds": {"train": int(train["truth"].sum()), "assessed": int(assessed["truth"].sum())},
    }


def _scores(
    train: pd.DataFrame, assessed: pd.DataFrame, features: list[str], settings: Settings
) -> Iterator[NDArray[np.float64]]:
    for seed in settings.seeds:
        model = fit(settings.candidate, train, features, "truth", seed, settings.threads)
        yield model.score(assessed)


def chosen(features: Sequence[Feature], candidate: Candidate) -> list[str]:
    """Return the names of the features a candidate is fitted on.

    The payers' own risk is left out: customers known for a fraud are never assessed, so it helps
    on the training rows only.

    Args:
        features: All there are.
        candidate: Its groups count, all of them if it names none.
    """
    return [
        feature.name
        for feature in features
        if (not candidate.groups or feature.group in candidate.groups)
        and not (feature.group == "risk" and feature.name.startswith("payer_"))
    ]


def training_rows(rows: pd.DataFrame, fold: Fold, history: int | None) -> NDArray[np.bool_]:
    """Choose the rows whose truth was known when the assessment starts.

    Args:
        rows: ``time`` and ``truth_known_at``.
        fold: The fold.
        history: Only rows of so many days before the end of the published training days.

    Returns:
        A mask over the rows.
    """
    labelled = (rows["truth_known_at"] <= fold.assessed) & (rows["time"] < fold.assessed)
    if history is not None:
        labelled &= rows["time"] >= fold.trained - timedelta(days=history)
    return labelled.to_numpy()
