"""Bronze to silver: duplicates and versions separated, expectations checked, page written."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vouch.stages.validate.stage import validate

__all__ = ["validate"]


def __getattr__(name: str) -> Any:
    """Import the stage when it is asked for: Great Expectations takes seconds to import."""
    if name != "validate":
        raise AttributeError(name)
    from vouch.stages.validate.stage import validate

    return validate
