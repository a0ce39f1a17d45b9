"""Six weeks of prices and of how many tweets of each class come with them, by quarter of an hour.

Volatility clusters, tweets come in bursts and more of them follow a large move; their mood leans
the way the price just went. Whether the price in turn moves with the mood is a parameter, zero by
default: published studies of coins found no linear relation.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vouch.core.errors import VouchError

START = datetime(2024, 1, 1)
BINS_A_DAY = 96
BINS = 42 * BINS_A_DAY
SECONDS = 900
"""Seconds in a bin."""
CLASS_SHARES = (0.29, 0.39, 0.32)
MOST_LAG = BINS_A_DAY

PRICES = pa.schema(
    [
        ("date", pa.timestamp("us")),
        ("asset", pa.string()),
        ("open", pa.float64()),
        ("close", pa.float64()),
        ("return", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Asset:
    """A coin.

    Attributes:
        name: Its ticker.
        price: Its first price.
        volatility: Standard deviation of a quarter of an hour's return.
        share: Its share of the tweets.
        called: How tweets write it.
    """

    name: str
    price: float
    volatility: float
    share: float
    called: tuple[str, ...]


ASSETS = (
    Asset("BTC", 42_300.0, 0.0021, 0.40, ("$BTC", "#Bitcoin", "bitcoin", "BTC", "btc", "#BTC")),
    Asset("ETH", 2_280.0, 0.0026, 0.24, ("$ETH", "#Ethereum", "ethereum", "ETH", "eth", "#ETH")),
    Asset("SOL", 101.0, 0.0042, 0.14, ("$SOL", "#Solana", "solana", "SOL", "sol", "#SOL")),
    Asset("DOGE", 0.09, 0.0045, 0.10, ("$DOGE", "#Dogecoin", "doge", "DOGE", "dogecoin", "#doge")),
    Asset("XRP", 0.62, 0.0033, 0.07, ("$XRP", "#XRP", "xrp", "XRP", "ripple", "#Ripple")),
    Asset("ADA", 0.59, 0.0036, 0.05, ("$ADA", "#Cardano", "cardano", "ADA", "ada", "#ADA")),
)


@dataclass(frozen=True)
class Market:
    """How mood and price depend on each other.

    Attributes:
        effect: How many standard deviations of a return the price moves for each unit of mood,
            -1 to 1; mood is positive less negative tweets of a quarter of an hour over the square
            root of the tweets expected in it. 0: the price does not know of the tweets.
        lag: After how many quarters of an hour it moves, 1 to 96.
        follow: How much the mood leans the way the price went in the quarter of an hour before,
            as log-odds for each standard deviation of that move, 0 to 1.
    """

    effect: float = 0.0
    lag: int = 1
    follow: float = 0.3

    def check(self) -> None:
        """Check that every value is in range.

        Raises:
            VouchError: One is not.
        """
        if not -1 <= self.effect <= 1:
            raise VouchError(f"price effect: got {self.effect}", "give a number from -1 to 1")
        if not 1 <= self.lag <= MOST_LAG:
            raise VouchError(
                f"price lag: got {self.lag}", f"give 1 to {MOST_LAG} quarters of hours"
            )
        if not 0 <= self.follow <= 1:
            raise VouchError(f"follow: got {self.follow}", "give a number from 0 to 1")


@dataclass(frozen=True)
class History:
    """What happened.

    Attributes:
        counts: Tweets by bin, asset and true class, shape (4032, 6, 3).
        returns: Log-returns by bin and asset, shape (4032, 6).
    """

    counts: NDArray[np.int64]
    returns: NDArray[np.float64]


def unfold(rng: np.random.Generator, rows: int, market: Market) -> History:
    """Simulate six weeks.

    Args:
        rng: Source of randomness.
        rows: How many tweets in all, at least 1.
        market: How mood and price depend on each other.

    Returns:
        The history; its counts add up to ``rows``.
    """
    shocks = rng.standard_t(5, (BINS, len(ASSETS))) / np.sqrt(5 / 3)
    volatility = _volatility(rng)
    expected = _attention(rng, volatility, shocks) * rows
    volume = rng.multinomial(rows, (expected / rows).ravel()).reshape(expected.shape)
    counts = np.zeros((BINS, len(ASSETS), 3), np.int64)
    mood = np.zeros((BINS, len(ASSETS)))
    moves = shocks.copy()
    for now in range(BINS):
        if market.effect and now >= market.lag:
            moves[now] += market.effect * mood[now - market.lag]
        before = moves[now - 1] if now else np.zeros(len(ASSETS))
        counts[now] = rng.multinomial(volume[now], _leaning(before, market.follow))
        mood[now] = (counts[now, :, 2] - counts[now, :, 0]) / np.sqrt(np.maximum(expected[now], 1))
    return History(counts, moves * volatility)


def _volatility(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return each return's standard deviation: a slow, mean-reverting walk of its logarithm."""
    level = np.zeros((BINS, len(ASSETS)))
    steps = rng.normal(0, 0.12, level.shape) + rng.normal(0, 0.08, (BINS, 1))
    for now in range(1, BINS):
        level[now] = 0.98 * level[now - 1] + steps[now]
    return np.exp(level - 0.25) * [asset.volatility for asset in ASSETS]


