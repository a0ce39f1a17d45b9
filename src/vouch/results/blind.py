"""What results made while a use case is blind say of it."""

from typing import Any

from typing_extensions import TypedDict

from vouch.core.results import Result


class Blind(TypedDict):
    """A blind period: its name, since when (ISO, UTC) and by whom.

    ``seen`` says that development figures had been seen before it began.
    """

    period: str
    since: str
    by: str
    seen: bool


class Frozen(TypedDict):
    """What was frozen when the last blind period ended: the pipeline's digest, its code's commit.

    ``unchanged`` says that the pipeline at work is still that one.
    """

    pipeline: str
    git_commit: str
    unchanged: bool


class Blindable(Result):
    """A result whose figures may be blinded.

    Attributes:
        blind: The period in which it was made; None, and not in the file: its figures are true.
    """

    blind: Blind | None = None

    def content(self) -> dict[str, Any]:
        """Return its fields and values."""
        fields = super().content()
        if self.blind is None:
            del fields["blind"]
        return fields


class Freezable(Blindable):
    """A result of a pipeline that may be frozen.

    Attributes:
        frozen: What was frozen; None, and not in the file: nothing was, or it is blind by now.
    """

    frozen: Frozen | None = None

    def content(self) -> dict[str, Any]:
        """Return its fields and values."""
        fields = super().content()
        if self.frozen is None:
            del fields["frozen"]
        return fields
