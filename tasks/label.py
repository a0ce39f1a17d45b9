"""The stage `label` as a Prefect task."""

from typing import Any

from prefect import task

from tasks.stage import RETRY, run


@task(name="label", task_run_name="label {usecase}", **RETRY)
def label(usecase: str, force: bool = False) -> dict[str, Any]:
    """Issues of the rule and of truth into the label store."""
    return run("label", usecase, force)
