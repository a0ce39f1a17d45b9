"""``vouch spurious``: what is right for the wrong reasons is kept from the next models."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write
from vouch.usecases import names

ROOT = Path()


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(spurious)


def spurious(
    usecase: Annotated[str, typer.Argument(help=" or ".join(names()))],
    name: Annotated[
        str | None, typer.Argument(help="A feature's name, or a word; without one: the list.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the mark back.")] = False,
) -> None:
    """Mark a reason as spurious: the next training goes without that feature or word.

    Examples:
      vouch spurious fraud payer_balance_error
      vouch spurious sentiment nntp-posting-host
      vouch spurious sentiment nntp-posting-host --undo
      vouch spurious sentiment
    """
    from vouch.project.spurious import listed, mark
    from vouch.project.spurious import undo as take_back

    if name is None:
        write(_told(usecase, listed(ROOT, usecase)))
        return
    write(_told(usecase, (take_back if undo else mark)(ROOT, usecase, name)))
    write(f"it counts from the next training on: vouch run {usecase}")


def _told(usecase: str, marked: tuple[str, ...]) -> str:
    what = ", ".join(marked) or "nothing"
    return f"spurious to {usecase}: {what} (tune.{usecase}.spurious in params.yaml)"
