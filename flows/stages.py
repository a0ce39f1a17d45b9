"""The stages as the flows run them: what is known first, then what is learned from it."""

from collections.abc import Callable, Sequence
from typing import Any

from tasks.evaluate import evaluate
from tasks.explain import explain
from tasks.extract import extract
from tasks.ingest import ingest
from tasks.label import label
from tasks.register import register
from tasks.report import report
from tasks.tune import tune
from tasks.validate import validate

DATA = (ingest, validate, label, extract)
MODEL = (tune, evaluate, explain, register, report)


def run(
    stages: Sequence[Callable[[str, bool], dict[str, Any]]], usecase: str, force: bool
) -> list[dict[str, Any]]:
    """Bring stages up to date, in order.

    Returns:
        What became of each.
    """
    return [stage(usecase, force) for stage in stages]
