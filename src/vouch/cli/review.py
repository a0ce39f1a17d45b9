"""``vouch review``: who may decide on the review page."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write, write_table

app = typer.Typer(help="Who may decide on the review page.", no_args_is_help=True)
ROOT = Path()
Name = Annotated[str, typer.Argument(help="As their decisions are to be signed.")]


class Role(StrEnum):
    """What a person may do."""

    reviewer = "reviewer"
    lead = "lead"
    admin = "admin"


@app.command()
def add(
    name: Name,
    role: Annotated[
        Role, typer.Option(help="A lead settles conflicts, an admin manages people.")
    ] = Role.reviewer,
) -> None:
    """Add a person, or change their role; print a link by which they set a password.

    The link works once, for three days. The same command makes another one, also where a password
    was forgotten.

    Examples:
      vouch review add ann
      vouch review add lea --role lead
    """
    from vouch.operate.record import running
    from vouch.project.paths import STATE
    from vouch.review.people import People

    token = People(ROOT / STATE).add(name, role.value)
    record = running(ROOT)
    if record is None:
        write("the page is not up: start it (vouch up) and open this path of it:")
    write(f"{record.reach.url if record else ''}/password/{token}")


@app.command("list")
def show() -> None:
    """Show the page's people.

    Example:
      vouch review list
    """
    from vouch.project.paths import STATE
    from vouch.review.people import People

    people = People(ROOT / STATE).all()
    state = {True: "removed", False: ""}
    rows = [
        (p.name, p.role, "set" if p.has_password else "none yet", state[p.disabled]) for p in people
    ]
    write_table(("name", "role", "password", ""), rows)


@app.command()
def remove(name: Name) -> None:
    """Let a person log in no more; what they decided stays. `vouch review add` lets them again.

    Example:
      vouch review remove ann
    """
    from vouch.project.paths import STATE
    from vouch.review.people import People

    People(ROOT / STATE).disable(name)
    write(f"{name} can log in no more")
