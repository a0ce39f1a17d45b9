"""A new model of what is known by now, a fresh holdout for it, and a person's approval."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from rich.console import Console

from flows.approval import by_hand, candidate_of
from flows.stages import DATA, MODEL, run
from tasks.data import choose_input, push
from tasks.extract import extract
from tasks.holdout import renew_holdout
from vouch.core import terminal
from vouch.operate.enough import note_tried
from vouch.project import lines
from vouch.project import training as driver
from vouch.project.request import Retraining
from vouch.registry.approval import Waiting


@flow(name="retraining", flow_run_name="retraining {request.usecase}", persist_result=False)
def retraining(request: Retraining) -> list[dict[str, Any]]:
    """Learn from what came since the last training; stages that it does not touch stay.

    A spent holdout gives way to a fresh one if newer rows have filled one. Where the gate leaves
    promotions to people, the deployment ``approval-<usecase>`` asks them in the Prefect page; this
    run ends, so that the next one can learn from what comes meanwhile.

    Args:
        request: Use case, new rows, and whether to ask for approval.

    Returns:
        What became of each stage.
    """
    outcomes = _retrain(request)
    candidate = candidate_of(request.usecase)
    if candidate and request.approval:
        _call_a_person(candidate, request.usecase)
    return outcomes


def _retrain(request: Retraining) -> list[dict[str, Any]]:
    usecase, console = request.usecase, Console()
    with driver.alone(Path(), console):
        note_tried(Path(), usecase)
        with driver.trying(Path(), request.training(), console):
            choice = choose_input(request.training())
            line = lines.heading(usecase, choice["source"], choice["as_of"])
            terminal.say(console, line)
            outcomes = run(DATA, usecase, request.force)
        if renew_holdout(usecase)["status"] == "rotated":
            outcomes[-1] = extract(usecase, request.force)
        outcomes += run(MODEL, usecase, request.force)
        push()
    return outcomes


def _call_a_person(candidate: Waiting, usecase: str) -> None:
    """Start the deployment that asks about a challenger, unless it is asking; wait for nothing."""
    console, version = Console(), f"{candidate.name}:{candidate.version}"
    key = f"{version} {candidate.model_id}"
    try:
        run = _approval(usecase, key)
        while run.state and run.state.is_final():  # it ended without an answer: asked once more
            key = f"{key} {run.id}"
            run = _approval(usecase, key)
    except ObjectNotFound:  # a server without the project's deployments
        terminal.say(console, f"{version} waits for a person: {by_hand(candidate, usecase)}")
    else:
        terminal.say(console, f"{version} waits for a person: see approval-{usecase} in the page")


def _approval(usecase: str, key: str) -> FlowRun:
    """Start a run of the deployment, or return the one that was started for the same key."""
    from prefect.deployments import run_deployment

    name = f"approval/approval-{usecase}"
    run = run_deployment(name, timeout=0, as_subflow=False, idempotency_key=key)
    assert isinstance(run, FlowRun)  # called from a flow that is no coroutine
    return run
