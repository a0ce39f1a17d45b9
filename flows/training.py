"""From raw files to a registered, explained, honestly evaluated model."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from flows.stages import ORDER, run
from tasks.data import choose_input, push
from vouch.core import terminal
from vouch.project import lines
from vouch.project import training as driver
from vouch.project.request import Request


@flow(name="training", flow_run_name="training {request.usecase}", persist_result=False)
def training(request: Request) -> list[dict[str, Any]]:
    """Bring every stage up to date, in order.

    Args:
        request: Use case, source, raw file and as-of; all else stands in params.yaml.

    Returns:
        What became of each stage.
    """
    console = Console()
    with driver.alone(Path(), console):
        choice = choose_input(request)
        line = lines.heading(request.usecase, choice["source"], choice["as_of"])
        terminal.say(console, line)
        outcomes = run(ORDER, request.usecase, request.force)
        push()
    return outcomes
