"""Parameters of collecting decisions."""

from typing import Literal

from pydantic import Field

from vouch.core.settings import Params


class CollectParams(Params):
    """When decisions are learned from, and whose word is final.

    Attributes:
        retrain_after: So many decisions that no model has learned from call for a retraining, at
            least 1.
        leads: Reviewers whose decision no majority overrules.
        files: Whether decisions that come in files are taken: anybody can write any name there.
    """

    retrain_after: int = Field(default=100, ge=1)
    leads: tuple[str, ...] = ()
    files: Literal["accept", "refuse"] = "accept"
