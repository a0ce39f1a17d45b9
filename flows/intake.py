"""New rows in: raw files from the inbox to features."""

from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console

from flows.stages import DATA, run
from tasks.data import push
from tasks.intake import take_rows
from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.operate.exchange import new_rows
from vouch.operate.folders import ROWS
from vouch.project import training as driver
from vouch.project.request import Intake
from vouch.project.trial import end_trial


@flow(name="intake", flow_run_name="intake {request.usecase}", persist_result=False)
def intake(request: Intake) -> dict[str, Any]:
    """Take every raw file of the inbox in, and bring the data up to date: ingest to extract.

    A file leaves the inbox only when its rows are in force; one that cannot be taken stays there,
    the error beside it, the others are taken, and the run fails at its end with that error.

    Args:
        request: The use case.

    Returns:
        ``taken``, names of files, and ``stages``, what became of each.
    """
    usecase, console = request.usecase, Console()
    with driver.alone(Path(), console):
        repaired = end_trial(Path(), usecase)
        taken: list[str] = []
        refused: dict[Path, VouchError] = {}
        while files := [file for file in new_rows(Path(), usecase) if file not in refused]:
            result = take_rows(usecase, files)
            taken += [file.name for file in result.files]
            refused |= result.refused
        if not taken and not refused and not repaired:
            terminal.say(console, f"nothing new in {ROWS.format(usecase=usecase)}")
            return {"taken": [], "stages": []}
        outcomes = run(DATA, usecase, False)
        push()
    for error in refused.values():
        raise error
    return {"taken": taken, "stages": outcomes}
