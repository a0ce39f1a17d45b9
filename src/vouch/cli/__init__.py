"""The command line: parses options, calls functions, reports errors; computes nothing itself."""

import sys
from pathlib import Path

import typer

from vouch.cli import (
    add,
    backtest,
    blind,
    collect,
    data,
    enqueue,
    holdout,
    operate,
    own,
    registry,
    review,
    run,
    score,
    source,
    spurious,
    stage,
)
from vouch.core.errors import VouchError, check_utf8, show

ROOT, MARK = Path(), "dvc.yaml"
app = typer.Typer(
    name="vouch",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
OUTSIDE = {None, *own.ANYWHERE}
"""Commands that need no project."""


@app.callback()
def check_project(context: typer.Context) -> None:
    """From raw payments to registered, explained, honestly evaluated models."""
    anywhere = context.invoked_subcommand in OUTSIDE or "--help" in sys.argv
    if not anywhere and not (ROOT / MARK).exists():
        raise VouchError(
            f"{ROOT.resolve()} is no vouch project (no {MARK})", "cd to the project's folder"
        )


for module in (
    run,
    add,
    stage,
    score,
    enqueue,
    collect,
    backtest,
    registry,
    spurious,
    operate,
    own,
):
    module.add_to(app)
app.add_typer(source.app, name="source")
app.add_typer(holdout.app, name="holdout")
app.add_typer(blind.app, name="blind")
app.add_typer(review.app, name="review")
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line; an error is reported in two lines and exits with 1."""
    try:
        check_arguments(sys.argv[1:])
        app()
    except VouchError as error:
        sys.exit(show(error))
    except Exception as error:
        from vouch.project.faults import report  # costs time that only an error is worth

        sys.exit(report(error, ROOT))


def check_arguments(words: list[str]) -> None:
    """Check that arguments are UTF-8 text.

    Raises:
        VouchError: One is not; names it.
    """
    for word in words:
        check_utf8(word, f"{word}: is no UTF-8 text", "rename the file or folder")
