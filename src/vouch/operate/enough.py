"""Whether decisions wait that are enough for a retraining, and that none has tried to learn from.

An event about them starts none while another is ending: the watcher of ``vouch up`` says it again
until a retraining has begun. One that fails has tried, so nothing is repeated until more come.
"""

from pathlib import Path

from vouch.core.errors import VouchError
from vouch.core.results import Result
from vouch.core.settings import load_params
from vouch.labels.reviews import batches
from vouch.project.paths import STATE
from vouch.project.stages import REVIEWS
from vouch.review.collect.batch import untrained
from vouch.review.collect.params import CollectParams


class Tried(Result):
    """The batches of decisions that were there when the last retraining began, by name."""

    batches: list[str]


def note_tried(root: Path, usecase: str) -> None:
    """Note that a retraining begins, on all decisions that are there.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Which use case is trained.
    """
    Tried(batches=sorted(_names(root, usecase))).write(_place(root, usecase))


def untried(root: Path, usecase: str) -> int:
    """Count the decisions that call for a retraining.

    Args:
        root: The project's folder.
        usecase: The use case.

    Returns:
        All that no model has learned from; 0 if they are fewer than ``retrain_after``, or if the
        last retraining tried them.

    Raises:
        VouchError: ``params.yaml`` is wrong, or a file of results is damaged.
    """
    if _names(root, usecase) <= _tried(root, usecase):
        return 0
    waiting = untrained(root, root / REVIEWS.format(usecase=usecase), usecase)
    params = load_params(root / "params.yaml", CollectParams, "collect", usecase)
    return waiting if waiting >= params.retrain_after else 0


def _names(root: Path, usecase: str) -> set[str]:
    return {file.stem for file in batches(root / REVIEWS.format(usecase=usecase))}


def _tried(root: Path, usecase: str) -> set[str]:
    try:
        return set(Tried.read(_place(root, usecase)).batches)
    except VouchError:  # there is none, or a kill cut it: at worst one retraining too many
        return set()


def _place(root: Path, usecase: str) -> Path:
    return root / STATE / f"tried-{usecase}.json"
