"""Parameters of the review page."""

from datetime import timedelta

from pydantic import Field

from vouch.core.settings import Params


class ReviewParams(Params):
    """How cases are shared out on the page.

    Attributes:
        lease: Minutes a case stays with a reviewer whose page is silent, 1 to 240.
        gold: Share of the cases whose answer is known already, 0 to 0.5: they tell how good a
            reviewer is, and train nothing.
        skill: Share of those that a reviewer must be able to have right, 0 to 1: who is surely
            below it is flagged, and their decisions wait for a second person's.
        fast: Seconds, at least 0: whose median of 20 decisions in a row is below is flagged, too.
    """

    lease: float = Field(default=15.0, ge=1, le=240)
    gold: float = Field(default=0.05, ge=0, le=0.5)
    skill: float = Field(default=0.7, ge=0, le=1)
    fast: float = Field(default=2.0, ge=0)

    @property
    def leased(self) -> timedelta:
        """How long a lease lasts."""
        return timedelta(minutes=self.lease)
