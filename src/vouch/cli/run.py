"""``vouch run``: the whole pipeline, by Prefect or without it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vouch.core.errors import VouchError
from vouch.core.output import write
from vouch.usecases import names

if TYPE_CHECKING:
    from vouch.project.request import Request

ROOT = Path()
Result = dict[str, Any]
"""A stage's outcome as JSON; see :class:`vouch.project.versions.Outcome`."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    usecases: Annotated[list[str], typer.Argument(metavar="USECASE...", help=", ".join(names()))],
    source: Annotated[str | None, typer.Option(help="A declaration in data/sources.")] = None,
    path: Annotated[
        Path | None, typer.Option(help="A raw file; replaces the source's files.")
    ] = None,
    add: Annotated[Path | None, typer.Option(help="A raw file that joins the others.")] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="A raw file whose rows are the holdout, never trained on.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="An ISO time or 'latest': what was known then, no more.")
    ] = None,
    engine: Annotated[
        Literal["duckdb", "spark"] | None, typer.Option(help="Where features are computed.")
    ] = None,
    prefect: Annotated[bool, typer.Option(help="Run as a Prefect flow.")] = True,
    force: Annotated[bool, typer.Option(help="Run every stage, changed or not.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what became of each stage here.")
    ] = None,
) -> None:
    """Bring use cases up to date: raw file to registered model and report.

    Stages that are up to date stay as they are; a killed run goes on in the stage it was in.
    Where no stage has anything to do, no Prefect server is started. With more than one use case
    the first that fails ends the run; a file or source can be named for one only.

    Examples:
      vouch run fraud
      vouch run fraud sentiment
      vouch run fraud --source paysim --path payments.csv
      vouch run fraud --as-of 2024-01-20 --no-prefect
      vouch run fraud --engine spark
      vouch run sentiment --source tweets_csv --path tweets.csv --holdout later.csv
    """
    from vouch.core.files import write_json

    options = {"source": source, "path": path, "add": add, "holdout": holdout}
    requests = _requests(usecases, options, {"as_of": as_of, "engine": engine, "force": force})
    outcomes = _by_prefect(requests) if prefect else _bare(requests)
    for usecase in usecases:
        _show_result(usecase)
    if json_file:
        write_json(json_file, outcomes)


def _requests(usecases: list[str], own: dict[str, Any], common: dict[str, Any]) -> list["Request"]:
    """Return one request per use case; options that choose an input need a single use case."""
    from vouch.project.request import Request

    if len(usecases) > 1 and (named := [name for name, value in own.items() if value]):
        raise VouchError(
            f"--{named[0]} belongs to one use case, not to {' and '.join(usecases)}",
            f"vouch run {usecases[0]} --{named[0]} {own[named[0]]}",
        )
    return [Request.model_validate({"usecase": each, **own, **common}) for each in usecases]


def _bare(requests: list["Request"]) -> list[Result]:
    from dataclasses import asdict

    from rich.console import Console

    from vouch.project.training import train

    outcomes = [each for request in requests for each in train(ROOT, request, Console())]
    return [asdict(outcome) for outcome in outcomes]


def _by_prefect(requests: list["Request"]) -> list[Result]:
    """Run the use cases in order; those from the first that has work to do, in one flow process.

    A server that is up is always asked: its page shows every run.
    """
    from dataclasses import asdict

    from rich.console import Console

    from vouch.operate import server_of
    from vouch.project.training import nothing_to_do

    outcomes: list[Result] = []
    for number, request in enumerate(requests):
        current = None if server_of(ROOT) else nothing_to_do(ROOT, request, Console())
        if current is None:
            return outcomes + _by_flow(requests[number:])
        outcomes += map(asdict, current)
    return outcomes


def _by_flow(requests: list["Request"]) -> list[Result]:
    """Run the flow in a process of its own: this package knows nothing of Prefect."""
    from vouch.core.files import read_json

    words = [request.model_dump_json() for request in requests]
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "outcomes.json"
        command = [sys.executable, "-m", "flows", "training", *words]
        flow = subprocess.Popen(command, env=os.environ | {"VOUCH_ANSWER": str(answer)})
        try:
            code = flow.wait()
        except KeyboardInterrupt:  # it reached the flow too, which now stops its server
            code = flow.wait()
        if code:
            raise typer.Exit(code)
        answers: list[list[Result]] = read_json(answer)
    return [outcome for outcomes in answers for outcome in outcomes]


def _show_result(usecase: str) -> None:
    from vouch.project.blind import changed_since_frozen
    from vouch.results.register import Registration

    registration = Registration.read(ROOT / f"data/register/{usecase}/registration.json")
    verdict = "champion" if registration.gate["promoted"] else "challenger, not promoted"
    write(f"model   {registration.name} version {registration.version}: {verdict}")
    for reason in registration.gate["reasons"]:
        write(f"        {reason}")
    if changed_since_frozen(ROOT, usecase):
        write(f"blind   the pipeline has changed since it was frozen: vouch blind status {usecase}")
    write(f"report  {(ROOT / f'data/report/{usecase}/report.html').resolve()}")
