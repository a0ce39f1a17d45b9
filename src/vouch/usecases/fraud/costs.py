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

from vouch.metrics.figures import Figure
from vouch.metrics.ranked import Floats, Integers, gather, interval
from vouch.results.evaluate import Point
from vouch.sources.declaration import Costs

NOTHING = 1.01  # a threshold above every probability flags nothing
POINTS = 100
BLOCK = 4_000_000  # numbers held at once while resampling


@dataclass(frozen=True)
class Stakes:
    """Positives by falling score, and how many negatives are flagged with each.

    Attributes:
        thresholds: Distinct scores of positives, falling, after ``NOTHING``: shape (levels + 1,).
        level: Each positive's place in ``thresholds``, rising, 1 to levels, shape (positives,).
        losses: What each costs if missed, shape (positives,).
        negatives: Negatives first flagged at each threshold, shape (levels + 1,).
        rows: All rows.
        costs: Prices.
    """

    thresholds: Floats
    level: Integers
    losses: Floats
    negatives: Integers
    rows: int
    costs: Costs

    def totals(self, positives: Floats, negatives: Floats) -> Floats:
        """Return the cost at every threshold.

        Args:
            positives: How often each positive is drawn, shape (..., positives).
            negatives: How many negatives are drawn at each threshold, shape (..., levels + 1).

        Returns:
            In the currency of the amount, shape (..., levels + 1).
        """
        starts = np.searchsorted(self.level, np.arange(1, len(self.thresholds)))
        flagged, saved = (
            np.add.reduceat(values, starts, axis=-1)
            for values in (positives, positives * self.losses)
        )
        price = self.costs.review * flagged - saved
        price = np.concatenate([np.zeros((*price.shape[:-1], 1)), price], axis=-1)
        price = price + (self.costs.review + self.costs.false_alarm) * negatives
        missed = np.sum(positives * self.losses, axis=-1, keepdims=True)
        return np.asarray(missed + np.cumsum(price, axis=-1), dtype=np.float64)


def stake(labels: ArrayLike, scores: ArrayLike, amounts: ArrayLike, costs: Costs) -> Stakes:
    """Sort rows for the search for a threshold.

    Args:
        labels: 0 or 1, shape (rows,), at least one of them 1.
        scores: Shape (rows,), no NaN.
        amounts: Money at stake in each row, at least 0, shape (rows,); NaN counts as 0.
        costs: Prices.
    """
    positive = np.asarray(labels).astype(bool)
    score = np.asarray(scores, dtype=np.float64)
    levels, level = np.unique(-score[positive], return_inverse=True)
    order = np.argsort(level, kind="stable")
    losses = costs.missed * np.nan_to_num(np.asarray(amounts, dtype=np.float64))[positive]
    cells = gather(positive, score)
    # codes 2j and 2j + 1 are both flagged from the j-th positive's score on, the last by none
    first = cells.codes[0][~cells.positive] // 2 + 1
    negatives = np.bincount(first, cells.rows[~cells.positive], len(levels) + 2)[: len(levels) + 1]
    return Stakes(
        np.concatenate([[NOTHING], -levels]),
        level[order] + 1,
        losses[order],
        negatives.astype(np.int64),
        len(score),
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
        repeats: Bootstrap samples.
        confidence: Of the intervals.
        seed: The same seed gives the same answer.

    Returns:
        ``value`` (the threshold), ``interval`` (of the cheapest threshold), ``cost`` (a row, in
        the amount's currency, with ``value`` and ``interval``), ``total``, ``flag_nothing`` and
        ``flag_everything`` (a row, what the two thoughtless policies cost), ``curve``: points
        ``threshold``, ``cost``, ``interval`` along the cost curve, thresholds falling.
    """
    plain = stakes.totals(np.ones(len(stakes.losses)), stakes.negatives.astype(np.float64))
    best = int(np.argmin(plain))
    places = np.unique(np.linspace(0, len(plain) - 1, POINTS).astype(int))
    chosen, at_best, along = _resample(stakes, best, places, repeats, seed)
    rows = stakes.rows
    ends = [interval(column / rows, confidence) for column in along.T]
    everything = stakes.costs.review * rows + stakes.costs.false_alarm * (rows - len(stakes.losses))
    return {
        "value": float(stakes.thresholds[best]),
        "interval": list(interval(chosen, confidence)),
        "cost": {
            "value": float(plain[best] / rows),
            "interval": list(interval(at_best / rows, confidence)),
        },
        "total": float(plain[best]),
        "flag_nothing": float(plain[0] / rows),
        "flag_everything": float(everything / rows),
        "curve": [
            {
                "threshold": float(stakes.thresholds[place]),
                "cost": float(plain[place] / rows),
                "interval": list(end),
            }
            for place, end in zip(places, ends, strict=True)
        ],
    }


def _resample(
    stakes: Stakes, best: int, places: NDArray[np.int_], repeats: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return each sample's cheapest threshold, its cost at ``best`` and at ``places``."""
    random = np.random.default_rng(seed)
    size = len(stakes.losses) + len(stakes.thresholds)
    step, parts = max(1, BLOCK // size), []
    for start in range(0, repeats, step):
        count = min(step, repeats - start)
        positives = random.poisson(1.0, (count, len(stakes.losses)))
        negatives = random.poisson(stakes.negatives, (count, len(stakes.thresholds)))
        totals = stakes.totals(positives.astype(np.float64), negatives.astype(np.float64))
        lowest = stakes.thresholds[np.argmin(totals, axis=1)]
        parts.append((lowest, totals[:, best], totals[:, places]))
    chosen, at_best, along = zip(*parts, strict=True)
    return np.concatenate(chosen), np.concatenate(at_best), np.concatenate(along)


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
