"""Around the stages: what comes in and what is pushed, as Prefect tasks."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.stage import RETRY
from vouch.project import training, versions
from vouch.project.request import Request


@task(name="choose input", **RETRY)
def choose_input(request: Request) -> dict[str, Any]:
    """Take the raw files the request names and write the choice down."""
    return training.choose_input(Path(), request).model_dump(mode="json")


@task(name="push", **RETRY)
def push() -> int:
    """Push the datasets to the default DVC remote; gives the number of new files."""
    return versions.push(Path())
