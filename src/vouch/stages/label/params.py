"""What can be chosen in the label stage."""

from typing import Literal

from pydantic import Field

from vouch.core.settings import Params

Source = Literal["rule", "chargeback", "given", "reviewer"]


class LabelParams(Params):
    """Parameters of the label stage.

    Attributes:
        use: Sources of labels that are in force; the others are kept, but nothing learns from them.
    """

    use: tuple[Source, ...] = Field(default=("rule", "chargeback", "reviewer"), min_length=1)