def _attention(
    rng: np.random.Generator, volatility: NDArray[np.float64], shocks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of all tweets in each bin of each asset: by the hour, by volatility, in bursts."""
    hour = np.arange(BINS)[:, None] / 4 % 24
    day = 1 + 0.6 * np.sin((hour - 9) / 24 * 2 * np.pi)
    lively = volatility / [asset.volatility for asset in ASSETS]
    moved = np.abs(np.vstack([np.zeros(len(ASSETS)), shocks[:-1]]))
    weight = day * np.sqrt(lively) * (1 + 0.8 * moved) * _bursts(rng)
    weight *= np.array([asset.share for asset in ASSETS]) / weight.sum(axis=0)
    return np.asarray(weight / weight.sum())


def _bursts(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return factors on the number of tweets: news comes every two days and fades within hours."""
    level = np.ones((BINS, len(ASSETS)))
    news = rng.random(level.shape) < 0.5 / BINS_A_DAY
    heard = np.where(news, rng.lognormal(1.3, 0.6, level.shape), 0.0)
    for now in range(1, BINS):
        heard[now] += 0.85 * heard[now - 1]
    return level + heard


def _leaning(move: NDArray[np.float64], follow: float) -> NDArray[np.float64]:
    """Return the classes' probabilities by asset after a move (in sd), shape (6, 3)."""
    lean = follow * np.clip(move, -4, 4)[:, None] * np.array([-1.0, 0.0, 1.0])
    odds = np.array(CLASS_SHARES) * np.exp(lean)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def prices(history: History) -> pa.Table:
    """Turn a history's returns into prices.

    Args:
        history: What happened.

    Returns:
        One row a quarter of an hour and asset (``PRICES``), sorted by date and asset: ``date``
        when it begins (UTC), ``open`` and ``close`` in dollars, ``return`` close / open - 1.
    """
    names = [asset.name for asset in ASSETS]
    order = np.argsort(names)
    close = np.round(
        np.array([asset.price for asset in ASSETS]) * np.exp(np.cumsum(history.returns, axis=0)), 6
    )
    first = np.array([[asset.price for asset in ASSETS]])
    opening = np.vstack([first, close[:-1]])
    moments = np.datetime64(START, "us") + np.arange(BINS) * np.timedelta64(SECONDS, "s")
    columns = [
        pa.array(np.repeat(moments, len(ASSETS))),
        pa.array(np.tile(np.array(names)[order], BINS)),
        pa.array(opening[:, order].ravel()),
        pa.array(close[:, order].ravel()),
        pa.array((close / opening - 1)[:, order].ravel()),
    ]
    return pa.Table.from_arrays(columns, schema=PRICES)
