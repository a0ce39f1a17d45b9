"""From files of new rows to files of scores."""

import time
from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from tasks.score import score
from vouch.core import terminal
from vouch.core.errors import described
from vouch.operate.exchange import is_scored, pending, refuse, to_score
from vouch.operate.folders import TO_SCORE
from vouch.project.request import Scoring


@flow(name="scoring", flow_run_name="scoring {request.usecase}", persist_result=False)
def scoring(request: Scoring) -> list[dict[str, Any]]:
    """Score one file, or every new one of the inbox.

    One that cannot be scored keeps none of the others from it and gets the reason beside it; the
    run fails at its end with that file's error, and the next one tries it again.

    Args:
        request: Use case, file, source and model.

    Returns:
        What came of each file.
    """
    usecase, console = request.usecase, Console()
    files = [request.path] if request.path else to_score(Path(), usecase)
    scored: list[dict[str, Any]] = []
    errors: list[Exception] = []
    for path in files:
        began = time.time()
        try:
            scored += _score(request, path)
        except Exception as error:  # one file's failure keeps no other from being scored
            terminal.say(console, f"  score     {path}: {described(error)}")
            if not request.path and path.exists():
                refuse(path, described(error), began)
            errors.append(error)
    if errors:
        raise errors[0]
    if not scored:
        terminal.say(console, f"nothing new to score in {TO_SCORE.format(usecase=usecase)}")
    return scored


def _score(request: Scoring, path: Path) -> list[dict[str, Any]]:
    """Score a file of the inbox unless it was, or one that was named in any case."""
    file = pending(Path(), request.usecase, path)
    return [score(request, file)] if request.path or not is_scored(file) else []
