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
        Path | None,
        typer.Option(help="A file of them, too: .csv, or .json for Label Studio; else the page's."),
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
    and a quarter at random, which alone tell honestly how good the model is. They wait on the
    review page (`vouch up`). In a file, fill in the columns decision and reviewer (and comment),
    then: vouch collect USECASE FILE.

    Examples:
      vouch enqueue fraud -n 50
      vouch enqueue fraud -n 50 --out cases.csv
      vouch enqueue sentiment --out tasks.json
      vouch enqueue fraud --again --out lost.csv
      vouch enqueue fraud --withdraw
    """
    from vouch.core.files import write_json
    from vouch.review.enqueue.stage import withdraw as take_back

    if withdraw:
        withdrawn = take_back(ROOT, STATE, usecase)
        result: Mapping[str, object] = {"withdrawn": withdrawn}
        write(f"{withdrawn:,} cases taken back")
    elif again:
        result = _write_again(usecase, out)
    else:
        result = _put_out(usecase, n, out)
    if json_file:
        write_json(json_file, result)


def _write_again(usecase: str, out: Path | None) -> "Enqueued":
    from vouch.core.errors import VouchError
    from vouch.review.enqueue.stage import again

    if out is None:
        raise VouchError("--out is missing", f"vouch enqueue {usecase} --again --out cases.csv")
    return _told(again(ROOT, STATE, usecase, out))


def _put_out(usecase: str, n: int | None, out: Path | None) -> "Enqueued":
    from rich.console import Console

    from vouch.core import terminal
    from vouch.review.enqueue.stage import enqueue as put_out

    with terminal.working(Console(stderr=True), "enqueue") as progress:
        return _told(put_out(ROOT, STATE, usecase, n, out, progress))


def _told(result: "Enqueued") -> "Enqueued":
    """Show what was put out."""
    streams = ", ".join(f"{count:,} {name}" for name, count in result["by_stream"].items())
    if new := result["by_part"].get("new"):
        streams += f"; {new:,} of rows that came since the training"
    out = result["out"]
    no_file = f": {out} is not written" if out else ""
    where = f" ({streams}) -> {out or 'the review page'}" if result["cases"] else no_file
    write(f"{result['model']}: {result['cases']:,} cases{where}")
    for warning in result["warnings"]:
        write(f"warning: {warning}", error=True)
    return result
