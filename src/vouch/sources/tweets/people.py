"""Who tweets: authors of differing volume, bias and following."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

ROWS_EACH = 15
"""Tweets an author writes on average; a few write most of them."""
FEWEST = 40
FIRST = ("crypto", "moon", "chain", "degen", "satoshi", "block", "defi", "alpha", "bag", "coin")
SECOND = ("_whale", "hunter", "Queen", "_bro", "lad", "Trader", "_maxi", "nerd", "_daily", "Joe")


@dataclass(frozen=True)
class People:
    """The authors.

    Attributes:
        names: Their handles without @, as many as there are authors.
        followers: Their followers at the start.
        chances: Cumulated chance of each author by class, shape (3, authors).
    """

    names: pa.Array
    followers: NDArray[np.float64]
    chances: NDArray[np.float64]

    def write(self, rng: np.random.Generator, classes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw an author for each tweet; bulls write more of the positive ones.

        Args:
            rng: Source of randomness.
            classes: Each tweet's true class, 0 to 2.

        Returns:
            The number of each tweet's author.
        """
        drawn, author = rng.random(len(classes)), np.zeros(len(classes), np.int64)
        for label, chances in enumerate(self.chances):
            rows = classes == label
            author[rows] = np.searchsorted(chances, drawn[rows] * chances[-1], side="right")
        return author


def crowd(rng: np.random.Generator, rows: int) -> People:
    """Make the authors of so many tweets.

    Args:
        rng: Source of randomness.
        rows: How many tweets they will write.
    """
    size = max(FEWEST, rows // ROWS_EACH)
    volume = 1 / (np.arange(size) + 6.0) ** 0.9
    bias = rng.normal(0, 0.8, size)
    lean = np.exp(np.outer([-1.0, 0.0, 1.0], bias))
    number = np.arange(size)
    first = pa.array(FIRST).take(pa.array(rng.integers(0, len(FIRST), size)))
    second = pa.array(SECOND).take(pa.array(rng.integers(0, len(SECOND), size)))
    handles = [
        f"{a}{b}{n}" for a, b, n in zip(first.to_pylist(), second.to_pylist(), number, strict=True)
    ]
    followers = rng.lognormal(5.5, 1.7, size) * (1 + 20 * volume / volume[0])
    return People(pa.array(handles), followers, np.cumsum(volume * lean, axis=1))


def reach(
    rng: np.random.Generator, followers: NDArray[np.float64], age: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw followers when a tweet was written, and how often it was passed on.

    Args:
        rng: Source of randomness.
        followers: Its author's followers at the start.
        age: When it was written, 0 (start) to 1 (end).

    Returns:
        Followers and retweets, whole numbers of at least 0.
    """
    now = followers * (1 + 0.1 * age)
    mean = 0.02 * now**0.7 * rng.gamma(0.3, 1 / 0.3, len(now))
    return np.floor(now).astype(np.int64), rng.poisson(mean)
