"""What decisions cost, and the threshold at which they cost least.

Reviewing a row costs ``review``; a genuine one among them ``false_alarm`` beyond; a positive one
left alone costs ``missed`` times its amount (example-dependent costs: Elkan 2001, "The foundations
of cost-sensitive learning", IJCAI). Flagging one more negative never lowers the cost, so the
cheapest threshold is the score of some positive, or above every score; only these are tried.
"""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from vouch.metrics.amounts import Stake, mean_cost, stake
from vouch.metrics.clusters import Clusters, Floats, Integers
from vouch.metrics.figures import Figure
from vouch.metrics.intervals import central
from vouch.results.evaluate import Point
from vouch.sources.declaration import Costs

NOTHING = 1.01  # a threshold above every probability flags nothing
POINTS = 100
BLOCK = 4_000_000  # numbers held at once while resampling


@dataclass(frozen=True)
class Stakes:
    """Rows by falling score, and what flagging them or not costs.

    Attributes:
        thresholds: Distinct scores of positives, falling, after ``NOTHING``: shape (levels + 1,).
        first: From which threshold on each row is flagged, rising, shape (rows,); one more than
            there are for those that no threshold flags.
        positive: Whether each row is, likewise.
        losses: What each would cost if it were positive and missed, likewise.
        clusters: The rows.
        costs: Prices.
    """

    thresholds: Floats
    first: Integers
    positive: NDArray[np.bool_]
    losses: Floats
    clusters: Clusters
    costs: Costs

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.first)

    @property
    def price(self) -> Floats:
        """What each row costs if it is flagged, shape (rows,)."""
        return self.costs.review + np.where(self.positive, 0.0, self.costs.false_alarm)

    @property
    def change(self) -> Floats:
        """What flagging each row costs more than leaving it alone, shape (rows,)."""
        return self.price - self.alone

    @property
    def alone(self) -> Floats:
        """What each row costs if it is left alone, shape (rows,)."""
        return np.where(self.positive, self.losses, 0.0)

    def totals(self) -> Floats:
        """Return the cost at every threshold, shape (levels + 1,)."""
        size = len(self.thresholds)
        change = np.bincount(self.first, self.change, size + 1)[:size]
        return np.asarray(self.alone.sum() + np.cumsum(change))

    def figure(self, place: int, at_stake: Stake, confidence: float) -> Figure:
        """Return the mean cost of a row at a threshold, with its interval.

        Args:
            place: The threshold's.
            at_stake: What losses not seen may be like.
            confidence: Of the interval.
        """
        flagged = int(np.searchsorted(self.first, place, side="right"))
        missed = flagged + np.flatnonzero(self.positive[flagged:])
        costly = np.concatenate([np.arange(flagged), missed])
        prices = np.concatenate([self.price[:flagged], np.zeros(len(missed))])
        lost = np.concatenate([np.zeros(flagged), self.losses[missed]])
        clusters = self.clusters.of(costly)
        return mean_cost(prices, lost, at_stake, clusters, self.rows, confidence)


def stakes_of(
    labels: ArrayLike, scores: ArrayLike, amounts: ArrayLike, costs: Costs, clusters: Clusters
) -> Stakes:
    """Sort rows for the search for a threshold.

    Args:
        labels: 0 or 1, shape (rows,), at least one of them 1.
        scores: Shape (rows,), no NaN.
        amounts: Money at stake in each row, at least 0, shape (rows,); NaN counts as 0.
        costs: Prices.
        clusters: The rows.
    """
    positive = np.asarray(labels).astype(bool)
    score = np.asarray(scores, dtype=np.float64)
    levels = np.unique(-score[positive])
    first = np.searchsorted(levels, -score, side="left") + 1
    order = np.argsort(first, kind="stable")
    losses = costs.missed * np.nan_to_num(np.asarray(amounts, dtype=np.float64))
    return Stakes(
        np.concatenate([[NOTHING], -levels]),
        first[order],
        positive[order],
        losses[order],
        clusters.of(order),
        costs,
    )


class Cheapest(TypedDict):
    """The threshold of least cost, see :func:`cheapest`."""

    value: float
    interval: list[float]
    cost: Figure
    total: float
    flag_nothing: float
    flag_everything: float
    curve: list[Point]


