"""Parameters of collecting decisions."""

from pydantic import Field

from vouch.core.settings import Params


class CollectParams(Params):
    """When decisions are learned from, and whose word is final.

    Attributes:
        retrain_after: So many decisions that no model has learned from call for a retraining, at
            least 1.
        leads: Reviewers whose decision no majority overrules.
    """

    retrain_after: int = Field(default=100, ge=1)
    leads: tuple[str, ...] = ()
