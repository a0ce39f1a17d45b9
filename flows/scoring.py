"""From files of new rows to files of scores."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from tasks.score import score
from vouch.core import terminal
from vouch.core.errors import described
from vouch.operate.exchange import pending
from vouch.operate.folders import TO_SCORE
from vouch.project.request import Scoring


@flow(name="scoring", flow_run_name="scoring {request.usecase}", persist_result=False)
def scoring(request: Scoring) -> list[dict[str, Any]]:
    """Score one file, or every new one of the inbox.

    One that cannot be scored keeps none of the others from it; the run fails at its end with that
    file's error.

    Args:
        request: Use case, file, source and model.

    Returns:
        What came of each file.
    """
    files = pending(Path(), request.usecase, request.path)
    if not files:
        place = TO_SCORE.format(usecase=request.usecase)
        terminal.say(Console(), f"nothing new to score in {place}")
    scored: list[dict[str, Any]] = []
    errors: list[Exception] = []
    for file in files:
        try:
            scored.append(score(request, file))
        except Exception as error:  # one file's failure keeps no other from being scored
            terminal.say(Console(), f"  score     {file.path}: {described(error)}")
            errors.append(error)
    if errors:
        raise errors[0]
    return scored
