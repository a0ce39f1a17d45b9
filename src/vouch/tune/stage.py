"""The stage ``tune``: from gold rows to the best model, and how the others did."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError, near
from vouch.core.files import read_json, sha256, write_json
from vouch.core.progress import Progress, silent
from vouch.sources.declaration import load_declaration
from vouch.tune import tree as trees
from vouch.tune.board import Best, board, leading
from vouch.tune.folds import Fold, split
from vouch.tune.models import Algorithm, Candidate, Fitted, fit, save
from vouch.tune.objective import TARGET, Objective, out_of_fold, prepare
from vouch.tune.params import TuneParams
from vouch.tune.search import Record, Search
from vouch.tune.space import RULE_WEIGHT, SPACE, STARTS, Offer
from vouch.tune.strength import SOURCE, judged, mixed

if TYPE_CHECKING:
    import pyarrow as pa

METRIC = "average_precision"
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
        judged: Which of the rows candidates are measured on, shape (rows,).
        warnings: What a reader should know of them.
    """

    table: "pa.Table"
    frame: pd.DataFrame
    folds: list[Fold]
    objective: Objective
    judged: NDArray[np.bool_]
    warnings: list[str]


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
    runs = Runs.open(state, f"{source.usecase}-{source.name}", mark, params.model_dump(), METRIC)
    journal = state / "tune" / f"{mark}.journal"
    search = Search(journal, params, ground.objective.offer, ground.objective)
    records = search.run(runs.log, progress)
    bests = _bests(ground, records, journal)
    best = max(bests.values(), key=_rank)
    labels = ground.frame[TARGET].to_numpy()
    told = board(METRIC, params, records, bests, best) | {
        "folds": [fold.describe(labels) for fold in ground.folds],
        "warnings": ground.warnings,
    }
    write_json(leaderboard, {**told, "run_id": runs.parent})
    _write_predictions(ground.table, best.predictions, predictions)
    save(_refit(ground, best.candidate), model)
    _write_tree(ground, bests.get("decision_tree"), tree)
    runs.close({METRIC: best.value})
    return _summary(told, best)


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
    own = [name for name in (*KEPT, *GIVEN, SOURCE) if name in there]
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
    asked, told = judged(frame, frame[TARGET].to_numpy())
    objective = prepare(frame, folds, replace(offer, mixed=mixed(frame)), params, asked)
    warnings += told
    if objective.sampled:
        warnings.append(
            f"trials are measured on about {params.assess_rows:,} rows, the best of each "
            "algorithm again on all"
        )
    return Ground(table.select(own), frame, folds, objective, asked, warnings)


def _fingerprint(train: Path, offer: Offer, params: TuneParams) -> str:
    """Return a digest of a search's data, features, parameters and choices, not its threads."""
    asked = params.model_dump_json(exclude={"threads"})
    words = [sha256(train), repr(offer), asked, repr(SPACE), repr(STARTS), repr(RULE_WEIGHT)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _bests(
    ground: Ground, records: list[Record[Candidate]], journal: Path
) -> dict[str, Best[Candidate]]:
    """Measure the best candidate of each algorithm again, on all rows, with an interval."""
    return {
        algorithm: _measure(ground, records[number].candidate, number)
        for algorithm, number in leading(records, journal).items()
    }


def _rank(best: Best[Candidate]) -> tuple[float, int]:
    """Order candidates; of equal ones the ensemble, which varies less from sample to sample.

    Breiman 1996, Bagging predictors: a single tree is the least stable of the four.
    """
    return round(best.value, 6), PREFERRED.index(best.candidate.algorithm)


def _measure(ground: Ground, candidate: Candidate, number: int | None) -> Best[Candidate]:
    from vouch.metrics.ranked import average_precision, bootstrap_interval

    found = out_of_fold(ground.objective, candidate, ground.frame, ground.folds)
    asked = found[ground.judged[found["row"]]]
    labels, scores = ground.frame[TARGET].to_numpy()[asked["row"]], asked["score"].to_numpy()
    interval = bootstrap_interval(labels, scores, seed=ground.objective.params.seed)
    return Best(number, candidate, average_precision(labels, scores), interval, found)


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


def _write_tree(ground: Ground, best: Best[Candidate] | None, folder: Path) -> None:
    """Export the best decision tree; where none was searched for, the default one."""
    if best is None:
        candidate = Candidate(algorithm="decision_tree", hyperparameters=STARTS["decision_tree"])
        best = _measure(ground, candidate, None)
    told = {METRIC: best.value, "interval": list(best.interval)}
    trees.export(_refit(ground, best.candidate), folder, told)


def _summary(told: dict[str, Any], best: Best[Candidate]) -> dict[str, Any]:
    return {
        "algorithm": best.candidate.algorithm,
        METRIC: best.value,
        "interval": list(best.interval),
        "trials": len(told["trials"]),
        "failed": sum(trial["state"] == "failed" for trial in told["trials"]),
        "warnings": told["warnings"],
    }
