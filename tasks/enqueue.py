"""Putting cases before reviewers, as a Prefect task."""

from pathlib import Path
from typing import Any

from prefect import task
from rich.console import Console

from tasks.artifacts import show_link
from tasks.stage import RETRY
from vouch.core import terminal
from vouch.project.paths import STATE


# no second try: the cases of the first are out, so it would choose others, or none
@task(name="enqueue", task_run_name="enqueue {usecase}", **RETRY | {"retries": 0})
def enqueue(usecase: str, n: int | None, out: Path) -> dict[str, Any]:
    """Choose the next cases and write them to a file for reviewers."""
    from vouch.review.enqueue import enqueue as put_out

    console = Console()
    with terminal.working(console, "enqueue") as shown:
        summary = put_out(Path(), STATE, usecase, n, out, shown)
    terminal.say(console, f"  enqueue   {summary['cases']} cases -> {out}")
    terminal.warn(console, summary["warnings"])
    if summary["cases"]:
        show_link(f"{usecase}-cases", out)
    return dict(summary)
