"""From raw files to a registered, explained, honestly evaluated model."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from flows.stages import DATA, MODEL, run
from tasks.data import choose_input, push
from vouch.core import terminal
from vouch.project import lines
from vouch.project import training as driver
from vouch.project.request import Request


@flow(name="training", flow_run_name="training {request.usecase}", persist_result=False)
def training(request: Request) -> list[dict[str, Any]]:
    """Bring every stage up to date, in order.

    A file that comes with the request stays in force only if the stages up to extract run on it.

    Args:
        request: Use case, source, raw file and as-of; all else stands in params.yaml.

    Returns:
        What became of each stage.
    """
    console, usecase = Console(), request.usecase
    with driver.alone(Path(), console):
        with driver.trying(Path(), request, console):
            choice = choose_input(request)
            line = lines.heading(usecase, choice["source"], choice["as_of"])
            terminal.say(console, line)
            outcomes = run(DATA, usecase, request.force)
        outcomes += run(MODEL, usecase, request.force)
        push()
    return outcomes
