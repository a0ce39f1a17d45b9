"""From raw files to a registered, explained, honestly evaluated model."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from tasks.data import choose_input, push
from tasks.evaluate import evaluate
from tasks.explain import explain
from tasks.extract import extract
from tasks.ingest import ingest
from tasks.label import label
from tasks.register import register
from tasks.report import report
from tasks.tune import tune
from tasks.validate import validate
from vouch import terminal
from vouch import training as driver
from vouch.request import Request

ORDER = (ingest, validate, label, extract, tune, evaluate, explain, register, report)


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
        line = terminal.heading(request.usecase, choice["source"], choice["as_of"])
        console.print(line, highlight=False)
        outcomes = [stage(request.usecase, request.force) for stage in ORDER]
        push()
    return outcomes
