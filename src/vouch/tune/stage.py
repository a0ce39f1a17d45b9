"""The stage ``tune``: from gold rows to the best model, and how the others did."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vouch.errors import VouchError, near
from vouch.files import read_json, sha256, write_json
from vouch.progress import Progress, silent
from vouch.sources.declaration import load_declaration
from vouch.tune import tree as trees
from vouch.tune.folds import Fold, split
from vouch.tune.models import Algorithm, Candidate, Fitted, fit, save
from vouch.tune.objective import TARGET, Objective, out_of_fold, prepare
from vouch.tune.params import TuneParams
from vouch.tune.search import Record, Search
from vouch.tune.space import SPACE, STARTS, Offer

if TYPE_CHECKING:
    import pyarrow as pa

KEPT = ("id", "time", "amount", "payer", "label_known_at")
GIVEN = ("label", "rule", "truth")
PREFERRED: tuple[Algorithm, ...] = (
    "decision_tree",
    "logistic_regression",
    "random_forest",
    "xgboost",
)


@dataclass(frozen=True)
class Ground:
    """What a search stands on.

    Attributes:
        table: The training rows' own columns, as they came.
        frame: The training rows with their features.
        folds: Their folds.
        objective: Assesses a candidate on the folds.
        warnings: What a reader should know of them.
    """

    table: "pa.Table"
    frame: pd.DataFrame
    folds: list[Fold]
    objective: Objective
    warnings: list[str]


@dataclass(frozen=True)
class Best:
    """The best candidate of an algorithm, measured on all out-of-fold rows.

    Attributes:
        number: The trial's number in the leaderboard; None if no trial tried it.
        candidate: The candidate.
        average_precision: 0 to 1.
        interval: Its bootstrap interval, 95 %.
        predictions: Columns row, fold and score.
    """

    number: int | None
    candidate: Candidate
    average_precision: float
    interval: tuple[float, float]
    predictions: pd.DataFrame

    def describe(self) -> dict[str, Any]:
        """Give what the leaderboard tells of it."""
        return {
            "number": self.number,
            "candidate": self.candidate.model_dump(),
            "average_precision": self.average_precision,
            "interval": list(self.interval),
        }


def tune(
    *,
    declaration: Path,
    train: Path,
    extracted: Path,
    leaderboard: Path,
    predictions: Path,
    model: Path,
    tree: Path,
    params: TuneParams,
    state: Path,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Search for the best model under a budget, then fit it on all training rows.

    Interrupted and called again with the same files and parameters, it goes on where it was.

    Args:
        declaration: The source's declaration.
        train: Gold training rows.
        extracted: What extract says of them.
        leaderboard: Written: every trial, JSON.
        predictions: Written: out-of-fold predictions of the best, Parquet.
        model: Written: folder of the best model.
        tree: Written: folder of the best decision tree, drawn, as rules and as SQL.
        params: Budget, samplers, algorithms, folds.
        state: The project's state folder, which holds the search's journal and MLflow's runs.
        progress: Told after each trial.

    Returns:
        The best candidate's algorithm, average precision and interval, and counts.

    Raises:
        VouchError: The rows cannot be learned from, or every trial failed.
    """
    from vouch.tune.runs import Runs

    source = load_declaration(declaration)
    ground = lay_out(train, Offer.of(read_json(extracted)), params)
    mark = _fingerprint(train, ground.objective.offer, params)
    runs = Runs.open(state, f"{source.usecase}-{source.name}", mark, params.model_dump())
    journal = state / "tune" / f"{mark}.journal"
    search = Search(journal, params, ground.objective.offer, ground.objective)
    records = search.run(runs.log, progress)
    bests = _bests(ground, records, journal)
    best = max(bests.values(), key=_rank)
    board = _leaderboard(ground, records, bests, best)
    write_json(leaderboard, {**board, "run_id": runs.parent})
    _write_predictions(ground.table, best.predictions, predictions)
    save(_refit(ground, best.candidate), model)
    _write_tree(ground, bests.get("decision_tree"), tree)
    runs.close({"average_precision": best.average_precision})
    return _summary(board, best)


def lay_out(train: Path, offer: Offer, params: TuneParams) -> Ground:
    """Read gold rows and lay out their folds.

    Args:
        train: Gold training rows.
        offer: The features to learn from.
        params: Of them folds, rows and seed are used here.

    Raises:
        VouchError: A column is missing, or a class has fewer than two rows.
    """
    import pyarrow.parquet as pq

    there = pq.read_schema(train).names
    features = [name for name, *_ in offer.features]
    for name in (*features, *GIVEN, "id"):
        if name not in there:
            raise VouchError(f"{train}: no column {name!r}", near(name, there))
    own = [name for name in (*KEPT, *GIVEN) if name in there]
    # a feature may be one of the row's own columns too, such as the amount
    table = pq.read_table(train, columns=list(dict.fromkeys([*own, *features])))
    frame = table.to_pandas()
    positives = int(frame[TARGET].sum())
    if min(positives, len(frame) - positives) < 2:
        raise VouchError(
            f"{train}: {positives} of {len(frame)} rows are positive: too few to learn from",
            "give a longer file, or labels in force (label.use) that tell rows apart",
        )
    folds, warnings = split(frame, params.folds)
    objective = prepare(frame, folds, offer, params)
    if objective.sampled:
        warnings.append(
            f"trials are measured on about {params.assess_rows:,} rows, the best of each "
            "algorithm again on all"
        )
    return Ground(table.select(own), frame, folds, objective, warnings)


