"""Checks of a declaration that every use case makes."""

from pathlib import Path

from vouch.core.errors import VouchError, suggest
from vouch.sources.declaration import OWN, REPEATABLE, Declaration, Role
from vouch.usecases import find, names
from vouch.usecases.classes import check_classes


def check(declaration: Declaration, path: Path) -> None:
    """Check that a declaration has what its use case cannot do without.

    Args:
        declaration: The source.
        path: Its file, for the message.

    Raises:
        VouchError: No such use case, see the checks below, or nothing would ever label a row.
    """
    if declaration.usecase not in names():
        raise VouchError(
            f"{path}: usecase: no use case {declaration.usecase!r}",
            suggest(declaration.usecase, names()),
        )
    usecase = find(declaration.usecase)
    check_names(declaration, path)
    check_roles(declaration, path, usecase.roles)
    if not declaration.has("label") and declaration.rule is None:
        missing, hint = usecase.unlabelled
        raise VouchError(f"{path}: {missing}", hint)
    check_classes(usecase, declaration, path)
    if declaration.rule:
        usecase.check_rule(declaration, path)


def check_roles(declaration: Declaration, path: Path, required: tuple[Role, ...]) -> None:
    """Check that a column plays each role that is needed.

    Args:
        declaration: The source.
        path: Its file, for the message.
        required: The roles.

    Raises:
        VouchError: A role that no column plays.
    """
    for role in required:
        if not declaration.has(role):
            raise VouchError(
                f"{path}: columns: no column has the role {role!r}",
                f"give the column that holds it {{role: {role}}}",
            )


def check_names(declaration: Declaration, path: Path) -> None:
    """Check that no two columns share a name from bronze on, nor use one of vouch's own.

    Args:
        declaration: The source.
        path: Its file, for the message.

    Raises:
        VouchError: A name that is taken.
    """
    played = {column.role for column in declaration.columns.values()}
    # a payments table may have a category called asset
    columns = set(OWN) | played
    for column, declared in declaration.columns.items():
        name = declaration.canonical(column)
        if declared.role in REPEATABLE - {"ignore"}:
            if name in columns:
                raise VouchError(
                    f"{path}: columns.{column}: its name {name!r} is vouch's own, or another's",
                    "give one of them another name: alias: some_name",
                )
            columns.add(name)
