"""Reviewers' decisions in, the next cases out."""

import time
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from tasks.collect import collect
from tasks.enqueue import enqueue
from vouch.core import terminal
from vouch.core.errors import VouchError, described, is_of_data
from vouch.operate.exchange import new_files, put_aside, refuse, todays_cases
from vouch.operate.folders import REVIEWS
from vouch.project import training as driver
from vouch.project.request import Feedback
from vouch.sources.manifest import sha256_of


@flow(name="feedback", flow_run_name="feedback {request.usecase}", persist_result=False)
def feedback(request: Feedback) -> dict[str, Any]:
    """Record what reviewers decided, in files and on the page, then put out the day's cases.

    A file leaves the inbox only after its decisions are recorded; one that cannot be read stays
    there, the error beside it, the others are taken, and the run fails at its end with that error.

    Args:
        request: Use case and number of cases.

    Returns:
        ``collected``, a result a file and at last one of the page, and ``enqueued``.
    """
    usecase, console = request.usecase, Console()
    with driver.alone(Path(), console):  # labels must not change under a training
        collected, errors = _collect(usecase, console)
        collected.append(collect(usecase))
        enqueued = enqueue(usecase, request.n, todays_cases(Path(), usecase, date.today()))
    if errors:
        raise errors[0]
    return {"collected": collected, "enqueued": enqueued}


def _collect(usecase: str, console: Console) -> tuple[list[dict[str, Any]], list[Exception]]:
    collected: list[dict[str, Any]] = []
    try:
        files = new_files(Path(), usecase, REVIEWS)
    except VouchError as error:  # the page's decisions are taken all the same
        terminal.say(console, f"  collect   {described(error)}")
        return collected, [error]
    errors = []
    for path in files:
        began = time.time()
        try:
            collected += _take(usecase, path, console)
        except Exception as error:  # one file's failure keeps no other from being taken
            terminal.say(console, f"  collect   {path}: {described(error)}")
            if is_of_data(error) and path.exists():
                refuse(path, described(error), began)
            errors.append(error)
    return collected, errors


def _take(usecase: str, path: Path, console: Console) -> list[dict[str, Any]]:
    """Record a file's decisions and put it aside."""
    if not path.exists():
        terminal.say(console, f"  collect   {path} has gone")
        return []
    digest = sha256_of(path)
    collected = collect(usecase, path)
    if put_aside(path, digest) is None:
        terminal.say(console, f"  collect   {path} changed: it is read again next time")
    return [collected]
