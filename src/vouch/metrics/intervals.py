"""Intervals that hold: the one place where a figure of a model gets its interval.

Every figure comes with each row's influence on it; :mod:`vouch.metrics.clusters` makes a variance
of that. What is between 0 and 1 has the interval of Korn and Graubard (1998, Confidence intervals
for proportions with small expected number of positive counts estimated from survey data, Survey
Methodology 24): Clopper and Pearson's exact one of as many rows as would vary as much, fewer where
few clusters tell how much that is. Of a share of independent rows it is the exact one.

Few clusters, or a figure near 0 or 1, show too little of their own spread: one more account could
be the one that a model misses. So the interval also reaches to where half an account more would
put it, at the worst or at the best there is (imagined cases as in Agresti and Coull 1998,
Approximate is better than "exact" for interval estimation of binomial proportions, American
Statistician 52), but no further than the exact interval of a share of as many clusters, which no
mean of figures between 0 and 1 exceeds in variance. A figure of 1 therefore reaches down to what a
share without a fault among the clusters does.

``python -m benchmarks.coverage`` measures how often these intervals hold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta, chi2, norm, t

from vouch.metrics.clusters import Bools, Clusters, Floats, Integers, Spread, sums
from vouch.metrics.figures import Count, Figure, figure

CONFIDENCE = 0.95
"""Of every interval of vouch: how often it holds the true value."""
IMAGINED = 0.5
"""Clusters imagined beside those seen."""
EDGE = 1e-12  # how far from 0 and 1 the logit is taken
MOST = 1e9  # rows beyond which more make no difference
UNDEFINED = (math.nan, math.nan)
Ends = tuple[float, float]


@dataclass(frozen=True)
class Measured:
    """A figure with each row's influence on it.

    Attributes:
        value: The figure; NaN where it is undefined.
        influence: Its change per row more of each one's kind, shape (rows,).
        counted: How much each row counts as evidence, at least 0, shape (rows,).
        worst: What it would be of rows that the model gets all wrong, or ranks by chance.
        best: What it would be of rows that it gets all right.
    """

    value: float
    influence: Floats
    counted: Floats
    worst: float = 0.0
    best: float = 1.0


@dataclass(frozen=True)
class Lead:
    """How far one model is ahead of another on the same rows, and how surely.

    Attributes:
        value: The first one's figure less the second one's.
        error: The standard error of that; 0 where no row tells them apart.
        freedom: Degrees of freedom of Student's t, at least 0.
        p: The chance of a lead at least as great if the first were no better, above 0, at most 1.
    """

    value: float
    error: float
    freedom: float
    p: float


def bounded(measured: Measured, clusters: Clusters, confidence: float = CONFIDENCE) -> Figure:
    """Return a figure between 0 and 1 with its interval; null where undefined."""
    if math.isnan(measured.value):
        return figure(math.nan, UNDEFINED)
    spread = clusters.spread(measured.influence, measured.counted)
    return figure(measured.value, limits(measured, spread, confidence))


def limits(measured: Measured, spread: Spread, confidence: float = CONFIDENCE) -> Ends:
    """Return the ends of the interval of a figure between 0 and 1; see the module.

    Args:
        measured: The figure, defined.
        spread: How far it may be off.
        confidence: Of the interval, above 0 and below 1.
    """
    value = min(max(measured.value, 0.0), 1.0)
    ends = clopper_pearson(value, _rows_alike(value, spread, confidence), confidence)
    exact = clopper_pearson(value, spread.clusters, confidence)
    down = _imagined(value, spread, measured.worst, confidence)[0]
    up = _imagined(value, spread, measured.best, confidence)[1]
    return min(ends[0], max(down, exact[0])), max(ends[1], min(up, exact[1]))


def _rows_alike(value: float, spread: Spread, confidence: float) -> float:
    """Return how many independent rows, of which a share is the value, would vary as much."""
    if value in (0.0, 1.0):
        return spread.clusters
    if not spread.variance < math.inf:
        return 0.0
    fewer = quantile(spread.rows, confidence) / quantile(spread.clusters, confidence)
    return min(value * (1 - value) / max(spread.variance, 1 / MOST**2) * fewer**2, MOST)


def clopper_pearson(value: float, rows: float, confidence: float = CONFIDENCE) -> Ends:
    """Return the exact interval of a share (Clopper and Pearson 1934, Biometrika 26).

    Args:
        value: The share, 0 to 1.
        rows: Of how many rows, at least 0; need not be whole.
        confidence: Of the interval, above 0 and below 1.
    """
    hits, tail = value * rows, (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, rows - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, rows - hits)) if hits < rows else 1.0
    return low, high


def quantile(clusters: float, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors an interval reaches to either side, by Student's t."""
    return float(t.ppf((1 + confidence) / 2, clusters - 1)) if clusters > 1 else math.inf


