"""Who is paid: accounts that are opened, receive, pay out cash and are written up in periods."""

import numpy as np
from numpy.typing import NDArray

from vouch.sources.paysim.accounts import Cents, running
from vouch.sources.paysim.parameters import (
    ACCOUNT_BALANCE,
    CASH_IN,
    DEBIT,
    FIRST_ACCOUNTS,
    FRAUD_NEW_ACCOUNT,
    PERIOD_ENDED,
    PHASES,
    PUBLISHED_ROWS,
    drawn,
)
from vouch.sources.paysim.payers import Ints, Payments

NAMES = 2**31  # names are numbers below this: so few repeat as in the published table


class Payees:
    """All accounts so far, with their names and what they hold.

    Args:
        rng: Where chance comes from.
        rows: Rows of the whole table: a smaller one begins with fewer accounts.
    """

    def __init__(self, rng: np.random.Generator, rows: int) -> None:
        self._rng = rng
        n = max(1, round(FIRST_ACCOUNTS * rows / PUBLISHED_ROWS))
        self._names = rng.integers(0, NAMES, n)
        self._balances = drawn(rng, ACCOUNT_BALANCE, n)

    def receive(self, payments: Payments) -> tuple[Ints, Cents, Cents]:
        """Let accounts take part in payments, in their order.

        Args:
            payments: Those between clients: neither to a merchant nor to a fraudster's own.

        Returns:
            Name, balance before and balance written after, cents, one a payment.
        """
        account = self._accounts(payments)
        order = np.argsort(account, kind="stable")
        ids, step = account[order], payments.step[order]
        first = np.diff(ids, prepend=-1) != 0
        change = np.where(payments.type == CASH_IN, -payments.amount, payments.amount)[order]
        old, new = running(first, self._balances[ids[first]], change)
        self._balances[ids[np.roll(first, -1)]] = new[np.roll(first, -1)]
        before, after = np.empty_like(old), np.empty_like(new)
        before[order], after[order] = old, self._written(first, step, new)
        return self._names[account], before, after

    def _accounts(self, payments: Payments) -> Ints:
        """Choose one for each payment: a new one, or any of those so far, all alike likely."""
        phase = np.searchsorted([p.until for p in PHASES], payments.step)
        chance = np.array([p.new_account for p in PHASES])[phase]
        chance = np.where(payments.fraud, FRAUD_NEW_ACCOUNT, chance)
        opens = self._rng.random(len(chance)) < chance
        so_far = len(self._names) + np.cumsum(opens)
        account = (self._rng.random(len(chance)) * so_far).astype(np.int64)
        empty = np.array([p.empty_account for p in PHASES])[phase]
        empty = np.where(payments.type == DEBIT, 0.0, np.where(payments.fraud, 1.0, empty))
        self._open(empty[opens])
        return np.where(opens, so_far - 1, account)

    def _open(self, empty: NDArray[np.float64]) -> None:
        held = drawn(self._rng, ACCOUNT_BALANCE, len(empty))
        held[self._rng.random(len(empty)) < empty] = 0
        self._names = np.append(self._names, self._rng.integers(0, NAMES, len(empty)))
        self._balances = np.append(self._balances, held)

    def _written(self, first: NDArray[np.bool_], step: Ints, new: Cents) -> Cents:
        """What is written is the balance at the end of the row's accounting period."""
        hours = np.clip(np.diff(step, prepend=0), 0, len(PERIOD_ENDED) - 1)
        starts = first | (self._rng.random(len(step)) < np.array(PERIOD_ENDED)[hours])
        last = np.append(np.flatnonzero(starts)[1:], len(step)) - 1
        return new[last][np.cumsum(starts) - 1]
