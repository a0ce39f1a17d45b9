"""What differs between the use cases; everything else follows from roles."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vouch.core.errors import VouchError, near
from vouch.usecases import fraud, sentiment

# every command imports this module to know its commands: nothing heavy may come along
if TYPE_CHECKING:
    from vouch.sources.declaration import Declaration


class UseCase(Protocol):
    """What a use case's module has.

    Attributes:
        CLASSES: Names of the label's classes, class 0 first.
        TRUTH: The source of labels that a source's own label column is.
        PARTS: Where the use case's own part of the pipeline stands, as ``module:name``, by the
            part's name: a stage (``tune``), its parameters (``tune.params``), or a seam of it
            (``tune.load``); parts that are not listed are those of every use case.
        COMMANDS: Its own commands, of one word or a group's and one, to ``module:function``;
            the module must be quick to import.
    """

    CLASSES: tuple[str, ...]
    TRUTH: str
    PARTS: Mapping[str, str]
    COMMANDS: Mapping[str, str]

    def check(self, declaration: "Declaration", path: Path) -> None:
        """Check that a declaration has what the use case cannot do without."""


COMMANDS: Mapping[str, str] = {"simulate reviewers": "vouch.review.simulate:reviewers"}
"""The commands for any use case, as in a use case's own ``COMMANDS``."""
USECASES: dict[str, UseCase] = {"fraud": fraud, "sentiment": sentiment}


def find(usecase: str) -> UseCase:
    """Return a use case by its name.

    Raises:
        VouchError: No use case has that name; suggests the near one.
    """
    if usecase not in USECASES:
        raise VouchError(f"no use case {usecase!r}", near(usecase, USECASES))
    return USECASES[usecase]


def part(usecase: str, name: str, usual: str) -> Any:
    """Return a use case's own part of the pipeline, or the usual one.

    Args:
        usecase: The use case.
        name: The part's name in ``PARTS``.
        usual: Where the part of every other use case stands, as ``module:name``.
    """
    from vouch.core.settings import locate

    return locate(find(usecase).PARTS.get(name, usual))


def load_model(usecase: str, folder: Path) -> Any:
    """Read a model as the use case's tune wrote it; it has ``predict``."""
    return part(usecase, "tune.load", "vouch.tune.models:load")(folder)


__all__ = ["COMMANDS", "USECASES", "UseCase", "find", "load_model", "part"]
