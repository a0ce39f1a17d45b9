"""``vouch add``: new rows for a use case, from ingest to extract."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.output import write
from vouch.usecases import names

if TYPE_CHECKING:
    from vouch.project.intake import Taken
    from vouch.serve.arrived import Written

ROOT = Path()


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(add)


def add(
    usecase: Annotated[str, typer.Argument(help=" or ".join(names()))],
    files: Annotated[list[Path], typer.Argument(help="Raw files of the use case's source.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write which files were taken or refused here.")
    ] = None,
) -> None:
    """Add files of new rows to a use case's data: ingest to extract run, nothing is trained.

    The same file twice changes nothing; a row that comes again with other content is a correction.
    A file that cannot be taken is refused with the reason, and leaves the data as it was; the
    others are taken. The champion scores what it has not learned from, and `vouch enqueue` asks
    people about these rows too. `vouch up` does the same with data/inbox/USECASE/rows.

    Examples:
      vouch add fraud 2024-02-01.csv
      vouch add fraud monday.csv tuesday.csv --json added.json
    """
    from rich.console import Console

    from vouch.core.files import write_json
    from vouch.operate.events import TAKEN, tell_rows
    from vouch.project.intake import reason, take
    from vouch.project.training import alone
    from vouch.project.versions import push

    console, scored = Console(), None
    with alone(ROOT, console):
        result = take(ROOT, usecase, files, console)
        if result.files:
            push(ROOT)
            scored = _score(usecase)
    for file in result.files:
        write(f"taken: {file}")
    for file, error in result.refused.items():
        write(f"refused: {reason(file, error)}", error=True)
    if json_file:
        write_json(json_file, _as_json(result))
    if scored and tell_rows(ROOT, usecase, scored["rows"]):
        write(f"told the project's Prefect server: {TAKEN}")
    if result.refused:
        raise typer.Exit(1)
    write(f"to learn from them: vouch run {usecase}")


def _score(usecase: str) -> "Written | None":
    """Score what no model has learned from yet; the rows are in the data, scored or not."""
    from vouch.core.errors import described
    from vouch.operate.folders import NEW_ROWS
    from vouch.project.paths import STATE
    from vouch.serve.arrived import summary, write_arrived

    out = ROOT / NEW_ROWS.format(usecase=usecase)
    try:
        if written := write_arrived(ROOT, ROOT / STATE, usecase, out):
            write(f"scored: {summary(written)}")
    except Exception as error:
        write(f"warning: new rows are not scored: {described(error)}", error=True)
        return None
    return written


def _as_json(result: "Taken") -> dict[str, object]:
    refused = {str(file): str(error) for file, error in result.refused.items()}
    return {"taken": [str(file) for file in result.files], "refused": refused}
