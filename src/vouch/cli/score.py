"""``vouch score``: scores for every row of a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.output import write
from vouch.project.paths import STATE
from vouch.usecases import names

if TYPE_CHECKING:
    from vouch.serve.stage import Scored


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(score)


def score(
    usecase: Annotated[str, typer.Argument(help=" or ".join(names()))],
    path: Annotated[Path, typer.Option(help="The rows to score: CSV, Parquet or JSON lines.")],
    out: Annotated[Path, typer.Option(help="Where the scores go: .csv or .parquet.")],
    source: Annotated[
        str | None, typer.Option(help="A declaration in data/sources; else the present one.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="champion, challenger, a version, or NAME:VERSION.")
    ] = "champion",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the counts here.")] = None,
) -> None:
    """Score every row of a new file: id, prediction, a score a class, reason; in input order.

    Classes are called as in the source's label column: score_0 and score_1, or score_negative,
    score_neutral and score_positive. A row that cannot be read, or that training would
    quarantine, keeps its place with empty scores and the reason, and is counted; so does one that
    is in the holdout.

    Examples:
      vouch score fraud --path new.csv --out scores.csv
      vouch score fraud --path new.csv --model challenger --out scores.parquet
      vouch score sentiment --path tweets.csv --out scores.csv
      vouch score fraud --source paysim --path real.csv --model fraud-simulated:champion --out s.csv
    """
    from rich.console import Console

    from vouch.core import terminal
    from vouch.core.files import write_json
    from vouch.serve import Request
    from vouch.serve import score as score_file

    request = Request(usecase, path, out, source, model)
    with terminal.working(Console(stderr=True), "score") as progress:
        result = score_file(Path(), STATE, request, progress)
    write(
        f"{result['model']}: {result['scored']:,} of {result['rows']:,} rows scored, "
        f"{_class_counts(result)} -> {out}"
    )
    for warning in result["warnings"]:
        write(f"warning: {warning}", error=True)
    if json_file:
        write_json(json_file, result)


def _class_counts(result: "Scored") -> str:
    """Return how many rows got which class."""
    if result["threshold"] is not None:
        flagged = list(result["predicted"].values())[1]
        return f"{flagged:,} at or above {result['threshold']:.4g}"
    return ", ".join(f"{count:,} {name}" for name, count in result["predicted"].items())
