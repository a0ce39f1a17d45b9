"""Evaluation of the candidate: its figures and their intervals."""

from pathlib import Path

from vouch.core.progress import Progress, silent
from vouch.results.blind import Frozen
from vouch.usecases.params import EvaluateParams

__all__ = ["evaluate"]


def evaluate(
    *,
    declaration: Path,
    holdout: Path,
    extracted: Path,
    predictions: Path,
    labels: Path,
    model: Path,
    evaluation: Path,
    state: Path,
    blind: str | None = None,
    frozen: Frozen | None = None,
    params: EvaluateParams,
    progress: Progress = silent,
) -> dict[str, object]:
    """Measure the candidate on out-of-fold rows and, with one charged question, on the holdout.

    Curves and the threshold come from the out-of-fold rows. A refused question is no error: the
    evaluation says so, and the gate will not promote. While blind, figures carry an offset and the
    holdout is not asked (:mod:`vouch.holdout.blind`). For what ``evaluation.json`` holds see
    :class:`vouch.results.evaluate.Evaluation`.

    Args:
        declaration: The source's declaration: costs and review capacity.
        holdout: The sealed holdout.
        extracted: ``extract.json``: which holdout it is.
        predictions: Out-of-fold predictions of the candidate.
        labels: Issued labels, people's decisions among them.
        model: The candidate's folder.
        evaluation: Where to write ``evaluation.json``.
        state: The project's state folder: ledger, key, champion.
        blind: The blind period in force; None: figures are shown as they are.
        frozen: What was frozen when the last one ended, and whether it is at work; None: nothing.
        params: Budget, and what counts as few.
        progress: Called after each part.

    Returns:
        The measure that decides, on out-of-fold rows and on the holdout, and the holdout's status.

    Raises:
        VouchError: The holdout cannot be opened, there are no predictions to judge, or the ledger
            knows of another blind period.
    """
    from vouch.holdout import blind as blindness
    from vouch.sources.declaration import load_declaration
    from vouch.stages.evaluate.review import review
    from vouch.stages.evaluate.stage import gather, load_candidate, question, summary

    progress(0, 3, "out-of-fold rows")
    candidate = load_candidate(declaration, extracted, predictions, model, params)
    usecase = candidate.extracted.usecase
    periods = blindness.declared(state, usecase, blind)
    measured, reviewed = candidate.measure(), review(candidate, labels)
    progress(1, 3, "holdout")
    outcome = question(candidate, load_declaration(declaration), holdout, labels, state)
    progress(2, 3, "writing")
    content = gather(candidate, measured, reviewed, outcome)
    content = content.model_copy(update={"frozen": frozen})
    shown = blindness.status(state, usecase).describe()
    if periods.now and shown:
        content = blindness.blinded(content, periods.now, shown)
    content.write(evaluation)
    progress(3, 3, "done")
    return summary(content)
