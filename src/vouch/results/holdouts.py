"""Heads of the holdouts' ledger as recorded outside it, and ``data/holdouts.json``."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from vouch.core.errors import VouchError
from vouch.core.results import Result

LOST = "lost"
"""What stands for a key that somebody declared lost: the next one takes its place."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
TEXT = re.compile(r"([0-9a-f]{64}):([1-9]\d*):([0-9a-f]{64})")


class Head(BaseModel):
    """A link of the ledger's chain, as recorded outside the ledger.

    Attributes:
        ledger: Digest of the chain's first link, which tells ledgers apart.
        number: The link's number, from 1.
        digest: The link's digest, which covers all before it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger: Digest
    number: int = Field(ge=1)
    digest: Digest

    def __str__(self) -> str:
        return f"{self.ledger}:{self.number}:{self.digest}"

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Return the head that a text names.

        Args:
            text: As :meth:`__str__` writes it.
            where: Where it stands, for the message.

        Raises:
            VouchError: It is none.
        """
        match = TEXT.fullmatch(text)
        if not match:
            raise VouchError(f"{where}: no head of a ledger (got {text[:200]!r})", "restore it")
        return cls(ledger=match[1], number=int(match[2]), digest=match[3])


class Forgotten(BaseModel):
    """A ledger that a person had forgotten: its head, when (ISO, UTC) and who."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: Head
    at: str
    who: str


class Holdouts(Result):
    """The newest head of the ledger and which key is the project's, in git beside what was asked.

    Attributes:
        key: Fingerprint of the key that labels and holdouts are sealed with, or ``LOST``; None:
            nothing was sealed yet.
        head: The newest link; None: nothing was asked since the ledger was forgotten.
        forgotten: Ledgers that came before, oldest first.
    """

    key: Annotated[str, Field(pattern=rf"^([0-9a-f]{{16}}|{LOST})$")] | None = None
    head: Head | None = None
    forgotten: tuple[Forgotten, ...] = ()
