"""The commands that use cases and studies bring along."""

from collections.abc import Callable, Mapping

import typer

from vouch.core.errors import VouchError
from vouch.review.simulate import reviewers
from vouch.studies.market.command import market
from vouch.usecases import find, names

GROUPS = {"simulate": "Make data to try things on."}
"""The first word of each two-word command, and its help text."""
ANYWHERE = ("simulate",)
"""Groups that need no project, or say themselves what they miss of it."""
COMMANDS: dict[str, Callable[..., None]] = {"simulate reviewers": reviewers, "market": market}
"""Commands beside those of one use case."""


def add_to(app: typer.Typer) -> None:
    """Add every use case's own commands, and those of studies."""
    groups: dict[str, typer.Typer] = {}
    for commands in (*map(_commands, names()), COMMANDS):
        for name, function in commands.items():
            group, _, command = name.rpartition(" ")
            if group and group not in groups:
                groups[group] = typer.Typer(help=GROUPS.get(group), no_args_is_help=True)
                app.add_typer(groups[group], name=group)
            (groups[group] if group else app).command(command)(function)


def _commands(usecase: str) -> Mapping[str, Callable[..., None]]:
    try:
        return find(usecase).commands()
    except VouchError:  # a broken package is told of where its use case is asked for
        return {}
