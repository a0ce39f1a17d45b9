"""Taking reviewers' decisions back, as a Prefect task."""

from pathlib import Path
from typing import Any

from prefect import task
from rich.console import Console

from tasks.artifacts import show_table
from tasks.events import tell_labels
from tasks.stage import RETRY
from vouch import terminal
from vouch.pipeline import STATE

SHOWN = 10
"""Answers set aside that the terminal names; the table in Prefect's page has all."""


@task(name="collect", task_run_name="collect {path}", **RETRY)
def collect(usecase: str, path: Path) -> dict[str, Any]:
    """Record a file's decisions as labels; what was set aside is shown as a table."""
    from vouch.collect import collect as take_in

    console = Console()
    with terminal.working(console, "collect") as shown:
        found = take_in(Path(), STATE, usecase, path, shown)
    said = f"{path.name}: {found['new']} new, {found['known']} known, {found['blank']} blank"
    terminal.say(console, f"  collect   {said}, {len(found['set_aside'])} set aside")
    aside = (f"line {one['line']}: {one['reason']}" for one in found["set_aside"][:SHOWN])
    terminal.warn(console, [*found["ignored"], *aside])
    if found["set_aside"]:
        show_table(f"{usecase}-set-aside", found["set_aside"], said)
    tell_labels(usecase, found)
    return found
