"""Who is paid: accounts that are opened, receive, pay out cash and are written up in periods."""

import numpy as np
from numpy.typing import NDArray

from vouch.sources.paysim.accounts import Cents, running
from vouch.sources.paysim.parameters import (
    BULK_BALANCE,
    CASH_IN,
    CASH_OUT,
    CLIENT_BALANCE,
    DEBIT,
    FIRST_ACCOUNTS,
    FRAUD_NEW_ACCOUNT,
    HALF_EMPTIED,
    MOST_ENRICHED,
    OPENS,
    PHASES,
    TRANSFER,
    whole_balance,
)
from vouch.sources.paysim.payers import Ints, Payments

NAMES = 2**31  # names are numbers below this: so few repeat as in the published table
GROWTH = 10  # accounts are chosen for a tenth of the rows so far at a time, from those then open
LEAST_AT_A_TIME, MOST_AT_A_TIME = 32, 20_000


class Payees:
    """All accounts so far, with their names and what they hold.

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
        """Let accounts take part in payments, in their order.

        Args:
            payments: Those between clients: neither to a merchant nor to a fraudster's own.

        Returns:
            Name, balance before and balance written after, cents, one a payment.
        """
        n, done = len(payments.step), 0
        account, before, after = (np.empty(n, np.int64) for _ in range(3))
        while done < n:
            most = np.clip(self._rows // GROWTH, LEAST_AT_A_TIME, MOST_AT_A_TIME)
            now = slice(done, min(n, done + int(most)))
            account[now], before[now], after[now] = self._pay(payments.part(now))
            self._rows += now.stop - done
            done = now.stop
        return self._names[account], before, self._written(account, payments.step, after)

    def _pay(self, payments: Payments) -> tuple[Ints, Cents, Cents]:
        account = self._accounts(payments)
        order = np.argsort(account, kind="stable")
        ids = account[order]
        first = np.diff(ids, prepend=-1) != 0
        change = np.where(payments.type == CASH_IN, -payments.amount, payments.amount)[order]
        old, new = running(first, self._balances[ids[first]], change)
        self._balances[ids[np.roll(first, -1)]] = new[np.roll(first, -1)]
        before, after = np.empty_like(old), np.empty_like(new)
        before[order], after[order] = old, new
        return account, before, after

    def _accounts(self, payments: Payments) -> Ints:
        phase, who = _phase(payments.step), payments.bulk.astype(int)
        chance = np.array([p.new_account for p in PHASES])[phase]
        chance *= np.array(OPENS)[who, payments.type]
        chance = np.where(payments.fraud, FRAUD_NEW_ACCOUNT, chance)
        opens = np.flatnonzero(self._rng.random(len(chance)) < chance)
        account = self._any(np.array([p.popular for p in PHASES])[phase, who])
        account[opens] = len(self._names) + np.arange(len(opens))
        self._open(payments.part(opens))
        now = PHASES[phase[-1]]
        self._enrich(account[payments.type != DEBIT], now.enriched)
        self._match(account, payments, now.matched)
        self._swap(account, payments, now.swaps)
        self._remember(account, max(now.popular) > 0)
        return account

    def _enrich(self, account: Ints, chance: float) -> None:
        """Accounts are clients too: some have taken in cash since, under other names."""
        rich = account[self._rng.random(len(account)) < chance]
        self._balances[rich] += self._rng.integers(0, 100 * MOST_ENRICHED, len(rich))

    def _match(self, account: Ints, payments: Payments, weight: float) -> None:
        """The more an account holds, the larger the sums it moves: of each type, in ranks."""
        for kind in (CASH_IN, CASH_OUT, TRANSFER):
            rows = np.flatnonzero((payments.type == kind) & payments.bulk)
            by_amount = rows[self._roughly_sorted(payments.amount[rows], weight)]
            by_held = rows[self._roughly_sorted(self._balances[account[rows]], weight)]
            account[by_amount] = account[by_held]

    def _roughly_sorted(self, values: Cents, weight: float) -> Ints:
        rank = np.empty(len(values))
        rank[np.argsort(values, kind="stable")] = np.linspace(0, 1, len(values))
        return np.argsort(weight * rank + (1 - weight) * self._rng.random(len(values)))

    def _swap(self, account: Ints, payments: Payments, times: int) -> None:
        """Money that comes in is taken from an account that has it, where two can swap theirs."""
        rows = np.flatnonzero(
            ((payments.type == CASH_IN) & payments.bulk) | (payments.type == DEBIT)
        )
        need = np.where(payments.type == CASH_IN, payments.amount, 1)
        for _ in range(times):
            one, other = self._rng.permutation(rows)[: len(rows) // 2 * 2].reshape(2, -1)
            held, offered = self._balances[account[one]], self._balances[account[other]]
            now = (held >= need[one]).astype(int) + (offered >= need[other])
            then = (offered >= need[one]).astype(int) + (held >= need[other])
            better = then > now
            one, other = one[better], other[better]
            account[one], account[other] = account[other], account[one]

    def _any(self, popular: NDArray[np.float64]) -> Ints:
        """Any account, all alike likely, or any earlier payment's: the popular grow popular."""
        account = self._rng.integers(0, len(self._names), len(popular))
        chosen = self._rng.random(len(popular)) < popular
        account[chosen] = self._rng.choice(self._paid, int(chosen.sum()))
        return account

    def _remember(self, account: Ints, needed: bool) -> None:
        self._paid = np.append(self._paid, account) if needed else self._paid[:1]

    def _open(self, payments: Payments) -> None:
        n = len(payments.step)
        empty = np.array([p.empty_account for p in PHASES])[_phase(payments.step)]
        empty[payments.bulk | (payments.type == DEBIT)] = 0.0
        empty[payments.fraud] = 1.0
        held = np.where(
            payments.bulk,
            whole_balance(self._rng, BULK_BALANCE, n),
            whole_balance(self._rng, CLIENT_BALANCE, n),
        )
        held[self._rng.random(n) < empty] = 0
        self._names = np.append(self._names, self._rng.integers(0, NAMES, n))
        self._balances = np.append(self._balances, held)

    def _written(self, account: Ints, step: Ints, after: Cents) -> Cents:
        """What is written is the balance at the end of the row's accounting period."""
        order = np.argsort(account, kind="stable")
        first = np.diff(account[order], prepend=-1) != 0
        hours = np.clip(np.diff(step[order], prepend=0), 0, 2)
        ended = np.array([p.period_ended for p in PHASES])[_phase(step[order]), hours]
        starts = first | (self._rng.random(len(step)) < ended)
        last = np.append(np.flatnonzero(starts)[1:], len(step)) - 1
        written = np.empty_like(after)
        written[order] = self._emptied(step[order][last], after[order][last])[np.cumsum(starts) - 1]
        return written

    def _emptied(self, step: Ints, held: Cents) -> Cents:
        """Some were emptied, wholly or in part, before the period ended: the less held the more."""
        chance = np.array([p.emptied for p in PHASES])[_phase(step)]
        emptied = self._rng.random(len(held)) < chance / (1 + held / (100 * HALF_EMPTIED))
        left = np.maximum(self._rng.uniform(-1, 1, len(held)), 0)
        return np.where(emptied, left * held, held).astype(np.int64)


def _phase(step: Ints) -> Ints:
    """Position of each step's phase in ``PHASES``."""
    return np.searchsorted([p.until for p in PHASES], step)
