"""Scoring a file, or the rows that came, as Prefect tasks."""

from pathlib import Path
from typing import Any

from prefect import task
from rich.console import Console

from tasks.stage import RETRY
from vouch.core import terminal
from vouch.core.errors import described
from vouch.operate.exchange import Pending, record
from vouch.operate.folders import NEW_ROWS
from vouch.project.paths import STATE
from vouch.project.request import Scoring
from vouch.serve.arrived import summary


@task(name="score rows", task_run_name="score rows {usecase}", **RETRY)
def score_rows(usecase: str) -> dict[str, Any] | None:
    """Score the rows that came since the last training; None where nothing was trained yet."""
    from vouch.serve.arrived import write_arrived

    console, out = Console(), Path(NEW_ROWS.format(usecase=usecase))
    try:
        written = write_arrived(Path(), STATE, usecase, out)
    except Exception as error:  # the rows are in the data all the same
        terminal.warn(console, [f"new rows are not scored: {described(error)}"])
        return None
    if written is None:
        return None
    terminal.say(console, f"  score     {summary(written)}")
    return dict(written)


@task(name="score", task_run_name="score {pending.path}", **RETRY)
def score(request: Scoring, pending: Pending) -> dict[str, Any]:
    """Score every row of a file; what was scored is noted beside the scores."""
    from vouch.serve import Request
    from vouch.serve import score as score_file

    console = Console()
    job = Request(request.usecase, pending.path, pending.out, request.source, request.model)
    with terminal.working(console, "score") as shown:
        scored = score_file(Path(), STATE, job, shown)
    record(pending, scored)
    rows = f"{scored['scored']:,} of {scored['rows']:,} rows"
    terminal.say(console, f"  score     {rows} of {pending.path} -> {pending.out}")
    terminal.warn(console, scored["warnings"])
    return dict(scored)
