"""A handful of explained cases that together cover a model (SP-LIME).

Ribeiro, Singh, Guestrin: "Why should I trust you?", KDD 2016, algorithm 2: a feature matters as the
square root of what it adds in all cases, and cases are taken one by one, each the one that covers
most of what no case covers yet. Greedy choice reaches 1 - 1/e of the best there is, as coverage is
submodular (Nemhauser, Wolsey, Fisher 1978).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FAINT = 0.02
"""A weight below this share of the heaviest covers nothing: what LIME says of it is chance."""


@dataclass(frozen=True)
class Picks:
    """The cases picked.

    Attributes:
        cases: Their numbers, the one that covers most first.
        covered: The share of all importance that the cases up to each cover, rising, 0 to 1.
        importance: Of each feature, at least 0, shape (features,).
    """

    cases: tuple[int, ...]
    covered: tuple[float, ...]
    importance: Floats


def pick(weights: Floats, count: int) -> Picks:
    """Pick the cases that together cover the most important features.

    Args:
        weights: What each feature adds in each case, signed, shape (cases, features).
        count: How many cases, at most: one that covers nothing new is not picked. Ties go to the
            earlier case.
    """
    sizes = np.abs(weights)
    importance = np.sqrt(sizes.sum(axis=0))
    covers = sizes > FAINT * sizes.max(initial=0.0)
    left, total = importance.copy(), importance.sum()
    cases, covered = list[int](), list[float]()
    for _ in range(min(count, len(weights))):
        gains = covers @ left
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        left[covers[best]] = 0.0
        cases.append(best)
        covered.append(float(1 - left.sum() / total))
    return Picks(tuple(cases), tuple(covered), importance)
