"""Balances that carry over from one payment of an account to the next."""

import numpy as np
from numpy.typing import NDArray

Cents = NDArray[np.int64]


def running(first: NDArray[np.bool_], opening: Cents, change: Cents) -> tuple[Cents, Cents]:
    """Compute accounts' balances before and after each of their rows; none goes below zero.

    Args:
        first: Whether a row is its account's first; the account's others follow it directly.
        opening: What each account holds before its first row, cents, one an account.
        change: What each row adds, cents, negative where it takes.

    Returns:
        Balance before and after each row, cents, shapes of ``change``.
    """
    starts = np.flatnonzero(first)
    rank = np.arange(len(change)) - np.repeat(starts, np.diff(starts, append=len(change)))
    old, new = np.zeros_like(change), np.zeros_like(change)
    old[starts] = opening
    new[starts] = np.maximum(opening + change[starts], 0)
    # rows of equal rank are of different accounts: one step for all of them
    later = np.argsort(rank, kind="stable")[len(starts) :]
    for rows in np.split(later, np.cumsum(np.bincount(rank)[1:])[:-1]):
        old[rows] = new[rows - 1]
        new[rows] = np.maximum(old[rows] + change[rows], 0)
    return old, new
