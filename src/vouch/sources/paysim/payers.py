"""Who pays: clients that make one payment, or many of a type in a row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vouch.sources.paysim.accounts import Cents, running
from vouch.sources.paysim.arrays import Arrays, Ints
from vouch.sources.paysim.parameters import (
    CASH_IN,
    LARGEST_AMOUNT,
    QUANTILE_LEVELS,
    TRANSFER,
    Phase,
    Runs,
    drawn,
    whole_balance,
)


@dataclass(frozen=True)
class Payments(Arrays):
    """Payments as their payers see them, in the order they are made; all arrays of one length.

    Attributes:
        step: Hour, 1 to 743.
        type: Position in ``TYPES``.
        amount: Cents.
        before: The payer's balance before, cents.
        after: And after.
        fraud: Whether it is one.
        flagged: Whether it was stopped: the money does not move.
        bulk: Whether its payer makes many of its type in a row.
    """

    step: Ints
    type: Ints
    amount: Cents
    before: Cents
    after: Cents
    fraud: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    bulk: NDArray[np.bool_]


def genuine(rng: np.random.Generator, phase: Phase, step: Ints) -> Payments:
    """Draw genuine payments.

    Args:
        rng: Where chance comes from.
        phase: How payments look in these hours.
        step: The hour of each payment, ascending.
    """
    kind, first, bulk = _clients(rng, phase, len(step))
    amount = amounts(rng, phase, kind)
    opening = whole_balance(rng, phase.client_balance, int(first.sum()))
    before, after = running(first, opening, np.where(kind == CASH_IN, amount, -amount))
    never = np.zeros(len(step), bool)
    return Payments(step, kind, amount, before, after, never, never, bulk)


def amounts(rng: np.random.Generator, phase: Phase, kind: Ints) -> Cents:
    """Draw the amount of each payment by its type, one cent to the largest published."""
    units = np.empty(len(kind))
    for of, parameters in enumerate(phase.amounts):
        rows = np.flatnonzero(kind == of)
        if len(parameters) == len(QUANTILE_LEVELS):
            units[rows] = drawn(rng, parameters, len(rows))
        elif of == TRANSFER:
            units[rows] = rng.lognormal(parameters[0], parameters[1], len(rows))
        else:
            units[rows] = rng.gamma(parameters[0], parameters[1], len(rows))
    return np.round(np.clip(units, 0.01, LARGEST_AMOUNT) * 100).astype(np.int64)


def _clients(
    rng: np.random.Generator, phase: Phase, n: int
) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw each row's type, whether a new client starts there, and whether it is bulk."""
    kinds, lengths = _runs(rng, phase, n)
    continues = np.array([runs.continues for runs in phase.runs])[kinds]
    first = np.zeros(n, bool)
    first[np.cumsum(lengths) - lengths] = rng.random(len(kinds)) >= continues
    first[:1] = True
    bulk = lengths > len(phase.runs[0].occasional)
    return np.repeat(kinds, lengths), first, np.repeat(bulk, lengths)


def _runs(rng: np.random.Generator, phase: Phase, n: int) -> tuple[Ints, Ints]:
    """Return type and length of each run, in random order; the rows of each type are not random."""
    edges = np.round(n * np.cumsum(phase.shares) / sum(phase.shares)).astype(np.int64)
    lengths = [
        _run_lengths(rng, runs, int(rows))
        for runs, rows in zip(phase.runs, np.diff(edges, prepend=0), strict=True)
    ]
    kinds = np.repeat(np.arange(len(lengths)), [len(part) for part in lengths])
    order = rng.permutation(len(kinds))
    return kinds[order], np.concatenate(lengths)[order]


def _run_lengths(rng: np.random.Generator, runs: Runs, rows: int) -> Ints:
    """Draw lengths of runs that fill ``rows``; the last is cut short."""
    n = int(1.2 * rows / runs.expected()) + 10 * (runs.least + int(2 * runs.mean))
    few = 1 + np.searchsorted(np.cumsum(runs.occasional)[:-1], rng.random(n), side="right")
    if runs.spread == "uniform":
        many = runs.least + rng.integers(0, int(2 * runs.mean) + 1, n)
    else:
        many = runs.least + np.round(rng.exponential(runs.mean, n)).astype(np.int64)
    ends = np.cumsum(np.where(rng.random(n) < runs.bulk, many, few)).clip(max=rows)
    lengths = np.diff(ends, prepend=0)
    return lengths[lengths > 0]
