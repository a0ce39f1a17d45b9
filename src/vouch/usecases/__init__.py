"""What differs between the use cases; everything else follows from roles."""

from pathlib import Path
from typing import Protocol

from vouch.sources.declaration import Declaration
from vouch.usecases import fraud, sentiment


class UseCase(Protocol):
    """What a use case's module has.

    Attributes:
        CLASSES: Names of the label's classes, class 0 first.
        TRUTH: The source of labels that a source's own label column is.
    """

    CLASSES: tuple[str, ...]
    TRUTH: str

    def check(self, declaration: Declaration, path: Path) -> None:
        """See that a declaration has what the use case cannot do without."""


USECASES: dict[str, UseCase] = {"fraud": fraud, "sentiment": sentiment}


def find(declaration: Declaration) -> UseCase:
    """Give the use case a source is declared for."""
    return USECASES[declaration.usecase]


__all__ = ["USECASES", "UseCase", "find"]
