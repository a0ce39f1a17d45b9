"""Taking reviewers' decisions back, as a Prefect task."""

from pathlib import Path
from typing import Any

from prefect import task
from rich.console import Console

from tasks.artifacts import show_table
from tasks.events import tell_labels
from tasks.stage import RETRY
from vouch.core import terminal
from vouch.project.paths import STATE

SHOWN = 10
"""Answers set aside that the terminal names; the table in Prefect's page has all."""


@task(name="collect", task_run_name="collect {usecase} {path}", **RETRY)
def collect(usecase: str, path: Path | None = None) -> dict[str, Any]:
    """Record decisions of a file, or of the review page; what was set aside is shown as a table."""
    from vouch.review.collect import collect as take_in

    console = Console()
    with terminal.working(console, "collect") as shown:
        summary = take_in(Path(), STATE, usecase, path, shown)
    counts = (
        f"{path.name if path else 'the page'}: {summary['new']} new, {summary['known']} known, "
        f"{summary['held']} on rows of the holdout, {summary['blank']} blank"
    )
    terminal.say(console, f"  collect   {counts}, {len(summary['set_aside'])} set aside")
    aside = (f"line {row['line']}: {row['reason']}" for row in summary["set_aside"][:SHOWN])
    terminal.warn(console, [*summary["ignored"], *aside])
    if summary["set_aside"]:
        show_table(f"{usecase}-set-aside", summary["set_aside"], counts)
    tell_labels(usecase, summary)
    return dict(summary)
