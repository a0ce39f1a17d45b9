"""Prefect's part of the command line, in a process of its own.

``python -m flows training '{"usecase": "fraud"}' …`` runs a flow in this process, once a request;
``event NAME '{"usecase": "fraud"}'`` emits an event; ``prepare POOL`` makes a new server ready for
workers; ``close ID …`` closes runs that a kill left; ``serve N`` is the server itself, on the
socket of that number.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console

from flows.server import environment, serve, serving, wait_until_healthy
from vouch.core.errors import VouchError, suggest
from vouch.core.files import write_json
from vouch.core.output import write
from vouch.operate import loopback, server_of
from vouch.operate.record import own_secret
from vouch.project.faults import report
from vouch.project.request import Approving, Feedback, Intake, Request, Retraining, Scoring

FLOWS: dict[str, type[BaseModel]] = {
    "training": Request,
    "scoring": Scoring,
    "intake": Intake,
    "feedback": Feedback,
    "retraining": Retraining,
    "approval": Approving,
}
"""Each flow's name and what it is asked for."""


def main() -> int:
    """Do what the command line names."""
    loopback.spare()
    try:
        what, *words = sys.argv[1:]
        if what == "event":
            return _event(*words)
        if what == "serve":
            return serve(*words)
        if what == "close":
            return _close(words)
        return _prepare(*words) if what == "prepare" else _flow(what, *words)
    except Exception as error:
        return report(error, Path())


def _flow(name: str, *texts: str) -> int:
    """Serve, sweep what a killed run left, run the flow once for each request."""
    if name not in FLOWS:
        raise VouchError(f"no flow {name!r}", suggest(name, FLOWS))
    requests = [FLOWS[name].model_validate_json(text) for text in texts]
    own = server_of(Path()) is None
    with serving(Path(), Console()) as url:
        return _run(name, requests, url, own)


def _run(name: str, requests: Sequence[BaseModel], url: str, own: bool) -> int:
    # imported while the server comes up: its settings are in the environment by now
    from prefect.logging.handlers import APILogHandler

    from flows.sweep import sweep

    flow = _imported(name)
    wait_until_healthy(Path(), url)
    if own:
        sweep()
    try:
        answers = [flow(request) for request in requests]
    finally:
        APILogHandler().flush()  # before the server that takes the log is stopped
    if place := os.environ.get("VOUCH_ANSWER"):
        write_json(Path(place), answers)
    return 0


def _imported(name: str) -> Callable[[Any], Any]:
    """Import a flow: each needs what the others do without."""
    flow: Callable[[Any], Any]
    match name:
        case "training":
            from flows.training import training as flow
        case "scoring":
            from flows.scoring import scoring as flow
        case "intake":
            from flows.intake import intake as flow
        case "feedback":
            from flows.feedback import feedback as flow
        case "retraining":
            from flows.retraining import retraining as flow
        case "approval":
            from flows.approval import approval as flow
        case _:
            raise KeyError(name)
    return flow


def _event(name: str, payload_json: str) -> int:
    """Emit an event about a use case to the server that serves the project."""
    _reach_server()
    from prefect.events.worker import EventsWorker

    from tasks.events import emit

    payload: dict[str, Any] = json.loads(payload_json)
    emit(name, payload.pop("usecase"), payload)
    EventsWorker.instance().wait_until_empty()
    return 0


def _prepare(pool: str) -> int:
    """Close what a kill left and make the work pool."""
    _reach_server()
    from flows.pool import make_pool
    from flows.sweep import sweep

    write(f"{sweep()} runs closed that were killed")
    make_pool(pool)
    return 0


def _close(runs: list[str]) -> int:
    """Close runs on the server of the project, started for it if there is none."""
    with serving(Path(), Console()) as url:
        from flows.sweep import close

        wait_until_healthy(Path(), url)
        close(runs)
    return 0


def _reach_server() -> None:
    """Point Prefect at the server that serves the project.

    Raises:
        VouchError: There is none.
    """
    url = server_of(Path())
    if url is None:
        raise VouchError(
            "no Prefect server serves this project", "vouch up, or set PREFECT_API_URL"
        )
    os.environ.update(environment(Path()) | own_secret(Path()) | {"PREFECT_API_URL": url})


if __name__ == "__main__":
    sys.exit(main())
