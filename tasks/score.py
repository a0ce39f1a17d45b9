"""Scoring a file, as a Prefect task."""

from pathlib import Path
from typing import Any

from prefect import task
from rich.console import Console

from tasks.stage import RETRY
from vouch.core import terminal
from vouch.operate.exchange import Pending, record
from vouch.project.paths import STATE
from vouch.project.request import Scoring


@task(name="score", task_run_name="score {pending.path}", **RETRY)
def score(request: Scoring, pending: Pending) -> dict[str, Any]:
    """Score every row of a file; what was scored is noted beside the scores."""
    from vouch.serve import Request
    from vouch.serve import score as score_file

    console = Console()
    job = Request(request.usecase, pending.path, pending.out, request.source, request.model)
    with terminal.working(console, "score") as shown:
        summary = score_file(Path(), STATE, job, shown)
    record(pending, summary)
    rows = f"{summary['scored']:,} of {summary['rows']:,} rows"
    terminal.say(console, f"  score     {rows} of {pending.path} -> {pending.out}")
    terminal.warn(console, summary["warnings"])
    return dict(summary)
