"""The stage `tune` as a Prefect task, its leaderboard as a table."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_table
from tasks.stage import RETRY, run
from vouch.pages.formats import words
from vouch.project.stages import TUNE
from vouch.results.tune import Leaderboard, Trial


@task(name="tune", task_run_name="tune {usecase}", **RETRY)
def tune(usecase: str, force: bool = False) -> dict[str, Any]:
    """Search over algorithms, their settings and the preparation."""
    outcome = run("tune", usecase, force)
    board = Leaderboard.read(Path(TUNE.format(usecase=usecase)) / "leaderboard.json")
    done = [trial for trial in board.trials if trial["value"] is not None]
    done.sort(key=lambda trial: trial["value"] or 0.0, reverse=True)
    show_table(
        f"{usecase}-leaderboard",
        [_row(trial, board.metric) for trial in done],
        f"{words(board.metric)} out of fold{', blinded' * bool(board.blind)}; {len(done)} trials",
    )
    return outcome


def _row(trial: Trial, metric: str) -> dict[str, Any]:
    return {
        "trial": trial["number"],
        "sampler": trial["sampler"],
        "algorithm": trial["algorithm"],
        words(metric).lower(): round(trial["value"] or 0.0, 4),
        "seconds": round(trial["seconds"], 1),
    }
