"""New rows in: raw files from the inbox to features."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from flows.stages import DATA, run
from tasks.data import push
from tasks.events import emit
from tasks.intake import take_rows
from tasks.score import score_rows
from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.operate.events import TAKEN
from vouch.operate.exchange import is_behind, new_files
from vouch.operate.folders import ROWS
from vouch.project import training as driver
from vouch.project.request import Intake
from vouch.project.trial import end_trial


@flow(name="intake", flow_run_name="intake {request.usecase}", persist_result=False)
def intake(request: Intake) -> dict[str, Any]:
    """Take every raw file of the inbox in, and bring the data up to date: ingest to extract.

    The champion then scores what it has not learned from, and people are asked about the day's
    cases if there is capacity left.

    A file leaves the inbox only when its rows are in force; one that cannot be taken stays there,
    the error beside it, the others are taken, and the run fails at its end with that error.

    Args:
        request: The use case.

    Returns:
        ``taken``, names of files; ``stages``, what became of each; and ``scored``, the rows that
        no model has learned from yet, by class (None where there is no model).
    """
    usecase, console = request.usecase, Console()
    with driver.alone(Path(), console):
        repaired = end_trial(Path(), usecase)
        taken: list[str] = []
        refused: dict[Path, VouchError] = {}
        while files := [file for file in new_files(Path(), usecase, ROWS) if file not in refused]:
            result = take_rows(usecase, files)
            taken += [file.name for file in result.files]
            refused |= result.refused
        outcomes: list[dict[str, Any]] = []
        if taken or refused or repaired:
            outcomes = run(DATA, usecase, False)
            push()
        else:
            terminal.say(console, f"nothing new in {ROWS.format(usecase=usecase)}")
        # also what a killed run took, and anew after a training
        scored = score_rows(usecase) if taken or is_behind(Path(), usecase) else None
    if scored and scored["rows"]:
        emit(TAKEN, usecase, {"rows": scored["rows"]})
    for error in refused.values():
        raise error
    return {"taken": taken, "stages": outcomes, "scored": scored}
