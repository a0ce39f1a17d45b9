"""The stage `report` as a Prefect task, with a link to the page."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_link
from tasks.stage import RETRY, run


@task(name="report", task_run_name="report {usecase}", **RETRY)
def report(usecase: str, force: bool = False) -> dict[str, Any]:
    """One offline page on all stages before it."""
    outcome = run("report", usecase, force)
    show_link(f"{usecase}-report", Path(f"data/report/{usecase}/report.html"))
    return outcome
