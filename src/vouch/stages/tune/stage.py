"""The stage ``tune``: from gold rows to the best model, and how the others did."""

from collections.abc import Sequence
from pathlib import Path

from vouch.core.progress import Progress, silent
from vouch.holdout import blind as blindness
from vouch.models.leaderboard import Best, board, leading
from vouch.models.params import SearchParams
from vouch.models.proposal import Proposal
from vouch.models.search import Search
from vouch.models.veil import Veil
from vouch.results.tune import Leaderboard
from vouch.sources.declaration import load_declaration
from vouch.stages.tune.starts import starts_of
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
    blind: str | None = None,
    encoders: Sequence[str] = (),
    params: SearchParams,
    state: Path,
    progress: Progress = silent,
) -> dict[str, object]:
    """Search for the best model under a budget, then fit it on all training rows.

    It begins with the settings of the champion and of the newest other versions, where they can
    still be had, then tries each algorithm's default, as far as the budget goes. Called again with
    the same files and parameters, interrupted or not, it is the same search and goes on where it
    was; so it is in and after a blind period, see :mod:`vouch.holdout.blind`.

    Args:
        declaration: The source's declaration.
        train: Gold training rows.
        extracted: Extract's summary.
        leaderboard: Written: every trial, JSON.
        predictions: Written: out-of-fold predictions of the best, Parquet.
        model: Written: folder of the best model.
        tree: Written: folder of what can be drawn of a model: a decision tree, a model's words.
        blind: The blind period in force; None: figures are shown as they are.
        encoders: Sentence encoders of the environment that models may use, by name and digest.
        params: Budget, samplers, algorithms, folds.
        state: The project's state folder, which holds the search's journal and MLflow's runs.
        progress: Called after each trial, and as texts are embedded.

    Returns:
        The best candidate's algorithm, its measure and interval, and counts.

    Raises:
        VouchError: The rows cannot be learned from, every trial failed, or the ledger knows of
            another blind period.
    """
    from vouch.models.runs import Runs

    source = load_declaration(declaration)
    periods = blindness.declared(state, source.usecase, blind)
    usecase = find(source.usecase)
    with usecase.search_data(train, extracted, params, state, encoders, progress) as data:
        experiment = f"{source.usecase}-{source.name}"
        veil, shown = Veil(data.metric, periods), blindness.status(state, source.usecase)
        runs = Runs.open(state, experiment, data.fingerprint, data.settings, data.metric, blind)
        journal = state / "tune" / f"{data.fingerprint}.journal"
        starts = starts_of(journal, state, experiment, data)
        begin = list(starts.values())
        search = Search(journal, data.search, data.space, data.assess, begin, veil)
        records = search.run(runs.log, progress)
        bests, best = data.finals(records, leading(records, journal))
        visible = {name: veil.best(each) for name, each in bests.items()}
        trials = board(data.metric, data.search, records, visible, veil.best(best))
        also = {"run_id": runs.parent, "starts": list(starts), "blind": shown.describe()}
        content = data.describe(trials, records).model_copy(update=also)
        content.write(leaderboard)
        data.write_predictions(best.predictions, predictions)
        data.write_model(bests, best, model, tree, veil.best)
        runs.close({data.metric: veil.best(best).value})
    return _summary(content, veil.best(best))


def _summary(content: Leaderboard, best: Best[Proposal]) -> dict[str, object]:
    return {
        "algorithm": best.candidate.algorithm,
        content.metric: best.value,
        "interval": list(best.interval),
        "trials": len(content.trials),
        "failed": sum(trial["state"] == "failed" for trial in content.trials),
        "warnings": content.warnings,
        **({"blind": content.blind["period"]} if content.blind else {}),
    }
