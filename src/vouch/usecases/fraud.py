"""Fraud: what a source of payments must declare to be of use."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vouch.core.errors import VouchError

if TYPE_CHECKING:
    from vouch.sources.declaration import Declaration

CLASSES: tuple[str, ...] = ("genuine", "fraud")
TRUTH = "chargeback"
"""Whether a payment was a fraud becomes known by chargebacks."""
PARTS: Mapping[str, str] = {}
"""Fraud runs on what every use case has."""
COMMANDS: Mapping[str, str] = {"simulate payments": "vouch.review.simulate:payments"}


def check(declaration: "Declaration", path: Path) -> None:
    """Check that a declaration has what the fraud pipeline cannot do without.

    Args:
        declaration: The source.
        path: Its file, for the message.

    Raises:
        VouchError: A required role is missing, two columns would bear one name, or nothing would
            ever label a row.
    """
    from vouch.usecases.needs import check_classes, check_names, check_roles

    check_names(declaration, path)
    check_roles(declaration, path, ("amount",))
    check_classes(declaration, path, CLASSES)
    if not declaration.has("label") and declaration.rule is None:
        raise VouchError(
            f"{path}: neither a column with the role 'label' nor a rule: nothing labels the rows",
            "declare the label column, or a rule such as {where: amount > 1000}",
        )
    if declaration.rule and not declaration.rule.where:
        raise VouchError(
            f"{path}: rule: a lexicon reads texts, but these are payments",
            "give the rule a condition, such as {where: amount > 1000}",
        )
