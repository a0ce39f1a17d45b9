"""What an analyst reads first of a payment, in a few statements with numbers."""

from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from typing import NamedTuple

from vouch.pages.formats import count, money, span, when
from vouch.results.context import Statement
from vouch.sources.declaration import Declaration
from vouch.usecases.fraud.vocabulary import number


class Seen(NamedTuple):
    """A payment as it was when it would have been scored; None: not known.

    Attributes:
        time: When it happened (UTC).
        amount: How much.
        payer: Who paid.
        payee: Who was paid.
        payer_key: Whom the payer's name means.
        payee_key: Whom the payee's name means.
        payer_balance_before: What the payer had.
        payer_balance_after: What the payer has left.
        payee_balance_before: What the payee had.
        payee_balance_after: What the payee has now.
    """

    time: datetime | None
    amount: float | None
    payer: str | None
    payee: str | None
    payer_key: str | None
    payee_key: str | None
    payer_balance_before: float | None
    payer_balance_after: float | None
    payee_balance_before: float | None
    payee_balance_after: float | None


class Past(NamedTuple):
    """What a payment's parties did strictly before it.

    Attributes:
        sent: How often the payer paid.
        median: The median of what it paid; None: no amount is known.
        first_seen: When the payee first paid or was paid; None: never.
        received: How often the payee was paid.
        from_payer: How often by this payer.
        others: How many other payers paid it.
    """

    sent: int = 0
    median: float | None = None
    first_seen: datetime | None = None
    received: int = 0
    from_payer: int = 0
    others: int = 0


def headline(source: Declaration, seen: Seen, past: Past) -> Iterator[Statement]:
    """Yield what is read first, as far as the source's roles tell it.

    Args:
        source: The source, without columns that its table lacks.
        seen: The payment.
        past: What came before it.
    """
    dated = source.has("time")
    if seen.amount is not None:
        before = _usual(seen.amount, past) if dated and seen.payer is not None else ""
        yield Statement(label="Amount", value=money(seen.amount), comparison=before)
    if dated and seen.payee is not None and seen.payee_key != seen.payer_key:
        yield _age(seen, past)
        yield _payers(past)
    if seen.payee is not None and seen.payee_key == seen.payer_key:
        yield Statement(label="Payee", value="the payer itself")
    yield from _balances(seen)


def _usual(amount: float, past: Past) -> str:
    """Compare an amount with what the payer paid before."""
    if not past.sent:
        return "first payment of this payer"
    if past.median is None:
        return f"{_times(past.sent)} before, of amounts unknown"
    usual = f"median {money(past.median)} of {_times(past.sent)} before"
    if past.median <= 0 or amount < 0 or not isfinite(times := amount / past.median):
        return usual
    return f"{number(times)} × this payer's {usual}"


def _age(seen: Seen, past: Past) -> Statement:
    if past.first_seen is None or seen.time is None:
        return Statement(label="Payee known for", value="never seen before")
    age = span((seen.time - past.first_seen).total_seconds())
    return Statement(
        label="Payee known for", value=age, comparison=f"since {when(past.first_seen)}"
    )


def _payers(past: Past) -> Statement:
    value = f"{count(past.others) if past.others else 'no'} other payer{'s' * (past.others > 1)}"
    own = f"{count(past.from_payer)} by this payer" if past.from_payer else "none by this payer"
    paid = f"paid {past.received:,} time{'s' * (past.received != 1)} before, {own}"
    return Statement(label="Payee paid by", value=value, comparison=paid if past.received else "")


def _balances(seen: Seen) -> Iterator[Statement]:
    ends = {
        "Payer": (seen.payer_balance_before, seen.payer_balance_after),
        "Payee": (seen.payee_balance_before, seen.payee_balance_after),
    }
    for party, (before, after) in ends.items():
        if before is not None and after is not None:
            value = f"{money(before)} → {money(after)}"
            compared = _change(before, after, seen.amount)
            yield Statement(label=f"{party}'s balance", value=value, comparison=compared)


def _change(before: float, after: float, amount: float | None) -> str:
    """Say how a balance changed, and whether that is the amount."""
    if after == before:
        return "unchanged"
    change = abs(after - before)
    verb = "rises" if after > before else "falls"
    left = ": emptied" if after == 0 else ""
    if amount is None or abs(change - abs(amount)) <= 0.01 * abs(amount):
        return f"{verb} by the amount{left}" if amount is not None else f"{verb}{left}"
    return f"{verb} by {money(change)}, not by the amount{left}"


def _times(payments: int) -> str:
    return f"{payments:,} payment{'s' * (payments != 1)}"


def rule_statement(source: Declaration, flagged: int) -> Statement:
    """Say what the starting rule says of a payment.

    Args:
        source: The source; it has a rule.
        flagged: 1 if the rule's condition holds.
    """
    assert source.rule is not None
    value = "flagged" if flagged else "not flagged"
    condition = " ".join(source.rule.where.split())
    return Statement(label=f"Rule {source.rule.name}", value=value, comparison=condition)
