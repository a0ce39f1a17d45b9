"""Fraud: what a source of payments must declare to be of use."""

from pathlib import Path
from typing import get_args

from vouch.errors import VouchError
from vouch.sources.declaration import Declaration, Role

REQUIRED: tuple[Role, ...] = ("amount",)
RESERVED = frozenset(
    ["source", "file", "line", "arrived_at", "row_hash", "known_at", "superseded_at"]
)
"""Columns vouch adds to every row."""


def check(declaration: Declaration, path: Path) -> None:
    """See that a declaration has what the fraud pipeline cannot do without.

    Args:
        declaration: The source.
        path: Its file, for the message.

    Raises:
        VouchError: A required role is missing, two columns would bear one name, or nothing would
            ever label a row.
    """
    _check_names(declaration, path)
    for role in REQUIRED:
        if not declaration.has(role):
            raise VouchError(
                f"{path}: columns: no column has the role {role!r}",
                f"give the column that holds it {{role: {role}}}",
            )
    if not declaration.has("label") and declaration.rule is None:
        raise VouchError(
            f"{path}: neither a column with the role 'label' nor a rule: nothing labels the rows",
            "declare the label column, or a rule such as {where: amount > 1000}",
        )


def _check_names(declaration: Declaration, path: Path) -> None:
    taken = set(RESERVED | set(get_args(Role)))
    for column, declared in declaration.columns.items():
        name = declaration.canonical(column)
        if declared.role in ("category", "number"):
            if name in taken:
                raise VouchError(
                    f"{path}: columns.{column}: its name {name!r} is vouch's own, or another's",
                    "rename the column in the file",
                )
            taken.add(name)
