"""``vouch source``: declarations of tables, drafted, listed and shown."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write

ROOT = Path()

app = typer.Typer(
    help="What tables vouch knows: one YAML file each, in data/sources.", no_args_is_help=True
)


@app.command()
def draft(
    file: Annotated[Path, typer.Argument(help="A CSV, Excel, Parquet or JSON file.")],
    name: Annotated[str | None, typer.Option(help="The source's name; else the file's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; else data/sources/NAME.yaml.")
    ] = None,
) -> None:
    """Draft a source's declaration: guess each column's role from its name and values.

    Example:
      vouch source draft payments.csv --name shop
    """
    from vouch.sources.draft import draft_source

    drafted = draft_source(ROOT, file, name, out)
    write(f"wrote {drafted.path}")
    for guess in drafted.guesses:
        write(f"  {guess.column}: {guess.role} ({guess.why})")
    write("please check:")
    for note in drafted.notes:
        write(f"  - {note}")
    if drafted.doubts:
        write(f"please confirm, or nothing runs (vouch source confirm {drafted.name}):")
        for doubt in drafted.doubts:
            write(f"  - {doubt}")
    write(f"then: vouch run {drafted.usecase} --source {drafted.name} --path {file}")


@app.command()
def confirm(
    name: Annotated[str, typer.Argument(help="A declared source.")],
    every: Annotated[bool, typer.Option("--all", help="Settle all, without asking.")] = False,
) -> None:
    """Settle the open questions of a source's declaration: each names the field to mend.

    Yes takes the question out of the file: what the field says is right. No leaves it open.

    Examples:
      vouch source confirm shop
      vouch source confirm shop --all
    """
    from vouch.sources.confirm import settle
    from vouch.sources.declaration import load_declaration, source_path

    path = source_path(ROOT, name)
    settled = []
    for question in load_declaration(path).confirm:
        write(f"- {question}")
        if every or typer.confirm("  is what the file says right?"):
            settled.append(question)
    remaining = settle(path, settled) if settled else len(load_declaration(path).confirm)
    write(f"{path}: {len(settled)} settled, {remaining} open")


@app.command("list")
def list_sources() -> None:
    """List the declared sources.

    Example:
      vouch source list
    """
    from vouch.sources.declaration import load_declaration

    for path in sorted((ROOT / "data/sources").glob("*.yaml")):
        source = load_declaration(path)
        write(f"{source.name:12} {source.usecase:10} {source.format:10} {source.description}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A declared source.")]) -> None:
    """Show a source's columns: the raw name, its role and its name from bronze on.

    Example:
      vouch source show paysim
    """
    from vouch.sources.declaration import load_declaration, source_path

    source = load_declaration(source_path(ROOT, name))
    write(f"{source.name}: {source.description} ({source.format}, {source.usecase})")
    for column, declared in source.columns.items():
        canonical = "" if declared.role == "ignore" else source.canonical(column)
        optional = ", optional" if declared.optional else ""
        write(f"  {column:24} {declared.role + optional:32} {canonical}")
