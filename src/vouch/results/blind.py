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
