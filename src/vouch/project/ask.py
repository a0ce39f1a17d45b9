"""Asking the holdout about the current model, outside the stage."""

from pathlib import Path

from vouch.core.errors import VouchError, suggest
from vouch.holdout.blind import figures, periods
from vouch.holdout.keeper import HoldoutKey, Keeper, MeanMechanism, Reply
from vouch.metrics.blinding import SHARES
from vouch.project.inputs import INPUTS, load_inputs
from vouch.project.paths import STATE
from vouch.project.stages import find
from vouch.results.evaluate import KINDS, Figures
from vouch.sources.declaration import load_declaration
from vouch.stages.evaluate.stage import load_candidate, question, scored_model
from vouch.usecases.contract import Candidate
from vouch.usecases.params import EvaluateParams

ALL = "candidate"


def ask(
    root: Path,
    usecase: str,
    metric: str,
    kind: str,
    params: EvaluateParams,
    mechanism: MeanMechanism = "thresholdout",
) -> Reply:
    """Ask the holdout one question about the current model.

    Args:
        root: The project's folder.
        usecase: Which use case's model and holdout.
        metric: ``candidate``, whether it is to be promoted, as the evaluate stage asks; or a
            bounded mean: ``accuracy`` or ``brier``, of payments also ``recall``,
            ``precision_at_capacity`` or ``cost``.
        kind: For a mean, against ``truth`` or ``rule``.
        params: Budget, and what counts as few.
        mechanism: For a mean, which noise hides the holdout.

    Returns:
        The keeper's reply.

    Raises:
        VouchError: An unknown metric or kind, or the pipeline has not run as far as tune.
    """
    if kind not in KINDS:
        raise VouchError(f"the holdout cannot be asked for {kind!r}", suggest(kind, KINDS))
    paths = _paths(root, usecase)
    sealed = paths.pop("holdout")
    labels = paths.pop("labels")
    candidate = load_candidate(**paths, params=params)
    choices = (ALL, *candidate.judge.metrics)
    if metric not in choices:
        raise VouchError(f"the holdout cannot be asked for {metric!r}", suggest(metric, choices))
    if metric == ALL:
        source = load_declaration(paths["declaration"])
        return question(candidate, source, sealed, labels, root / STATE).reply
    return _mean(candidate, sealed, root / STATE, metric, kind, mechanism)


def out_of_fold(root: Path, usecase: str, params: EvaluateParams) -> Figures:
    """Return the current model's figures on out-of-fold rows, by what it is judged against.

    While blind they carry their offsets, and what has none is left out.
    """
    paths = _paths(root, usecase)
    del paths["holdout"], paths["labels"]
    candidate = load_candidate(**paths, params=params)
    measured, now = candidate.measure()[candidate.kind], periods(root / STATE, usecase).now
    return figures(measured, now, SHARES | {candidate.metric}) if now else measured


def _paths(root: Path, usecase: str) -> dict[str, Path]:
    choice = load_inputs(root / INPUTS).choice(usecase)
    filled = {"usecase": usecase, "source": choice.source}
    return {name: root / p.format(**filled) for name, p in find("evaluate").inputs.items()}


def _mean(
    candidate: Candidate,
    sealed: Path,
    state: Path,
    metric: str,
    kind: str,
    mechanism: MeanMechanism,
) -> Reply:
    judge = candidate.judge
    if not judge.count_labelled(candidate.rows, kind):
        other = "rule" if kind == "truth" else "truth"
        raise VouchError(f"the {kind} of no out-of-fold row is known", f"--against {other}")
    training = judge.mean(candidate.rows, metric, kind).value
    which = HoldoutKey.of(candidate.extracted)
    model = scored_model(candidate.model, which.usecase, state)
    return Keeper(state).mean(which, sealed, model, metric, kind, training, judge, mechanism)
