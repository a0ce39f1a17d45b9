"""The stage `explain` as a Prefect task."""

from typing import Any

from prefect import task

from tasks.stage import RETRY, run


@task(name="explain", task_run_name="explain {usecase}", **RETRY)
def explain(usecase: str, force: bool = False) -> dict[str, Any]:
    """LIME for the riskiest and the least certain cases."""
    return run("explain", usecase, force)
