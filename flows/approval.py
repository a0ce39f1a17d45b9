"""A person's answer about a better challenger."""

from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field
from rich.console import Console

from tasks.artifacts import escape, items
from tasks.register import decide
from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.project.paths import STATE
from vouch.project.request import Approving
from vouch.project.stages import find
from vouch.registry.approval import Waiting, waiting

POLL = 5
"""Seconds between two looks whether a person has answered."""


class Approval(RunInput):
    """A person's answer to a better challenger; the log keeps it."""

    decision: Literal["promote", "keep the champion"] = Field(description="What is to be done.")
    who: str = Field(min_length=1, description="Your name.")
    reason: str = Field(min_length=1, description="Why.")


@flow(name="approval", flow_run_name="approval {request.usecase}", persist_result=False)
def approval(request: Approving) -> str | None:
    """Ask a person, in the Prefect page, about the challenger that waits; the log keeps the answer.

    Trainings go on meanwhile: a newer challenger is asked about by a run of its own.

    Args:
        request: Use case, and how long to wait.

    Returns:
        The person's decision; None where no challenger waits.
    """
    candidate = candidate_of(request.usecase)
    if candidate is None:
        terminal.say(Console(), f"no challenger of {request.usecase} waits for a person")
        return None
    answer = _ask(candidate, request)
    decide(candidate, answer.decision == "promote", answer.who, answer.reason)
    return answer.decision


def _ask(candidate: Waiting, request: Approving) -> Approval:
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
            by_hand(candidate, request.usecase),
        ) from None


def candidate_of(usecase: str) -> Waiting | None:
    """Return the challenger of a use case that waits for a person; None for none."""
    place = Path(find("register").outputs["registration"].format(usecase=usecase))
    return waiting(place, STATE) if place.exists() else None


def by_hand(candidate: Waiting, usecase: str) -> str:
    """Return the command by which a challenger that waits is promoted."""
    return f'vouch promote {usecase} --version {candidate.version} --why "…"'
