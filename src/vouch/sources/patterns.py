"""Declared patterns of simulated payments that depart from a client's habits."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Pattern(BaseModel):
    """Payments of one client soon after each other, unlike those it makes else.

    Attributes:
        share: Share of all rows that are such payments, 0 to 0.1.
        type: The payments' type.
        rows: Fewest and most payments of an event.
        within: Hours between an event's first and last payment, at most.
        times: Least and greatest amount, in the client's usual amounts; evenly by its logarithm.
        payee: A shop each, or one account never seen before for all.
        hours: At the client's usual hours, or at any.
        since: Share of the month, 0 to 1, before which there are none.
        chain: The money is passed on from account to account and cashed out at the end.
        round_to: Amounts are multiples of this; 0: of none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(ge=0, le=0.1)
    type: Literal["CASH_OUT", "PAYMENT", "TRANSFER"] = "PAYMENT"
    rows: tuple[int, int] = (1, 1)
    within: int = Field(default=1, ge=0, le=743)
    times: tuple[float, float] = (1.0, 1.0)
    payee: Literal["shop", "account"] = "shop"
    hours: Literal["usual", "any"] = "usual"
    since: float = Field(default=0, ge=0, le=0.99)
    chain: bool = False
    round_to: float = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> "Pattern":
        if not 1 <= self.rows[0] <= self.rows[1] <= 100:
            raise ValueError("rows: must be two numbers from 1 to 100, the smaller first")
        if not 0 < self.times[0] <= self.times[1] <= 1000:
            raise ValueError("times: must be two numbers above 0, to 1,000, the smaller first")
        if self.chain and self.payee != "account":
            raise ValueError("chain: needs payee: account, for money is passed on by accounts")
        return self


class Regulars(BaseModel):
    """Clients with a history, beside the simulator's own, and the frauds that happen to them.

    Attributes:
        share: Share of all rows that are theirs, frauds among them, 0.05 to 0.9.
        frauds: The patterns, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(ge=0.05, le=0.9)
    frauds: dict[str, Pattern] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "Regulars":
        if sum(pattern.share for pattern in self.frauds.values()) > self.share / 2:
            raise ValueError("frauds: their shares add up to more than half of these clients' rows")
        return self
