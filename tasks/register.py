"""The stage `register` as a Prefect task, the gate's reasons as a page."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_text
from tasks.stage import RETRY, run
from vouch.project.paths import STATE
from vouch.registry.approval import Waiting, approve, refuse
from vouch.results.register import Registration


@task(name="register", task_run_name="register {usecase}", **RETRY)
def register(usecase: str, force: bool = False) -> dict[str, Any]:
    """The model into MLflow's registry; the gate decides on the champion."""
    outcome = run("register", usecase, force)
    registration = Registration.read(Path(f"data/register/{usecase}/registration.json"))
    verdict = "champion" if registration.gate["promoted"] else "challenger"
    title = f"{registration.name} version {registration.version}: {verdict}"
    show_text(f"{usecase}-gate", title, registration.gate["reasons"])
    return outcome


@task(name="decide", task_run_name="decide {waiting.name}", **RETRY)
def decide(waiting: Waiting, promote: bool, who: str, why: str) -> None:
    """Write down what a person decided about a challenger, and follow it."""
    if promote:
        approve(STATE, waiting, who, why)
    else:
        refuse(STATE, waiting, who, why)
