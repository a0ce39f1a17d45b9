"""The stage `register` as a Prefect task, the gate's reasons as a page."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import show_text
from tasks.stage import RETRY, run
from vouch.files import read_json
from vouch.pipeline import STATE
from vouch.register.approval import Waiting, approve, refuse


@task(name="register", task_run_name="register {usecase}", **RETRY)
def register(usecase: str, force: bool = False) -> dict[str, Any]:
    """The model into MLflow's registry; the gate decides on the champion."""
    outcome = run("register", usecase, force)
    made = read_json(Path(f"data/register/{usecase}/registration.json"))
    verdict = "champion" if made["gate"]["promoted"] else "challenger"
    title = f"{made['name']} version {made['version']}: {verdict}"
    show_text(f"{usecase}-gate", title, made["gate"]["reasons"])
    return outcome


@task(name="decide", task_run_name="decide {asked.name}", **RETRY)
def decide(asked: Waiting, promote: bool, who: str, why: str) -> None:
    """Write down what a person decided about a challenger, and follow it."""
    if promote:
        approve(STATE, asked, who, why)
    else:
        refuse(STATE, asked, who, why)
