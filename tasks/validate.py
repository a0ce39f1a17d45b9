"""The stage `validate` as a Prefect task, its expectations as a table."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_table
from tasks.stage import RETRY, run
from vouch.project.stages import SILVER
from vouch.results.validate import Expected, Validated


@task(name="validate", task_run_name="validate {usecase}", **RETRY)
def validate(usecase: str, force: bool = False) -> dict[str, Any]:
    """Bronze rows to silver rows and quarantine, by Great Expectations."""
    outcome = run("validate", usecase, force)
    summary = Validated.read(Path(SILVER.format(usecase=usecase)) / "validate.json")
    show_table(
        f"{usecase}-validation",
        [_row(e) for e in summary.expectations],
        f"In: {summary.counts['in']:,}; silver: {summary.counts['silver']:,}",
    )
    return outcome


def _row(expectation: Expected) -> dict[str, Any]:
    return {
        "expectation": expectation["type"],
        "column": expectation["kwargs"].get("column", ""),
        "policy": expectation["policy"],
        "met": "yes" if expectation["success"] else "no",
        "rows failing": expectation["failed"],
    }
