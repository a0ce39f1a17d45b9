"""What a user may set of the report."""

from pydantic import Field

from vouch.core.settings import Params


class ReportParams(Params):
    """How long the report's lists are.

    Attributes:
        categories: Values of a category that get a line of their own; the rest share one.
        candidates: Trials listed in the leaderboard, the best first.
    """

    categories: int = Field(default=20, ge=1, le=500)
    candidates: int = Field(default=15, ge=1, le=1000)
