"""What a case's row stands among: a few facts, earlier rows, and where the money went.

Made once, when a case is put before people, and kept with it: all of it was known when the row
would have been scored, so no later row and no label is in it. Sizes are bounded, whatever the data.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

LONGEST = 200
"""Characters kept of a text that comes from data."""
HISTORY = 20
"""Earlier rows kept of a party."""
NODES = 12
"""Parties of a flow of money: payer, payee and the neighbours that moved most."""

Party = Literal["payer", "payee"]
Direction = Literal["in", "out"]


def clip(text: str) -> str:
    """Return a text of at most ``LONGEST`` characters; a longer one ends in an ellipsis."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


Clipped = Annotated[str, AfterValidator(clip)]


class Part(BaseModel):
    """A frozen part of a context: an unknown field is an error, and so is a number that is none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Statement(Part):
    """A fact that is read at first glance.

    Attributes:
        label: What it is about.
        value: What holds, with its number.
        comparison: What that is compared with; may be empty.
    """

    label: Clipped
    value: Clipped
    comparison: Clipped = ""


class Payment(Part):
    """An earlier row of one of the case's parties.

    Attributes:
        party: Whose.
        time: When (UTC, no zone).
        amount: How much; None: not known.
        category: What kind; None: not known.
        direction: Whether the party paid (``out``) or was paid (``in``).
        counterpart: Who was at the other end; None: not known.
    """

    party: Party
    time: datetime
    amount: float | None
    category: Clipped | None
    direction: Direction
    counterpart: Clipped | None


class Node(Part):
    """A party of the flow.

    Attributes:
        name: What it is called; two nodes may have the same name, such as customer 7 and shop 7.
        part: Its part in the case.
    """

    name: Clipped
    part: Literal["payer", "payee", "other"]


class Edge(Part):
    """Money that went from one party to another.

    Attributes:
        start: The number of the node that paid, from 0.
        end: The number of the node that was paid.
        sum: How much; None: no amount is known.
        count: In how many payments, at least 1.
        own: Whether it is the case's own payment, alone.
    """

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    sum: float | None
    count: int = Field(ge=1)
    own: bool = False


class Flow(Part):
    """The money that the case's parties moved shortly before, and the case's own.

    Attributes:
        nodes: The parties: payer and payee first, then others, the largest sums first.
        edges: What went between them.
    """

    nodes: tuple[Node, ...] = Field(default=(), max_length=NODES)
    edges: tuple[Edge, ...] = Field(default=(), max_length=4 * NODES)

    @model_validator(mode="after")
    def _between_nodes(self) -> Self:
        if any(max(edge.start, edge.end) >= len(self.nodes) for edge in self.edges):
            raise ValueError("an edge leads to a node that is not there")
        return self


class Context(Part):
    """What one case is shown with, beside its own row.

    Attributes:
        time: When the row happened (UTC, no zone); None where the source has no time.
        amount: Its amount; None where there is none.
        headline: What is read first; nothing of what a model or the rule thinks.
        rule: What the starting rule says; None: there is none, or the case is blind.
        history: Earlier rows of payer and payee, the latest first; of each at most ``HISTORY``.
        flow: Where money went before.
    """

    time: datetime | None = None
    amount: float | None = None
    headline: tuple[Statement, ...] = Field(default=(), max_length=12)
    rule: Statement | None = None
    history: tuple[Payment, ...] = Field(default=(), max_length=2 * HISTORY)
    flow: Flow = Flow()

    @property
    def blind(self) -> "Context":
        """The same without what the rule says: for cases to be decided by the facts alone."""
        return self.model_copy(update={"rule": None})

    def content(self) -> dict[str, Any]:
        """Return it as JSON's own types; :meth:`model_validate` reads it back."""
        return self.model_dump(mode="json")
