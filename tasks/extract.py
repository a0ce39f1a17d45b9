"""The stage `extract` as a Prefect task."""

from typing import Any

from prefect import task

from tasks.stage import RETRY, run


@task(name="extract", task_run_name="extract {usecase}", **RETRY)
def extract(usecase: str, force: bool = False) -> dict[str, Any]:
    """Features, and the holdout sealed away."""
    return run("extract", usecase, force)