def _imagined(value: float, spread: Spread, at: float, confidence: float) -> Ends:
    """Return the interval, on the logit scale, with half a cluster more of a given figure."""
    seen, more = spread.clusters, IMAGINED
    if not spread.variance < math.inf:
        return 0.0, 1.0
    centre = (seen * value + more * at) / (seen + more)
    square = (seen**2 * spread.variance + more * (at - value) ** 2) / (seen + more) ** 2
    likely = min(max(centre, EDGE), 1 - EDGE)
    reach = quantile(seen + more, confidence) * math.sqrt(square) / (likely * (1 - likely))
    return float(expit(logit(likely) - reach)), float(expit(logit(likely) + reach))


def share(hits: Bools, clusters: Clusters, confidence: float = CONFIDENCE) -> Figure:
    """Return the share of rows that are hits; null of none.

    Args:
        hits: Shape (rows,).
        clusters: The rows.
        confidence: Of the interval, above 0 and below 1.
    """
    return bounded(share_of(hits, np.ones(len(hits), np.bool_)), clusters, confidence)


def share_of(hits: Bools, among: Bools) -> Measured:
    """Return the share of some rows that are hits; NaN of none.

    Args:
        hits: Shape (rows,).
        among: The rows that count, likewise.
    """
    rows, counted = int(among.sum()), among.astype(np.float64)
    if not rows:
        return Measured(math.nan, counted, counted)
    value = float((hits & among).sum() / rows)
    return Measured(value, counted * (hits - value) / rows, counted)


def mean(parts: Sequence[Measured], clusters: Clusters, confidence: float = CONFIDENCE) -> Figure:
    """Return the mean of figures between 0 and 1, such as every class's recall.

    Its ends are found from those of each (Zou and Donner 2008, Construction of confidence limits
    about effect measures: a general approach, Statistics in Medicine 27), and from how far what
    makes one larger makes another larger too; so a class without a mistake is not taken for sure.

    Args:
        parts: The figures; of none, the mean is null.
        clusters: The rows.
        confidence: Of the interval, above 0 and below 1.
    """
    if not parts:
        return figure(math.nan, UNDEFINED)
    spreads = [clusters.spread(part.influence, part.counted) for part in parts]
    ends = np.array([limits(*pair, confidence) for pair in zip(parts, spreads, strict=True)])
    values = np.array([part.value for part in parts])
    alike, value = _correlations(parts, clusters), float(values.mean())
    down, up = (
        float(np.sqrt(max(gaps @ alike @ gaps, 0.0))) / len(parts)
        for gaps in (values - ends[:, 0], ends[:, 1] - values)
    )
    return figure(value, (max(value - down, 0.0), min(value + up, 1.0)))


def _correlations(parts: Sequence[Measured], clusters: Clusters) -> Floats:
    """Return how figures vary together, shape (parts, parts); alone where one does not vary."""
    codes = clusters.main(np.mean([part.influence for part in parts], axis=0))
    by_cluster = np.array([sums(codes, part.influence) for part in parts])
    products = by_cluster @ by_cluster.T
    scale = np.sqrt(np.diag(products))
    both = np.outer(scale, scale)
    alike = np.divide(products, both, out=np.zeros_like(products), where=both > 0)
    np.fill_diagonal(alike, 1.0)
    return np.asarray(alike)


