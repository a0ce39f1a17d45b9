"""Putting cases before reviewers, as a Prefect task."""

from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact
from rich.console import Console

from tasks.stage import RETRY
from vouch import terminal
from vouch.pipeline import STATE


# no second try: the cases of the first are out, so it would choose others, or none
@task(name="enqueue", task_run_name="enqueue {usecase}", **RETRY | {"retries": 0})
def enqueue(usecase: str, n: int | None, out: Path) -> dict[str, Any]:
    """Choose the next cases and write them to a file for reviewers."""
    from vouch.enqueue import enqueue as put_out

    console = Console()
    with terminal.working(console, "enqueue") as shown:
        found = put_out(Path(), STATE, usecase, n, out, shown)
    terminal.say(console, f"  enqueue   {found['cases']} cases -> {out}")
    for warning in found["warnings"]:
        terminal.say(console, f"            ! {warning}")
    if found["cases"]:
        link = out.resolve().as_uri()
        create_link_artifact(key=f"{usecase}-cases", link=link, description=str(out))
    return found
