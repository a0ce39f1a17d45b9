"""What the tasks of all stages share: running the stage and telling Prefect how far it is."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from rich.console import Console

from tasks.artifacts import show_progress
from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.core.progress import Progress
from vouch.project import lines
from vouch.project.stages import find
from vouch.project.versions import reproduce

EVERY = 2.0
"""Seconds between two updates of a progress artifact."""


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry what may pass by itself; a user's mistake does not."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and not isinstance(error, VouchError)


RETRY: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": 5,
    "retry_condition_fn": worth_retrying,
    # what is up to date is DVC's to say, and results are files, never pickles
    "persist_result": False,
    "cache_policy": None,
}


def run(name: str, usecase: str, force: bool) -> dict[str, Any]:
    """Bring one stage up to date, told in the terminal and as a progress artifact.

    Args:
        name: The stage.
        usecase: For which use case.
        force: Run even where nothing changed.

    Returns:
        The outcome's fields, see ``vouch.project.versions.Outcome``.
    """
    console = Console()
    with terminal.working(console, name) as shown:
        outcome = reproduce(
            Path(), find(name), usecase, force=force, progress=_both(shown, name, usecase)
        )
    lines.tell(console, outcome)
    return asdict(outcome)


def _both(shown: Progress, name: str, usecase: str) -> Progress:
    """Report to terminal and Prefect; the artifact is made at the first report, if any."""
    artifact: UUID | None = None
    last = 0.0

    def tell(done: float, total: float, message: str = "") -> None:
        nonlocal artifact, last
        shown(done, total, message)
        if time.monotonic() - last < EVERY:
            return
        last = time.monotonic()
        artifact = show_progress(f"{usecase}-{name}", 100.0 * done / total, message, artifact)

    return tell
