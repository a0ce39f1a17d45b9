"""Who is paid: accounts that are opened, receive, pay out cash and are written up in periods."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vouch.sources.paysim.accounts import Cents, running
from vouch.sources.paysim.arrays import Ints
from vouch.sources.paysim.parameters import (
    BULK_BALANCE,
    CASH_IN,
    CLIENT_BALANCE,
    DEBIT,
    FIRST_ACCOUNTS,
    FRAUD_NEW_ACCOUNT,
    MOST_ENRICHED,
    OPENS,
    PHASES,
    SPENT_LOG_MEAN,
    SPENT_LOG_SD,
    whole_balance,
)
from vouch.sources.paysim.payers import Payments

NAMES = 2**31  # names are numbers below this: so few repeat as in the published table
GROWTH = 10  # accounts are chosen for a tenth of the rows so far at a time, from those then open
LEAST_AT_A_TIME, MOST_AT_A_TIME = 32, 20_000


class Payees:
    """All accounts so far, with their names and balances.

    Args:
        rng: Where chance comes from.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._names = rng.integers(0, NAMES, FIRST_ACCOUNTS)
        self._balances = whole_balance(rng, BULK_BALANCE, FIRST_ACCOUNTS)
        self._paid = np.arange(FIRST_ACCOUNTS)
        self._rows = 0

    def receive(self, payments: Payments) -> tuple[Ints, Cents, Cents]:
        """Choose the accounts that take part in payments, in their order.

        Args:
            payments: Those between clients: neither to a merchant nor to a fraudster's own.

        Returns:
            Name, balance before and balance written after, cents, one a payment.
        """
        n = len(payments.step)
        account, before, after = (np.empty(n, np.int64) for _ in range(3))
        ends = np.append(np.flatnonzero(np.diff(_period(payments.step))) + 1, n)
        for start, stop in pairwise([0, *ends.tolist()]):
            for now in self._parts(start, stop):
                account[now], before[now] = self._pay(payments.part(now))
            period = slice(start, stop)
            self._spend(account[period], payments.step[period])
            after[period] = self._balances[account[period]]
            self._paid = self._paid[start - stop :]
        return self._names[account], before, after

    def _parts(self, start: int, stop: int) -> Iterator[slice]:
        while start < stop:
            most = int(np.clip(self._rows // GROWTH, LEAST_AT_A_TIME, MOST_AT_A_TIME))
            now = slice(start, min(stop, start + most))
            yield now
            self._rows += now.stop - start
            start = now.stop

    def _pay(self, payments: Payments) -> tuple[Ints, Cents]:
        account = self._accounts(payments)
        order = np.argsort(account, kind="stable")
        ids = account[order]
        first = np.diff(ids, prepend=-1) != 0
        change = np.where(payments.type == CASH_IN, -payments.amount, payments.amount)[order]
        old, new = running(first, self._balances[ids[first]], change)
        self._balances[ids[np.roll(first, -1)]] = new[np.roll(first, -1)]
        before = np.empty_like(old)
        before[order] = old
        return account, before

    def _accounts(self, payments: Payments) -> Ints:
        phase, who = _phase(payments.step), payments.bulk.astype(int)
        popular = np.array([p.popular for p in PHASES])[phase, who]
        now = PHASES[phase[-1]]
        account = self._funded(payments, popular, now.tries)
        opens, balances = self._opening(payments)
        account[opens] = len(self._names) + np.arange(len(opens))
        self._open(balances)
        self._enrich(account[payments.type != DEBIT], now.enriched)
        self._paid = np.append(self._paid, account)
        return account

    def _opening(self, payments: Payments) -> tuple[Ints, Cents]:
        """Return the payments that open an account, and the balances of these accounts."""
        phase, who = _phase(payments.step), payments.bulk.astype(int)
        chance = np.array([p.new_account for p in PHASES])[phase]
        chance *= np.array(OPENS)[who, payments.type]
        chance = np.where(payments.fraud, FRAUD_NEW_ACCOUNT, chance)
        rows = np.flatnonzero(self._rng.random(len(chance)) < chance)
        balances = self._draw_balances(payments.part(rows))
        funded = balances >= _needed(payments)[rows]
        return rows[funded], balances[funded]

    def _funded(self, payments: Payments, popular: NDArray[np.float64], tries: int) -> Ints:
        """Choose open accounts; who pays in bulk seeks one that holds at least the amount."""
        account, needed = self._any(popular), _needed(payments)
        for _ in range(tries):
            short = np.flatnonzero(self._balances[account] < needed)
            account[short] = self._any(popular[short])
        return account

    def _spend(self, account: Ints, step: Ints) -> None:
        """Lower some balances: accounts are clients, too, and pay under other names."""
        chance = np.array([p.spent for p in PHASES])[_phase(step)]
        rows = account[self._rng.random(len(account)) < chance]
        spent = 100 * self._rng.lognormal(SPENT_LOG_MEAN, SPENT_LOG_SD, len(rows))
        self._balances[rows] = np.maximum(self._balances[rows] - spent.astype(np.int64), 0)

    def _enrich(self, account: Ints, chance: float) -> None:
        """Raise some balances: cash is paid in, too."""
        rich = account[self._rng.random(len(account)) < chance]
        self._balances[rich] += self._rng.integers(0, 100 * MOST_ENRICHED, len(rich))

    def _any(self, popular: NDArray[np.float64]) -> Ints:
        """Choose any account, or that of a recent payment: who is paid is soon paid again."""
        account = self._rng.integers(0, len(self._names), len(popular))
        chosen = self._rng.random(len(popular)) < popular
        account[chosen] = self._rng.choice(self._paid, int(chosen.sum()))
        return account

    def _open(self, balances: Cents) -> None:
        self._names = np.append(self._names, self._rng.integers(0, NAMES, len(balances)))
        self._balances = np.append(self._balances, balances)

    def _draw_balances(self, payments: Payments) -> Cents:
        """Draw the balances of the accounts that would open for these payments."""
        n = len(payments.step)
        empty = np.array([p.empty_account for p in PHASES])[_phase(payments.step)]
        empty[payments.bulk | (payments.type == DEBIT)] = 0.0
        empty[payments.fraud] = 1.0
        balances = np.where(
            payments.bulk,
            whole_balance(self._rng, BULK_BALANCE, n),
            whole_balance(self._rng, CLIENT_BALANCE, n),
        )
        balances[self._rng.random(n) < empty] = 0
        return balances


def _needed(payments: Payments) -> Cents:
    """Return what an account must hold: the amount, where paid in bulk or by direct debit."""
    return np.where(payments.bulk | (payments.type == DEBIT), payments.amount, 0)


def _period(step: Ints) -> Ints:
    """Return each row's accounting period: one begins within each hour, for all accounts."""
    start, stop = (np.searchsorted(step, step, side=side) for side in ("left", "right"))
    place = (np.arange(len(step)) - start) / (stop - start)
    return step + (place >= np.array([p.period_end for p in PHASES])[_phase(step)])


def _phase(step: Ints) -> Ints:
    """Return the position of each step's phase in ``PHASES``."""
    return np.searchsorted([p.until for p in PHASES], step)
