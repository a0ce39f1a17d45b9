"""The stage `ingest` as a Prefect task."""

from typing import Any

from prefect import task

from tasks.stage import RETRY, run


@task(name="ingest", task_run_name="ingest {usecase}", **RETRY)
def ingest(usecase: str, force: bool = False) -> dict[str, Any]:
    """Raw files to bronze rows and rejects."""
    return run("ingest", usecase, force)
