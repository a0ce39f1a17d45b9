"""The rows of clients with a history, with balances and names, hour by hour."""

from dataclasses import dataclass

import numpy as np

from vouch.sources.patterns import Regulars
from vouch.sources.paysim.accounts import Cents, running
from vouch.sources.paysim.arrays import Ints
from vouch.sources.paysim.habits import (
    FIRST_NEW,
    KEPT,
    ROWS_EACH,
    Acts,
    Clients,
    burst,
    draw_clients,
    everyday,
)
from vouch.sources.paysim.parameters import (
    BULK_BALANCE,
    CASH_IN,
    CLIENT_BALANCE,
    LARGEST_AMOUNT,
    PAYMENT,
    whole_balance,
)

FIRST_CLIENT = 5_000_000
"""Where the clients' numbers begin, as accounts have theirs."""
NAMES, SCATTER = 2**31, 2_654_435_761
"""Names are numbers below the one; times the other, modulo it, no two become the same."""
FUNDS_LOG_MEAN, FUNDS_LOG_SD = 3.7, 1.0
"""What clients hold at first, in their usual amounts."""
EMPTY = 0.7
"""Share of the accounts never seen before that hold nothing."""


@dataclass(frozen=True)
class Rows:
    """Rows in the order of their hours; all arrays of one length.

    Attributes:
        acts: Who pays whom, when and how much.
        amount: Cents.
        before: The payer's balance before, cents.
        after: And after.
        payee_before: The payee's balance before, cents; a shop's is 0.
        payee_after: And after.
    """

    acts: Acts
    amount: Cents
    before: Cents
    after: Cents
    payee_before: Cents
    payee_after: Cents


def count(rows: int, regulars: Regulars) -> int:
    """Return how many of all rows are made by clients with a history."""
    return round(rows * regulars.share)


def draw(rng: np.random.Generator, rows: int, regulars: Regulars) -> Rows:
    """Draw the rows of clients with a history, and the frauds that happen to them.

    Args:
        rng: Where chance comes from.
        rows: Rows of the whole table.
        regulars: Shares and patterns; they are numbered from 1 in their order.
    """
    own = count(rows, regulars)
    clients = draw_clients(rng, max(own // ROWS_EACH, 1))
    frauds = [
        burst(rng, clients, pattern, round(pattern.share * rows), number)
        for number, pattern in enumerate(regulars.frauds.values(), start=1)
    ]
    genuine = everyday(rng, clients, own - sum(len(each.step) for each in frauds))
    return _with_balances(rng, clients, _in_order(rng, Acts.together([genuine, *frauds])))


def _in_order(rng: np.random.Generator, acts: Acts) -> Acts:
    """Sort by hour; within one, payments of an event keep their order."""
    return acts.part(np.lexsort((rng.random(len(acts.step)), acts.order, acts.step)))


def _with_balances(rng: np.random.Generator, clients: Clients, acts: Acts) -> Rows:
    amount = np.round(np.clip(acts.amount, 0.01, LARGEST_AMOUNT) * 100).astype(np.int64)
    gain = np.where(acts.type == CASH_IN, amount, -amount)
    funds = clients.usual * rng.lognormal(FUNDS_LOG_MEAN, FUNDS_LOG_SD, clients.count)
    opening = np.round(100 * funds).astype(np.int64)
    # an account that money passes through holds what it was sent
    first = np.round(amount / (1 - KEPT)).astype(np.int64)
    is_client = acts.client >= 0
    first[is_client] = opening[acts.client[is_client]]
    before, after = _running(acts.client, first, gain)
    holds = np.where(
        acts.payee < FIRST_NEW,
        whole_balance(rng, BULK_BALANCE, len(amount)),
        whole_balance(rng, CLIENT_BALANCE, len(amount)),
    )
    empty = (acts.payee >= FIRST_NEW) & (rng.random(len(amount)) < EMPTY)
    shop = acts.type == PAYMENT
    account = np.where(shop, -1 - np.arange(len(amount)), acts.payee)
    payee_before, payee_after = _running(account, np.where(empty, 0, holds), -gain)
    payee_before[shop] = payee_after[shop] = 0
    return Rows(acts, amount, before, after, payee_before, payee_after)


def _running(account: Ints, opening: Cents, change: Cents) -> tuple[Cents, Cents]:
    """Return balances before and after each row; ``opening`` counts at an account's first one."""
    order = np.argsort(account, kind="stable")
    first = np.diff(account[order], prepend=np.iinfo(np.int64).min) != 0
    old, new = running(first, opening[order][first], change[order])
    before, after = np.empty_like(old), np.empty_like(new)
    before[order], after[order] = old, new
    return before, after


def names(numbers: Ints) -> Ints:
    """Return the numbers in accounts' and shops' names: no two are the same, in no order."""
    return (numbers * SCATTER) % NAMES
