"""Evaluation of the candidate: its figures and their intervals."""

from pathlib import Path
from typing import Any

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
) -> dict[str, Any]:
    """Measure the candidate on out-of-fold rows and, with one charged question, on the holdout.

    Curves and the threshold come from the out-of-fold rows. A refused question is no error: the
    evaluation says so, and the gate will not promote. ``evaluation.json`` holds:

    - ``metric``: the measure that decides; ``kind``: against what, ``truth`` where it is known.
    - ``confidence``: of the intervals out of fold.
    - ``out_of_fold``: figures against ``truth`` and ``rule``, and ``the_rule``'s own against truth.
    - ``holdout``: ``status`` (``answered``, ``too_small``, ``refused``), ``question`` (its number
      in the ledger), ``truth``, ``rule``, ``rule_comparison`` (paired bootstrap against the
      rule's own decisions, null where it cannot be) and ``reason``.
    - of rankings, ``threshold`` and ``cost_curve`` (``kind`` says against what), and ``curves``:
      ``precision_recall``, ``roc``, ``calibration``.
    - ``review``: figures by people's decisions (see
      :func:`vouch.stages.evaluate.review.review`), or null.
    - ``champion``: ``version`` and the paired ``comparison`` with it, or null and a ``reason``.
    - ``ledger``: the holdout's status after the question.
    - ``published``: reference figures beside ours, published ones or measured ones.
    - ``warnings``: sentences for people.

    Args:
        declaration: The source's declaration: costs and review capacity.
        holdout: The sealed holdout.
        extracted: ``extract.json``: which holdout it is.
        predictions: Out-of-fold predictions of the candidate.
        labels: Issued labels, people's decisions among them.
        model: The candidate's folder.
        evaluation: Where to write ``evaluation.json``.
        state: The project's state folder: ledger, key, champion.
        params: Budget and bootstrap.
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
    outcome = question(candidate, holdout, state)
    progress(2, 3, "writing")
    content = write(evaluation, candidate, measured, reviewed, outcome)
    progress(3, 3, "done")
    return summary(content)
