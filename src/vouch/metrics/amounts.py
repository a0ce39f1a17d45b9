"""The interval of a mean of amounts, of which a few large ones make most.

No interval of a mean holds whatever the amounts are (Bahadur and Savage 1956, The nonexistence of
certain statistical procedures in nonparametric problems, Annals of Mathematical Statistics 27): the
bootstrap sees no amount larger than those it has. Money is nearly lognormal, and if so the interval
of a lognormal mean holds, found from those of the count, of the logarithms' mean and of their
variance (Zou, Taleban and Huo 2009, Confidence interval estimation for lognormal data with
application to health economics, Computational Statistics & Data Analysis 53). It is taken together
with one that assumes nothing, unless the logarithms are not normal (Shapiro and Wilk 1965,
Biometrika 52). Then the second stands alone, with as many degrees of freedom as amounts really make
the sum. A few losses do not tell how much losses vary: that is then taken from all that could have
been lost. Of tails heavier than the lognormal's none of this holds as often as it says.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, shapiro, t

from vouch.metrics.clusters import Bools, Clusters, Floats, sums
from vouch.metrics.figures import Figure, figure
from vouch.metrics.intervals import CONFIDENCE, UNDEFINED, Ends, garwood, quantile
from vouch.metrics.weighted import effective

FEWEST, ENOUGH = 3, 30
"""Amounts from which their spread can be told at all, and well."""
NORMAL = 0.01
"""The p-value below which logarithms are not taken for normal."""
TESTED = 5_000  # amounts: of more the test is not exact


@dataclass(frozen=True)
class Stake:
    """What losses may be like that were not seen.

    Attributes:
        largest: The most that a cluster could lose: no mean loss is above it.
        usual: What the clusters that could lose anything would lose in the mean.
        variance: That of the logarithms of what these could lose.
        clusters: How many there are.
    """

    largest: float
    usual: float
    variance: float = 0.0
    clusters: int = 0


def stake(amounts: Floats, positive: Bools, clusters: Clusters) -> Stake:
    """Return what losses may be like.

    Args:
        amounts: What each row would lose if it were positive and missed, at least 0, shape (rows,).
        positive: Which are, likewise.
        clusters: The rows.
    """
    lost = np.where(positive, amounts, 0.0)
    by_cluster = sums(clusters.main(lost), lost)
    possible = by_cluster[by_cluster > 0]
    number = len(possible)
    # few positives may all be small ones
    seen = possible if number >= ENOUGH else np.concatenate([possible, amounts])
    return Stake(
        float(seen.max(initial=0.0)),
        float(possible.mean()) if number else 0.0,
        float(np.log(possible).var(ddof=1)) if number > 1 else 0.0,
        number,
    )


def mean_cost(
    prices: Floats,
    losses: Floats,
    at_stake: Stake,
    clusters: Clusters,
    rows: int,
    confidence: float = CONFIDENCE,
) -> Figure:
    """Return the mean of what rows cost, with its interval; null of none.

    The intervals of prices and of losses are joined as by Zou and Donner (2008, Construction of
    confidence limits about effect measures, Statistics in Medicine 27).

    Args:
        prices: What deciding each row costs, at least 0, all much alike, shape (costly,).
        losses: Amounts lost in it, at least 0, some large, likewise.
        at_stake: What losses not seen may be like.
        clusters: Those rows; others, which cost nothing, may be left out.
        rows: How many there are with the others.
        confidence: Of the interval, above 0 and below 1.
    """
    if not rows:
        return figure(math.nan, UNDEFINED)
    totals = [float(prices.sum()), float(losses.sum())]
    ends = [
        _prices(prices, clusters, confidence),
        _losses(losses, at_stake, clusters, confidence),
    ]
    down = math.hypot(*(total - end[0] for total, end in zip(totals, ends, strict=True)))
    up = math.hypot(*(end[1] - total for total, end in zip(totals, ends, strict=True)))
    whole = sum(totals)
    return figure(whole / rows, (max(whole - down, 0.0) / rows, (whole + up) / rows))


def _prices(prices: Floats, clusters: Clusters, confidence: float) -> Ends:
    """Return the ends of a sum of prices: that of a Poisson count of clusters that have one."""
    total = float(prices.sum())
    if not total:
        return 0.0, 0.0
    number = effective(sums(clusters.main(prices), prices))
    low, high = garwood(number, confidence)
    return total * low / number, total * high / number


def _losses(losses: Floats, at_stake: Stake, clusters: Clusters, confidence: float) -> Ends:
    """Return the ends of a sum of losses: clusters with one are a Poisson count."""
    by_cluster, total = sums(clusters.main(losses), losses), float(losses.sum())
    amounts = by_cluster[by_cluster > 0]
    frequent = garwood(len(amounts), confidence)[1]
    pooled = len(amounts) < ENOUGH <= at_stake.clusters
    if not len(amounts) or (len(amounts) < FEWEST and not pooled):
        usual = max(at_stake.usual, float(amounts.max(initial=0.0)))
        return 0.0, max(frequent * usual, total)
    low, high = _summed(amounts, at_stake.variance if pooled else None, at_stake, confidence)
    most = frequent * max(float(amounts.max()), at_stake.largest)
    return min(low, total), max(min(high, most), total)


def _summed(amounts: Floats, variance: float | None, at_stake: Stake, confidence: float) -> Ends:
    """Return the ends of a sum of a Poisson number of amounts.

    Args:
        amounts: The amounts.
        variance: That of logarithms, where these amounts are too few to tell it.
        at_stake: From how many amounts it was told.
        confidence: Of the interval.
    """
    logs = np.log(amounts)
    if not _normal(logs):
        # as many as really make the sum: of amounts squared those that make their sum
        return _scaled(amounts, max(effective(np.square(amounts)), 1.0), confidence)
    if variance is not None:
        fitted = lognormal(logs, variance, at_stake.clusters - 1, confidence)
    else:
        fitted = lognormal(logs, float(logs.var(ddof=1)), len(logs) - 1, confidence)
    # these may be smaller than all that could be lost: the fit alone may lie above their sum
    plain = _scaled(amounts, max(len(amounts) - 1, 1), confidence)
    return min(plain[0], fitted[0]), max(plain[1], fitted[1])


def _normal(logs: Floats) -> bool:
    """Return whether logarithms may be normal."""
    if len(logs) < FEWEST:
        return True
    step = -(-len(logs) // TESTED)
    return bool(np.ptp(logs) > 0 and shapiro(logs[::step]).pvalue >= NORMAL)


def _scaled(amounts: Floats, freedom: float, confidence: float) -> Ends:
    """Return the ends of a sum of amounts by its own spread, on the logarithmic scale."""
    total = float(amounts.sum())
    error = math.sqrt(float(np.square(amounts).sum())) / total
    reach = float(t.ppf((1 + confidence) / 2, freedom)) * error
    return total * math.exp(-reach), total * _power(reach)


def lognormal(logs: Floats, variance: float, freedom: int, confidence: float = CONFIDENCE) -> Ends:
    """Return the ends of the sum of a Poisson number of lognormal amounts.

    Args:
        logs: Their logarithms, shape (amounts,), at least one.
        variance: Of logarithms.
        freedom: With how many degrees of freedom it is known, at least 1.
        confidence: Of the interval, above 0 and below 1.
    """
    number, half = len(logs), variance / 2
    counts = [math.log(end) for end in garwood(number, confidence)]
    means = quantile(freedom + 1, confidence) * math.sqrt(variance / number)
    low, high = (
        half * freedom / chi2.ppf((1 + sign * confidence) / 2, freedom) for sign in (1, -1)
    )
    whole = math.log(number) + float(logs.mean()) + half
    down = math.hypot(math.log(number) - counts[0], means, half - low)
    up = math.hypot(counts[1] - math.log(number), means, high - half)
    return _power(whole - down), _power(whole + up)


def _power(exponent: float) -> float:
    """Return e to a power, or the largest there is a number for."""
    return math.exp(min(exponent, 700.0))
