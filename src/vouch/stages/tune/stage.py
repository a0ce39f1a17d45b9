"""The stage ``tune``: from gold rows to the best model, and how the others did."""

from pathlib import Path

from vouch.core.progress import Progress, silent
from vouch.models.leaderboard import Best, board, leading
from vouch.models.params import SearchParams
from vouch.models.proposal import Proposal
from vouch.models.search import Search
from vouch.results.tune import Leaderboard
from vouch.sources.declaration import load_declaration
from vouch.usecases import find


def tune(
    *,
    declaration: Path,
    train: Path,
    extracted: Path,
    leaderboard: Path,
    predictions: Path,
    model: Path,
    tree: Path,
    params: SearchParams,
    state: Path,
    progress: Progress = silent,
) -> dict[str, object]:
    """Search for the best model under a budget, then fit it on all training rows.

    Interrupted and called again with the same files and parameters, it goes on where it was.

    Args:
        declaration: The source's declaration.
        train: Gold training rows.
        extracted: Extract's summary.
        leaderboard: Written: every trial, JSON.
        predictions: Written: out-of-fold predictions of the best, Parquet.
        model: Written: folder of the best model.
        tree: Written: folder of what can be drawn of a model: a decision tree, a model's words.
        params: Budget, samplers, algorithms, folds.
        state: The project's state folder, which holds the search's journal and MLflow's runs.
        progress: Called after each trial.

    Returns:
        The best candidate's algorithm, its measure and interval, and counts.

    Raises:
        VouchError: The rows cannot be learned from, or every trial failed.
    """
    from vouch.models.runs import Runs

    source = load_declaration(declaration)
    with find(source.usecase).search_data(train, extracted, params, state) as data:
        experiment = f"{source.usecase}-{source.name}"
        runs = Runs.open(state, experiment, data.fingerprint, data.settings, data.metric)
        journal = state / "tune" / f"{data.fingerprint}.journal"
        records = Search(journal, data.search, data.space, data.assess).run(runs.log, progress)
        bests, best = data.finals(records, leading(records, journal))
        trials = board(data.metric, data.search, records, bests, best)
        content = data.describe(trials, records).model_copy(update={"run_id": runs.parent})
        content.write(leaderboard)
        data.write_predictions(best.predictions, predictions)
        data.write_model(bests, best, model, tree)
        runs.close({data.metric: best.value})
    return _summary(content, best)


def _summary(content: Leaderboard, best: Best[Proposal]) -> dict[str, object]:
    return {
        "algorithm": best.candidate.algorithm,
        content.metric: best.value,
        "interval": list(best.interval),
        "trials": len(content.trials),
        "failed": sum(trial["state"] == "failed" for trial in content.trials),
        "warnings": content.warnings,
    }