def cheapest(stakes: Stakes, repeats: int, confidence: float, seed: int) -> Cheapest:
    """Find the threshold of least cost on these rows.

    Args:
        stakes: The rows.
        repeats: Bootstrap samples behind the threshold's own interval.
        confidence: Of the intervals.
        seed: The same seed gives the same answer.

    Returns:
        ``value`` (the threshold), ``interval`` (of the cheapest threshold), ``cost`` (a row, in
        the amount's currency, with ``value`` and ``interval``), ``total``, ``flag_nothing`` and
        ``flag_everything`` (a row, what the two thoughtless policies cost), ``curve``: points
        ``threshold``, ``cost``, ``interval`` along the cost curve, thresholds falling.
    """
    plain, rows = stakes.totals(), stakes.rows
    best = int(np.argmin(plain))
    at_stake = stake(stakes.losses, stakes.positive, stakes.clusters)
    places = np.unique(np.linspace(0, len(plain) - 1, POINTS).astype(int))
    chosen = stakes.thresholds[np.argmin(resample(stakes, best, repeats, seed), axis=1)]
    return {
        "value": float(stakes.thresholds[best]),
        "interval": list(central(chosen, confidence)),
        "cost": stakes.figure(best, at_stake, confidence),
        "total": float(plain[best]),
        "flag_nothing": float(plain[0] / rows),
        "flag_everything": float(stakes.price.sum() / rows),
        "curve": [
            {
                "threshold": float(stakes.thresholds[place]),
                "cost": float(plain[place] / rows),
                "interval": stakes.figure(place, at_stake, confidence)["interval"] or [],
            }
            for place in places
        ],
    }


def resample(stakes: Stakes, best: int, repeats: int, seed: int) -> Floats:
    """Return the cost at every threshold of bootstrap samples.

    A sample weighs clusters, each by a Poisson(1) draw, in place of drawing them with replacement
    (Hanley and MacGibbon 2006, Creating non-parametric bootstrap samples using Poisson frequencies,
    Computer Methods and Programs in Biomedicine 83); rows are sorted once for all samples.

    Args:
        stakes: The rows.
        best: The threshold for whose cost the rows' clusters matter most.
        repeats: Samples, at least 1.
        seed: The same seed gives the same samples.

    Returns:
        Shape (repeats, levels + 1).
    """
    random, parts = np.random.default_rng(seed), []
    kept = stakes.first < len(stakes.thresholds)  # no threshold flags the others
    codes, rates = _drawn_alike(stakes, kept, best)
    size, weight = len(stakes.thresholds), rates[codes]
    placed = (stakes.change[kept] / weight, (codes, stakes.first[kept]))
    changes = csr_array(placed, (len(rates), size))
    start = np.bincount(codes, stakes.alone[kept] / weight, len(rates))
    step = max(1, BLOCK // (len(rates) + size))
    for begin in range(0, repeats, step):
        drawn = random.poisson(rates, (min(step, repeats - begin), len(rates))).astype(np.float64)
        parts.append((drawn @ start)[:, None] + np.cumsum(drawn @ changes, axis=1))
    return np.concatenate(parts)


def _drawn_alike(stakes: Stakes, kept: NDArray[np.bool_], best: int) -> tuple[Integers, Floats]:
    """Return what is drawn as one: a cluster, or all lone negatives that one threshold flags.

    A sum of Poisson draws is a Poisson draw, so the latter need one draw between them.

    Returns:
        What each row belongs to, numbers from 0, and how many are drawn of each in the mean.
    """
    costs = np.where(stakes.first <= best, stakes.price, stakes.alone)
    codes = np.unique(stakes.clusters.main(costs)[kept], return_inverse=True)[1]
    alone = (np.bincount(codes)[codes] == 1) & ~stakes.positive[kept]
    codes = np.where(alone, codes.max(initial=-1) + 1 + stakes.first[kept], codes)
    codes, rows = np.unique(codes, return_inverse=True, return_counts=True)[1:]
    rates = np.ones(len(rows))
    rates[codes[alone]] = rows[codes[alone]]
    return codes, rates


def row_costs(labels: ArrayLike, flagged: ArrayLike, amounts: ArrayLike, costs: Costs) -> Floats:
    """Return what each decision costs.

    Args:
        labels: 0 or 1, shape (rows,).
        flagged: Whether each row is flagged, shape (rows,).
        amounts: Money at stake, at least 0, shape (rows,); NaN counts as 0.
        costs: Prices.

    Returns:
        In the currency of the amount, shape (rows,).
    """
    positive, flags = np.asarray(labels).astype(bool), np.asarray(flagged).astype(bool)
    losses = costs.missed * np.nan_to_num(np.asarray(amounts, dtype=np.float64))
    checked = costs.review + np.where(positive, 0.0, costs.false_alarm)
    return np.where(flags, checked, np.where(positive, losses, 0.0))
