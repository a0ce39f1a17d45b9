"""Planned overlap: cases that two people decide, neither seeing the other's answer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vouch.labels.permanent import permanent
from vouch.review.queue import Case

OVERLAP = "overlap"
"""Names the random numbers by which cases are drawn that two people decide."""


def first_seats(places: int, share: float) -> int:
    """Return how many cases to choose so that a share of them has a place more, at least one."""
    return max(int(places / (1 + share)), 1)


def overlapping(cases: Sequence[Case], share: float, most: int) -> list[Case]:
    """Return the cases that go before a second person, by a hash of each.

    Args:
        cases: Those chosen, none of the holdout.
        share: Of them, 0 to 1.
        most: How many places are left for them.
    """
    if not share or not cases:
        return []
    numbers = permanent(pd.Series([case.case for case in cases]), OVERLAP)
    first = [int(place) for place in np.argsort(numbers, kind="stable") if numbers[place] < share]
    return [cases[place] for place in sorted(first[:most])]