def _fingerprint(train: Path, offer: Offer, params: TuneParams) -> str:
    """Tell a search by its data, features, parameters and choices; threads change nothing."""
    asked = params.model_dump_json(exclude={"threads"})
    words = [sha256(train), repr(offer), asked, repr(SPACE), repr(STARTS)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _bests(ground: Ground, records: list[Record], journal: Path) -> dict[Algorithm, Best]:
    """Measure the best candidate of each algorithm again, on all rows, with an interval."""
    leading: dict[Algorithm, tuple[float, int]] = {}
    for number, record in enumerate(records):
        reached = record.average_precision
        algorithm = record.candidate.algorithm
        if reached is not None and reached > leading.get(algorithm, (-1.0, 0))[0]:
            leading[algorithm] = reached, number
    if not leading:
        reasons = sorted({record.error or "" for record in records})
        raise VouchError(
            f"all {len(records)} trials failed: {reasons[0]}",
            f"mend the cause and delete {journal} to search again",
        )
    return {
        algorithm: _measure(ground, records[number].candidate, number)
        for algorithm, (_, number) in leading.items()
    }


def _rank(best: Best) -> tuple[float, int]:
    """Order candidates; of equal ones the ensemble, which varies less from sample to sample.

    Breiman 1996, Bagging predictors: a single tree is the least stable of the four.
    """
    return round(best.average_precision, 6), PREFERRED.index(best.candidate.algorithm)


def _measure(ground: Ground, candidate: Candidate, number: int | None) -> Best:
    from vouch.evaluate.metrics import average_precision, bootstrap_interval

    found = out_of_fold(ground.objective, candidate, ground.frame, ground.folds)
    labels = ground.frame[TARGET].to_numpy()[found["row"]]
    scores = found["score"].to_numpy()
    interval = bootstrap_interval(labels, scores, seed=ground.objective.params.seed)
    return Best(number, candidate, average_precision(labels, scores), interval, found)


def _leaderboard(
    ground: Ground, records: list[Record], bests: dict[Algorithm, Best], best: Best
) -> dict[str, Any]:
    params, labels = ground.objective.params, ground.frame[TARGET].to_numpy()
    intervals = {one.number: list(one.interval) for one in bests.values()}
    trials = [
        {**_row(number, record), "interval": intervals.get(number)}
        for number, record in enumerate(records)
    ]
    return {
        "metric": "average_precision",
        "budget": params.budget.model_dump(exclude_none=True),
        "trials": trials,
        "best": best.number,
        "best_by_algorithm": {name: one.describe() for name, one in bests.items()},
        "best_by_sampler": {name: _leader(trials, name) for name in params.samplers},
        "folds": [fold.describe(labels) for fold in ground.folds],
        "warnings": ground.warnings,
    }


def _row(number: int, record: Record) -> dict[str, Any]:
    return {
        "number": number,
        "sampler": record.sampler,
        "position": record.position,
        "algorithm": record.candidate.algorithm,
        "candidate": record.candidate.model_dump(),
        "average_precision": record.average_precision,
        "folds": list(record.folds),
        "seconds": round(record.seconds, 3),
        "state": "failed" if record.error else "complete",
        "error": record.error,
    }


def _leader(trials: list[dict[str, Any]], sampler: str) -> dict[str, Any] | None:
    """Say what a sampler reached with its budget: the trial's number, its measure, the seconds."""
    own = [t for t in trials if t["sampler"] == sampler]
    complete = [t for t in own if t["state"] == "complete"]
    if not complete:
        return None
    best = max(complete, key=lambda t: t["average_precision"])
    return {
        "number": best["number"],
        "average_precision": best["average_precision"],
        "trials": len(own),
        "seconds": round(sum(t["seconds"] for t in own), 3),
    }


def _write_predictions(table: "pa.Table", found: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = table.take(found["row"].to_numpy())
    wanted = [name for name in KEPT[:-1] if name in rows.column_names]
    scored = rows.select(wanted)
    scored = scored.append_column("fold", pa.array(found["fold"].to_numpy(np.int8)))
    scored = scored.append_column("score", pa.array(found["score"].to_numpy()))
    for name in GIVEN:
        scored = scored.append_column(name, rows.column(name))
    pq.write_table(scored, path)


def _refit(ground: Ground, candidate: Candidate) -> Fitted:
    params, columns = ground.objective.params, ground.objective.offer.columns(candidate)
    return fit(
        candidate, ground.frame, columns, TARGET, params.seed, params.threads, params.max_rows
    )


def _write_tree(ground: Ground, best: Best | None, folder: Path) -> None:
    """Export the best decision tree; where none was searched for, the default one."""
    if best is None:
        candidate = Candidate(algorithm="decision_tree", hyperparameters=STARTS["decision_tree"])
        best = _measure(ground, candidate, None)
    told = {"average_precision": best.average_precision, "interval": list(best.interval)}
    trees.export(_refit(ground, best.candidate), folder, told)


def _summary(board: dict[str, Any], best: Best) -> dict[str, Any]:
    return {
        "algorithm": best.candidate.algorithm,
        "average_precision": best.average_precision,
        "interval": list(best.interval),
        "trials": len(board["trials"]),
        "failed": sum(trial["state"] == "failed" for trial in board["trials"]),
        "warnings": board["warnings"],
    }
