"""``vouch enqueue``: cases for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.output import write
from vouch.project.paths import STATE
from vouch.usecases import names

if TYPE_CHECKING:
    from vouch.review.enqueue.stage import Enqueued

ROOT = Path()


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(enqueue)


def enqueue(
    usecase: Annotated[str, typer.Argument(help=" or ".join(names()))],
    out: Annotated[
        Path | None, typer.Option(help="Where the cases go: .csv, or .json for Label Studio.")
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", help="How many; else what the day has capacity left for.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Write those that are out once more; choose none.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back those that are out; choose none.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the counts here.")] = None,
) -> None:
    """Put cases before people: those a decision teaches most about, and a random sample.

    Chosen are rows the model is unsure of, with much money at risk, or whose rule says otherwise,
    and a quarter at random, which alone tell honestly how good the model is. Fill in the columns
    decision and reviewer (and comment), then: vouch collect USECASE FILE.

    Examples:
      vouch enqueue fraud -n 50 --out cases.csv
      vouch enqueue sentiment --out tasks.json
      vouch enqueue fraud --again --out lost.csv
      vouch enqueue fraud --withdraw
    """
    from vouch.core.errors import VouchError
    from vouch.core.files import write_json
    from vouch.review.enqueue.stage import withdraw as take_back

    if withdraw:
        withdrawn = take_back(ROOT, STATE, usecase)
        result: Mapping[str, object] = {"withdrawn": withdrawn}
        write(f"{withdrawn:,} cases taken back")
    elif out is None:
        raise VouchError("--out is missing", f"vouch enqueue {usecase} --out cases.csv")
    else:
        result = _put_out(usecase, n, out, again)
    if json_file:
        write_json(json_file, result)


def _put_out(usecase: str, n: int | None, out: Path, again: bool) -> "Enqueued":
    from rich.console import Console

    from vouch.core import terminal
    from vouch.review.enqueue.stage import again as once_more
    from vouch.review.enqueue.stage import enqueue as put_out

    if again:
        result = once_more(ROOT, STATE, usecase, out)
    else:
        with terminal.working(Console(stderr=True), "enqueue") as progress:
            result = put_out(ROOT, STATE, usecase, n, out, progress)
    streams = ", ".join(f"{count:,} {name}" for name, count in result["by_stream"].items())
    if new := result["by_part"].get("new"):
        streams += f"; {new:,} of rows that came since the training"
    where = f" ({streams}) -> {out}" if result["cases"] else f": {out} is not written"
    write(f"{result['model']}: {result['cases']:,} cases{where}")
    for warning in result["warnings"]:
        write(f"warning: {warning}", error=True)
    return result
