"""Evaluation of the candidate: its figures and their intervals."""

from pathlib import Path

from vouch.core.progress import Progress, silent
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
    params: EvaluateParams,
    progress: Progress = silent,
) -> dict[str, object]:
    """Measure the candidate on out-of-fold rows and, with one charged question, on the holdout.

    Curves and the threshold come from the out-of-fold rows. A refused question is no error: the
    evaluation says so, and the gate will not promote. For what ``evaluation.json`` holds see
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
        params: Budget, and what counts as few.
        progress: Called after each part.

    Returns:
        The measure that decides, on out-of-fold rows and on the holdout, and the holdout's status.

    Raises:
        VouchError: The holdout cannot be opened, or there are no predictions to judge.
    """
    from vouch.stages.evaluate.review import review
    from vouch.stages.evaluate.stage import load_candidate, question, summary, write

    progress(0, 3, "out-of-fold rows")
    candidate = load_candidate(declaration, extracted, predictions, model, params)
    measured, reviewed = candidate.measure(), review(candidate, labels)
    progress(1, 3, "holdout")
    outcome = question(candidate, holdout, labels, state)
    progress(2, 3, "writing")
    content = write(evaluation, candidate, measured, reviewed, outcome)
    progress(3, 3, "done")
    return summary(content)
