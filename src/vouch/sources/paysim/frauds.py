"""Taken-over accounts: the whole balance is transferred to a fresh account and cashed out."""

import numpy as np

from vouch.sources.paysim.accounts import Cents
from vouch.sources.paysim.arrays import Ints
from vouch.sources.paysim.parameters import (
    CASH_OUT,
    CLIENT_BALANCE,
    FIRST_FRAUD_LOG_MEAN,
    FIRST_FRAUD_LOG_SD,
    FIRST_PHASES,
    FLAGGED_LEAST,
    FRAUD_LARGEST_BALANCE,
    FRAUD_LOG_MEAN,
    FRAUD_LOG_SD,
    FRAUD_PIECE,
    PHASES,
    PUBLISHED_FLAGGED,
    PUBLISHED_FRAUDS,
    PUBLISHED_LONE_CASH_OUTS,
    PUBLISHED_ROWS,
    STEPS,
    TRANSFER,
    whole_balance,
)
from vouch.sources.paysim.payers import Payments, amounts


def frauds(rng: np.random.Generator, rows: int) -> Payments:
    """Draw all frauds of a table, evenly over its hours.

    Args:
        rng: Where chance comes from.
        rows: Rows of the whole table.

    Returns:
        Sorted by step; a transfer stands right before its cash-out.
    """
    total, flagged, lone = (
        round(n * rows / PUBLISHED_ROWS)
        for n in (PUBLISHED_FRAUDS, PUBLISHED_FLAGGED, PUBLISHED_LONE_CASH_OUTS)
    )
    lone += (total - flagged - lone) % 2
    parts = (
        _pairs(rng, (total - flagged - lone) // 2),
        _flagged(rng, flagged),
        _lone(rng, lone),
    )
    return in_order(*parts)


def in_order(*parts: Payments) -> Payments:
    """Join payments and sort them by step; within a step they keep the order given."""
    payments = Payments.together(parts)
    return payments.part(np.argsort(payments.step, kind="stable"))


def _pairs(rng: np.random.Generator, n: int) -> Payments:
    """Draw transfers of a whole balance, in pieces, each cashed out at once."""
    step = rng.integers(1, STEPS + 1, n)
    balance = _draw_balances(rng, step)
    pieces = -(-balance // (FRAUD_PIECE * 100))
    victim = np.repeat(np.arange(n), pieces)[:n]
    earlier = np.arange(n) - np.searchsorted(victim, victim)
    before = balance[victim] - earlier * FRAUD_PIECE * 100
    amount = np.minimum(before, FRAUD_PIECE * 100)
    # the cash-out is made from the fresh account, which holds just that
    both = np.stack([before, amount], axis=1).ravel()
    moved = np.repeat(amount, 2)
    kind = np.tile([TRANSFER, CASH_OUT], n)
    yes = np.ones(2 * n, bool)
    return Payments(np.repeat(step[victim], 2), kind, moved, both, both - moved, yes, ~yes, ~yes)


def _draw_balances(rng: np.random.Generator, step: Ints) -> Cents:
    first = step <= FIRST_PHASES[-1].until
    units = np.where(
        first,
        rng.lognormal(FIRST_FRAUD_LOG_MEAN, FIRST_FRAUD_LOG_SD, len(step)),
        rng.lognormal(FRAUD_LOG_MEAN, FRAUD_LOG_SD, len(step)),
    )
    return np.round(np.clip(units, 1.0, FRAUD_LARGEST_BALANCE) * 100).astype(np.int64)


def _flagged(rng: np.random.Generator, n: int) -> Payments:
    """Draw transfers that were stopped: nothing moved, nothing is cashed out."""
    step = rng.integers(1, STEPS + 1, n)
    balance = np.maximum(_draw_balances(rng, step), round(FLAGGED_LEAST * 100))
    yes = np.ones(n, bool)
    return Payments(
        step,
        np.full(n, TRANSFER),
        np.minimum(balance, FRAUD_PIECE * 100),
        balance,
        balance,
        yes,
        yes,
        ~yes,
    )


def _lone(rng: np.random.Generator, n: int) -> Payments:
    """Draw cash-outs without a transfer, from accounts that hold less or nothing."""
    kind = np.full(n, CASH_OUT)
    amount = amounts(rng, PHASES[-1], kind)
    before = np.where(
        rng.random(n) < 0.7, 0, np.minimum(whole_balance(rng, CLIENT_BALANCE, n), amount)
    )
    yes = np.ones(n, bool)
    return Payments(
        rng.integers(1, STEPS + 1, n), kind, amount, before, before - before, yes, ~yes, ~yes
    )
