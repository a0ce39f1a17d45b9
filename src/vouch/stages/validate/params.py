"""What can be chosen in the validate stage."""

from pydantic import Field

from vouch.core.settings import Params


class ValidateParams(Params):
    """Parameters of the validate stage.

    Attributes:
        memory: How much DuckDB may hold before it spills to disk, such as ``2500MB``.
        examples: Failing values shown for each expectation, 0 to 100.
        id_conflicts: Share of all rows, 0 to 1, whose declared id may come back with another time
            and other parties; above it a numbering was restarted, and these are no corrections.
    """

    memory: str = Field(default="2500MB", pattern=r"^\d+(MB|GB)$")
    examples: int = Field(default=5, ge=0, le=100)
    id_conflicts: float = Field(default=0.01, ge=0, le=1)
