"""From files of new rows to files of scores."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from tasks.score import score
from vouch.operate.exchange import pending
from vouch.operate.folders import TO_SCORE
from vouch.request import Scoring


@flow(name="scoring", flow_run_name="scoring {request.usecase}", persist_result=False)
def scoring(request: Scoring) -> list[dict[str, Any]]:
    """Score one file, or every new one of the inbox.

    Args:
        request: Use case, file, source and model.

    Returns:
        What came of each file.
    """
    files = pending(Path(), request.usecase, request.path)
    if not files:
        place = TO_SCORE.format(usecase=request.usecase)
        Console().print(f"nothing new to score in {place}", highlight=False)
    return [score(request, file) for file in files]
