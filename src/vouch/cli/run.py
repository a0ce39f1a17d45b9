"""``vouch run``: the whole pipeline, by Prefect or bare."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vouch.output import write
from vouch.usecases import USECASES

if TYPE_CHECKING:
    from vouch.request import Request

ROOT = Path()


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    usecase: Annotated[str, typer.Argument(help=" or ".join(USECASES))],
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
    """Bring a use case up to date: raw file to registered model and report.

    Stages that are up to date stay as they are; a killed run goes on in the stage it was in.

    Examples:
      vouch run fraud
      vouch run fraud --source paysim --path payments.csv
      vouch run fraud --as-of 2024-01-20 --no-prefect
      vouch run fraud --engine spark
      vouch run sentiment --source tweets_csv --path tweets.csv --holdout later.csv
    """
    from vouch.request import Request

    files = {"path": path, "add": add, "holdout": holdout}
    asked = {"source": source, **files, "as_of": as_of, "engine": engine}
    request = Request.model_validate({"usecase": usecase, "force": force, **asked})
    outcomes = _by_prefect(request) if prefect else _bare(request)
    _tell_result(usecase)
    if json_file:
        from vouch.files import write_json

        write_json(json_file, outcomes)


def _bare(request: "Request") -> list[dict[str, Any]]:
    from dataclasses import asdict

    from rich.console import Console

    from vouch.training import train

    return [asdict(outcome) for outcome in train(ROOT, request, Console())]


def _by_prefect(request: "Request") -> list[dict[str, Any]]:
    """Run the flow in a process of its own: this package knows nothing of Prefect."""
    from vouch.files import read_json

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "outcomes.json"
        command = [sys.executable, "-m", "flows", "training", request.model_dump_json()]
        flow = subprocess.Popen(command, env=os.environ | {"VOUCH_ANSWER": str(answer)})
        try:
            code = flow.wait()
        except KeyboardInterrupt:  # it reached the flow too, which now stops its server
            code = flow.wait()
        if code:
            raise typer.Exit(code)
        outcomes: list[dict[str, Any]] = read_json(answer)
    return outcomes


def _tell_result(usecase: str) -> None:
    from vouch.files import read_json

    made = read_json(ROOT / f"data/register/{usecase}/registration.json")
    verdict = "champion" if made["gate"]["promoted"] else "challenger, not promoted"
    write(f"model   {made['name']} version {made['version']}: {verdict}")
    for reason in made["gate"]["reasons"]:
        write(f"        {reason}")
    write(f"report  {(ROOT / f'data/report/{usecase}/report.html').resolve()}")
