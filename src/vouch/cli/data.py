"""``vouch data``: what differs between two versions of a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vouch.core.errors import one_line
from vouch.core.output import write, write_table
from vouch.project.paths import STATE

if TYPE_CHECKING:
    from vouch.studies.diff.compare import Columns, Differences
    from vouch.studies.diff.labels import LabelDifferences
    from vouch.studies.diff.rows import Example

app = typer.Typer(help="Look at data and labels through time.", no_args_is_help=True)
ROOT = Path()
SAID = {
    "same": "the same",
    "added": "added",
    "corrected": "corrected (a later version of a row that was there)",
    "changed": "changed",
    "bookkeeping": "the same but for file, line or times",
    "removed": "removed",
}
LISTED = 12  # columns of a table that are printed; all are in the JSON
WIDEST = 48  # characters of a value


@app.callback()
def _group() -> None:
    """Make ``data`` a group of commands even while it has only one."""


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="A file or folder, REV:path, or NAME:VERSION.")],
    b: Annotated[str, typer.Argument(help="The other, usually the newer one.")],
    of: Annotated[
        str | None, typer.Option(help="Of a model version: silver, labels or train.")
    ] = None,
    key: Annotated[str, typer.Option(help="Columns that name a row: id, or COLUMN,COLUMN…")] = "",
    memory: Annotated[
        str | None, typer.Option(help="How much to hold before spilling to disk, such as 1GB.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the differences here.")
    ] = None,
) -> None:
    """Show what differs between two versions of a table: rows, columns, labels and who gave them.

    A version is a file or folder; what DVC kept there in a git revision; or a table that a
    registered model rests on.

    Examples:
      vouch data diff HEAD~1:data/silver/fraud/rows.parquet data/silver/fraud/rows.parquet
      vouch data diff fraud-simulated:1 fraud-simulated:champion --of labels
      vouch data diff old.csv new.csv --key order_id
    """
    from rich.console import Console

    from vouch.core import terminal
    from vouch.core.files import write_json
    from vouch.studies.diff import diff as compare

    names = [name.strip() for name in key.split(",") if name.strip()]
    with terminal.working(Console(stderr=True), "diff") as progress:
        differences = compare(
            ROOT,
            STATE,
            *map(_named, (a, b)),
            of=_part(of),
            key=names,
            memory=memory,
            progress=progress,
        )
    _print(differences)
    if json_file:
        write_json(json_file, differences)


def _named(text: str) -> str:
    from vouch.cli.registry import reference

    return text if Path(text).exists() else reference(text)


def _part(of: str | None) -> Any:
    from vouch.core.errors import VouchError, suggest
    from vouch.studies.diff.sides import PARTS

    if of is not None and of not in PARTS:
        raise VouchError(f"--of: no table {of!r}", suggest(of, PARTS))
    return of


def _print(differences: "Differences") -> None:
    counts, name = differences["rows"], ", ".join(differences["key"]) or "all it says"
    for side, table in (("a", differences["a"]), ("b", differences["b"])):
        write(f"{table}: {counts[side]:,} rows")
    write(f"a row is named by {name}")
    for kind, description in SAID.items():
        if counts[kind]:
            write(f"  {counts[kind]:>12,} {description}")
    _print_columns(differences["columns"])
    if differences["labels"]:
        _print_labels(differences["labels"])
    else:
        _print_examples(differences["examples"])


def _print_columns(columns: "Columns") -> None:
    for kind, names in (("added", columns["added"]), ("removed", columns["removed"])):
        if names:
            write(f"columns {kind}: {', '.join(names)}")
    for retyped in columns["retyped"]:
        write(f"column {retyped['column']}: {retyped['a']} became {retyped['b']}")
    counts = (("changed", columns["changed"]), ("corrected", columns["corrected"]))
    for kind, counted in counts:
        rows = [(column["column"], f"{column['rows']:,}") for column in counted[:LISTED]]
        if rows:
            write_table((f"column of {kind} rows", "rows in which it differs"), rows)


def _print_labels(labels: "LabelDifferences") -> None:
    rows = [
        (i["source"], i["actor"], f"{i['added']:,}", f"{i['removed']:,}", f"{i['changed']:,}")
        for i in labels["issues"]
    ]
    if rows:
        write_table(("issues by", "actor", "added", "removed", "changed"), rows)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in labels["held"].items())
    write(f"labels that hold: {counts}")
    flips = [
        (f"{f['from']} → {f['to']}", f["from_source"], f"{f['source']} {f['actor']}", f["entities"])
        for f in labels["flips"][:LISTED]
    ]
    if flips:
        write_table(("flipped", "was by", "is by", "rows"), flips)
    for flip in labels["examples"]:
        write(
            f"  {flip['entity']}  {flip['from']} ({flip['from_source']}) → {flip['to']} "
            f"({flip['source']} {flip['actor']}, {flip['issued_at']})"
        )


def _print_examples(examples: "dict[str, list[Example]]") -> None:
    for kind, rows in examples.items():
        for row in rows:
            values = ", ".join(one_line(value, WIDEST) for value in row["row"].values())
            changes = [
                f"{column} {one_line(a, WIDEST)} → {one_line(b, WIDEST)}"
                for column, (a, b) in row["columns"].items()
            ]
            write(f"  {kind} {values}" + (f": {', '.join(changes[:LISTED])}" if changes else ""))
