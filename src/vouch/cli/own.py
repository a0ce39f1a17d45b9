"""The commands that use cases add."""

from pkgutil import resolve_name

import typer

from vouch.usecases import COMMANDS, USECASES

GROUPS = {"simulate": "Make data to try things on."}
"""The first word of each two-word command, and its help text."""
ANYWHERE = ("simulate",)
"""Groups that need no project, or check themselves for the parts they need."""


def add_to(app: typer.Typer) -> None:
    """Add every use case's own commands, and those for any use case."""
    groups: dict[str, typer.Typer] = {}
    for commands in (*(usecase.COMMANDS for usecase in USECASES.values()), COMMANDS):
        for name, place in commands.items():
            group, _, command = name.rpartition(" ")
            if group and group not in groups:
                groups[group] = typer.Typer(help=GROUPS[group], no_args_is_help=True)
                app.add_typer(groups[group], name=group)
            (groups[group] if group else app).command(command)(resolve_name(place))
