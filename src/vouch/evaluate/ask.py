"""Asking the holdout about the current model, outside the stage."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from vouch.errors import VouchError, near
from vouch.evaluate.candidate import Candidate, load_candidate
from vouch.evaluate.measures import KINDS, Kind, MeanMetric, bounded_mean, judged
from vouch.evaluate.params import EvaluateParams
from vouch.evaluate.stage import contestant, key, question
from vouch.holdout.keeper import Keeper, Reply
from vouch.pipeline import STATE
from vouch.sources.inputs import INPUTS, load_inputs
from vouch.stages import find

METRICS: tuple[str, ...] = ("candidate", *get_args(MeanMetric))


def ask(root: Path, usecase: str, metric: str, kind: str, params: EvaluateParams) -> dict[str, Any]:
    """Ask the holdout one question about the current model.

    Args:
        root: The project's folder.
        usecase: Which use case's model and holdout.
        metric: ``candidate``, all figures, as the evaluate stage asks; or a bounded mean, answered
            through Thresholdout: ``accuracy``, ``precision_at_capacity`` or ``cost``.
        kind: For a mean, against ``truth`` or ``rule``.
        params: Budget and bootstrap.

    Returns:
        The keeper's reply: ``status``, ``question``, ``answer``, ``reason``.

    Raises:
        VouchError: An unknown metric or kind, or the pipeline has not run as far as tune.
    """
    for name, known in ((metric, METRICS), (kind, KINDS)):
        if name not in known:
            raise VouchError(f"the holdout cannot be asked for {name!r}", near(name, known))
    paths = _paths(root, usecase)
    sealed = paths.pop("holdout")
    candidate = load_candidate(**paths, params=params)
    if metric == "candidate":
        return asdict(question(candidate, sealed, root / STATE).reply)
    which = next(m for m in get_args(MeanMetric) if m == metric)
    against = next(k for k in KINDS if k == kind)
    return asdict(_mean(candidate, sealed, root / STATE, which, against))


def _paths(root: Path, usecase: str) -> dict[str, Path]:
    choice = load_inputs(root / INPUTS).choice(usecase)
    filled = {"usecase": usecase, "source": choice.source}
    return {name: root / p.format(**filled) for name, p in find("evaluate").inputs.items()}


def _mean(candidate: Candidate, sealed: Path, state: Path, metric: MeanMetric, kind: Kind) -> Reply:
    if metric == "precision_at_capacity" and "time" not in candidate.rows:
        raise VouchError("without a time column there are no days to review", "ask for accuracy")
    if judged(candidate.rows, kind).empty:
        other = "rule" if kind == "truth" else "truth"
        raise VouchError(f"the {kind} of no out-of-fold row is known", f"--against {other}")
    training = bounded_mean(candidate.rows, kind, metric, candidate.terms).value
    model, which = contestant(candidate.model), key(candidate.extracted)
    return Keeper(state).mean(which, sealed, model, metric, kind, training, candidate.terms)
