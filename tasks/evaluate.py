"""The stage `evaluate` as a Prefect task, its curves as images."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_image, show_text
from tasks.stage import RETRY, run
from vouch.holdout.blind import sentence
from vouch.results.evaluate import Evaluation


@task(name="evaluate", task_run_name="evaluate {usecase}", **RETRY)
def evaluate(usecase: str, force: bool = False) -> dict[str, Any]:
    """Out-of-fold curves and threshold; one charged answer of the holdout."""
    from vouch.pages.figures import cost_png, precision_recall_png, roc_png

    outcome = run("evaluate", usecase, force)
    evaluation = Evaluation.read(Path(f"data/evaluate/{usecase}/evaluation.json"))
    if evaluation.blind:
        show_text(f"{usecase}-blind", f"{usecase} is blind", [sentence(evaluation.blind)])
    drawn = {
        "precision-recall": precision_recall_png(evaluation),
        "roc": roc_png(evaluation),
        "cost": cost_png(evaluation),
    }
    for name, image in drawn.items():
        if image:
            show_image(f"{usecase}-{name}", image, name)
    return outcome
