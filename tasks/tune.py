"""The stage `tune` as a Prefect task, its leaderboard as a table."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_table
from tasks.stage import RETRY, run
from vouch.core.files import read_json
from vouch.pages.formats import words
from vouch.project.stages import TUNE


@task(name="tune", task_run_name="tune {usecase}", **RETRY)
def tune(usecase: str, force: bool = False) -> dict[str, Any]:
    """Search over algorithms, their settings and the preparation."""
    outcome = run("tune", usecase, force)
    board = read_json(Path(TUNE.format(usecase=usecase)) / "leaderboard.json")
    metric = board["metric"]
    done = [t for t in board["trials"] if t[metric] is not None]
    done.sort(key=lambda t: t[metric], reverse=True)
    show_table(
        f"{usecase}-leaderboard",
        [_row(trial, metric) for trial in done],
        f"{words(metric)} out of fold; {len(done)} trials",
    )
    return outcome


def _row(trial: dict[str, Any], metric: str) -> dict[str, Any]:
    return {
        "trial": trial["number"],
        "sampler": trial["sampler"],
        "algorithm": trial["algorithm"],
        words(metric).lower(): round(trial[metric], 4),
        "seconds": round(trial["seconds"], 1),
    }
