"""A fresh holdout where the old one is spent, as a Prefect task."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import task
from rich.console import Console

from tasks.artifacts import show_text
from tasks.stage import RETRY
from vouch.core import terminal
from vouch.project.paths import STATE
from vouch.project.renewal import renew


@task(name="renew holdout", task_run_name="renew holdout {usecase}", **RETRY)
def renew_holdout(usecase: str) -> dict[str, Any]:
    """Rotate if the budget is spent and newer rows have filled a holdout; say so if not."""
    renewal = renew(Path(), STATE, usecase)
    terminal.say(Console(), f"  holdout   {renewal.said}")
    show_text(f"{usecase}-holdout", "The holdout", [renewal.said])
    return asdict(renewal)
