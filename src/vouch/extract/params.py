"""What can be chosen in the extract stage."""

from typing import Literal, get_args

from pydantic import Field

from vouch.core.settings import Params

Group = Literal[
    "amount", "category", "balance", "time", "payer_windows", "payee_windows", "habits", "risk"
]
GROUPS: tuple[Group, ...] = get_args(Group)


class SplitParams(Params):
    """Parameters of any use case's extract.

    Attributes:
        holdout_share: Share of the rows, the latest ones, that are sealed away, 0.01 to 0.5.
    """

    holdout_share: float = Field(default=0.2, ge=0.01, le=0.5)


class ExtractParams(SplitParams):
    """Parameters of the extract stage.

    Attributes:
        groups: Feature groups to make, as far as the source's roles allow.
    """

    groups: tuple[Group, ...] = Field(default=GROUPS, min_length=1)