def together(parts: Sequence[Measured]) -> Measured:
    """Return the mean of some figures as one; NaN of none."""
    if not parts:
        return Measured(math.nan, np.zeros(0), np.zeros(0))
    # a row counts as evidence by what its own class weighs in the mean
    counted = [part.counted / max(part.counted.sum(), 1.0) for part in parts]
    return Measured(
        float(np.mean([part.value for part in parts])),
        np.mean([part.influence for part in parts], axis=0),
        np.sum(counted, axis=0),
    )


def lead(challenger: Measured, champion: Measured, clusters: Clusters) -> Lead:
    """Test whether one model is better than another on the same rows.

    What is hard for both cancels out in the difference of the influences. Degrees of freedom are
    as many clusters as carry the difference, less 1: what a handful of accounts tell is told by a
    handful, however many there are.

    Args:
        challenger: The challenger's figure, defined.
        champion: The champion's.
        clusters: The rows.
    """
    value, change = challenger.value - champion.value, challenger.influence - champion.influence
    spread = clusters.spread(change, challenger.counted)
    if not spread.variance > 0:
        return Lead(value, 0.0, 0.0, 1.0)
    carried = min(spread.clusters, clusters.evidence(np.square(change)))
    error, freedom = math.sqrt(spread.variance), max(carried - 1, 0.0)
    return Lead(value, error, freedom, float(t.sf(value / error, max(freedom, EDGE))))


def student(value: float, spread: Spread, confidence: float = CONFIDENCE) -> Ends:
    """Return an interval as far to either side of a figure, by Student's t.

    Args:
        value: The figure.
        spread: How far it may be off.
        confidence: Of the interval, above 0 and below 1.
    """
    if spread.variance == 0:
        return value, value
    reach = quantile(spread.clusters, confidence) * math.sqrt(spread.variance)
    return (-math.inf, math.inf) if math.isnan(reach) else (value - reach, value + reach)


def count(flags: Bools, among: Bools, clusters: Clusters, confidence: float = CONFIDENCE) -> Count:
    """Count rows, with the interval of a Poisson count (Garwood 1936, Biometrika 28).

    Where rows come in clusters, so do those counted: the interval is that of as many clusters, as
    many times as wide as these have rows.

    Args:
        flags: The rows to count, shape (rows,).
        among: Those they are counted among, which say how large clusters are where none is
            counted, likewise.
        clusters: The rows.
        confidence: Of the interval, above 0 and below 1.
    """
    number = int(flags.sum())
    size = max((_size(codes, flags if number else among) for codes in clusters.codes), default=1.0)
    low, high = garwood(number / size, confidence)
    return {"value": number, "interval": [low * size, high * size]}


def _size(codes: Integers, rows: Bools) -> float:
    """Return how many of some rows the cluster of one of them has in the mean, at least 1."""
    sizes = np.bincount(codes[rows]).astype(np.float64)
    return float(np.square(sizes).sum() / sizes.sum()) if len(sizes) else 1.0


def garwood(number: float, confidence: float = CONFIDENCE) -> Ends:
    """Return the exact interval of a Poisson count, which need not be whole."""
    low = float(chi2.ppf((1 - confidence) / 2, 2 * number)) / 2 if number else 0.0
    return low, float(chi2.ppf((1 + confidence) / 2, 2 * number + 2)) / 2


def central(values: Floats, confidence: float = CONFIDENCE) -> Ends:
    """Return the range of bootstrap values between their outer quantiles, NaN left out.

    Args:
        values: Shape (repeats,).
        confidence: Share of the values inside, above 0 and below 1.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return UNDEFINED
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def normal(value: float, error: float, confidence: float = CONFIDENCE) -> Ends:
    """Return the interval of an estimate whose error is normal and told well."""
    reach = float(norm.ppf((1 + confidence) / 2)) * error
    return value - reach, value + reach
