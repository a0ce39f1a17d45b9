"""A new model of what is known by now, a fresh holdout for it, and a person's approval."""

from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field
from rich.console import Console

from flows.stages import DATA, MODEL, run
from tasks.artifacts import escape, items
from tasks.data import choose_input, push
from tasks.extract import extract
from tasks.holdout import renew_holdout
from tasks.register import decide
from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.project import lines
from vouch.project import training as driver
from vouch.project.paths import STATE
from vouch.project.request import Retraining
from vouch.project.stages import find
from vouch.registry.approval import Waiting, waiting

POLL = 5
"""Seconds between two looks whether a person has answered."""


class Approval(RunInput):
    """A person's answer to a better challenger; the log keeps it."""

    decision: Literal["promote", "keep the champion"] = Field(description="What is to be done.")
    who: str = Field(min_length=1, description="Your name.")
    reason: str = Field(min_length=1, description="Why.")


@flow(name="retraining", flow_run_name="retraining {request.usecase}", persist_result=False)
def retraining(request: Retraining) -> list[dict[str, Any]]:
    """Learn from what came since the last training; stages that it does not touch stay.

    A spent holdout gives way to a fresh one if newer rows have filled one. Where the gate leaves
    promotions to people, the run waits in the Prefect page for their answer.

    Args:
        request: Use case, new rows, and whether to wait for approval.

    Returns:
        What became of each stage.
    """
    outcomes = _retrain(request)
    place = find("register").outputs["registration"].format(usecase=request.usecase)
    candidate = waiting(Path(place), STATE)
    if candidate and request.approval:
        answer = _ask(candidate, request)
        decide(candidate, answer.decision == "promote", answer.who, answer.reason)
    return outcomes


def _retrain(request: Retraining) -> list[dict[str, Any]]:
    usecase, console = request.usecase, Console()
    with driver.alone(Path(), console):
        choice = choose_input(request.training())
        line = lines.heading(usecase, choice["source"], choice["as_of"])
        terminal.say(console, line)
        outcomes = run(DATA, usecase, request.force)
        if renew_holdout(usecase)["status"] == "rotated":
            outcomes[-1] = extract(usecase, request.force)
        outcomes += run(MODEL, usecase, request.force)
        push()
    return outcomes


def _ask(candidate: Waiting, request: Retraining) -> Approval:
    """Wait for a person's answer; other runs may work meanwhile."""
    before = f"version {candidate.champion}" if candidate.champion else "no champion yet"
    name = escape(f"{candidate.name} version {candidate.version}")
    question = f"**{name}** may replace {before}.\n\n{items(candidate.reasons)}"
    form = Approval.with_initial_data(description=question)
    try:
        return pause_flow_run(
            wait_for_input=form, timeout=int(request.patience_hours * 3600), poll_interval=POLL
        )
    except FlowPauseTimeout:
        hours = f"{request.patience_hours:g} hours"
        raise VouchError(
            f"nobody decided about {candidate.name}:{candidate.version} in {hours}",
            f'vouch promote {request.usecase} --version {candidate.version} --why "…"',
        ) from None
