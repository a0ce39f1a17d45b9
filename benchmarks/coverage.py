"""How often an interval holds the true value: rows drawn one by one beside ours.

    python -m benchmarks.coverage [--candidates 400] [--only WORD]

Each line draws many test sets from a world whose true figures are known, each as one candidate
would meet it, and counts how often its 95 % interval holds the true figure. ``rows`` is what most
would do: draw rows with replacement 400 times (by Poisson weights: Hanley and MacGibbon 2006), take
the outer percentiles. ``ours`` is :mod:`vouch.metrics.intervals`, told the accounts or groups.
Widths are means; the last column is how long one of ours takes.

True values: average precision and ROC AUC are integrals over the normal scores of frauds and of
genuine payments, whatever those of one account share; the difference of two models is that of two
such integrals; its interval holds what the test of a lead does not reject. The mean cost is the
chance of a missed fraud times a lognormal's mean, and that of a flagged row times its price.
Recalls of texts are the chances they were drawn with, F1 follows. Kappa is that of two raters who
err independently of each other. Precision at capacity alone has
no closed form: it is the mean of 20,000 drawn days.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from vouch.metrics import agreement, classes, intervals, ranked
from vouch.metrics.amounts import mean_cost, stake
from vouch.metrics.clusters import Clusters
from vouch.metrics.figures import Figure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Random = np.random.Generator
Ends = tuple[float, float]
REPEATS = 400
ROWS, FRAUDS, FEW = 2_000, 200, 25
ALIKE = 0.6  # correlation of the scores of one account's frauds
NEAR, FAR = 2.0, 2.3  # how far two models put frauds from genuine payments, in deviations
CENTRE, DEVIATION = 4.0, 2.0  # of the logarithms of amounts
FOUND, ALARMS, PRICE = 0.85, 0.01, 10.0  # share of frauds found, of others flagged; of a review
TEXTS, SHARES = 600, np.array([0.5, 0.3, 0.2])
DAYS, A_DAY, CAPACITY = 20, 500, 25


@dataclass(frozen=True)
class Drawn:
    """A test set: a figure on rows drawn again, and our interval of it.

    Attributes:
        cells: How many rows there are of each kind that the figure tells apart, shape (cells,).
        value: The figure by how often each kind is drawn, shape (samples, cells) to (samples,).
        ours: Its interval.
    """

    cells: Integers
    value: Callable[[Floats], Floats]
    ours: Callable[[], Ends]


@dataclass(frozen=True)
class Line:
    """A line of the table: a world, a figure, its true value, and how a test set is drawn."""

    world: str
    figure: str
    true: float
    draw: Callable[[Random], Drawn]


def by_rows(drawn: Drawn, random: Random) -> Ends:
    """Draw rows with replacement and return the outer percentiles of a figure."""
    weights = random.poisson(drawn.cells, (REPEATS, len(drawn.cells)))
    return intervals.central(drawn.value(weights.astype(np.float64)))


def ends_of(figure: Figure) -> Ends:
    """Return the ends of a figure's interval."""
    low, high = figure["interval"] or intervals.UNDEFINED
    return low, high


def true_precision(distance: float, frauds: float) -> float:
    """Return the average precision of normal scores, a share of whose rows are frauds."""
    cut = np.linspace(-8.0, 8.0 + distance, 200_001)
    hits, alarms = frauds * norm.sf(cut - distance), (1 - frauds) * norm.sf(cut)
    return float(-np.trapezoid(hits / (hits + alarms), norm.sf(cut - distance)))


def true_area(distance: float, frauds: float) -> float:
    """Return the area under the ROC curve of normal scores."""
    return float(norm.cdf(distance / np.sqrt(2)))


def precision_of(up: Floats, down: Floats) -> Floats:
    """Return average precision by how often rows are drawn that stand in falling order."""
    hits = np.cumsum(up, axis=1)
    flagged = hits + np.cumsum(down, axis=1)
    return np.asarray((up * hits / np.maximum(flagged, 1)).sum(axis=1) / hits[:, -1])


def area_of(up: Floats, down: Floats) -> Floats:
    """Return the area under the ROC curve by how often rows are drawn in falling order."""
    below = down.sum(axis=1, keepdims=True) - np.cumsum(down, axis=1)
    return np.asarray((up * below).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1)))


FIGURES = {"average_precision": precision_of, "roc_auc": area_of}


def kinds(labels: Integers, scores: Floats) -> tuple[Integers, Integers]:
    """Return rows of distinct scores in falling order, negatives between two positives as one.

    Returns:
        Which are positive, and how many rows each is.
    """
    ordered = labels[np.argsort(-scores)]
    begins = np.flatnonzero((ordered == 1) | (np.diff(ordered, prepend=1) != 0))
    return ordered[begins], np.diff(begins, append=len(ordered))


def payments(size: int, frauds: int, random: Random) -> tuple[Integers, Floats, Clusters]:
    """Draw payments in accounts of one size.

    Returns:
        Labels; scores of two models, which have half of their noise in common, shape (2, rows);
        accounts.
    """
    codes = np.arange(ROWS) // size
    labels = (codes < random.binomial(ROWS // size, frauds / ROWS)).astype(np.int64)
    shared = ALIKE * labels * (size > 1)
    account, own = random.normal(size=(3, codes[-1] + 1))[:, codes], random.normal(size=(3, ROWS))
    noise = np.sqrt(shared) * account + np.sqrt(1 - shared) * own
    scores = (noise[0] + noise[1:]) / np.sqrt(2) + np.outer([NEAR, FAR], labels)
    return labels, scores, Clusters(ROWS, ("payer",), (codes,))


def rank(size: int, frauds: int, metric: ranked.Metric, random: Random) -> Drawn:
    """Draw a ranking."""
    labels, scores, accounts = payments(size, frauds, random)
    positive, cells = kinds(labels, scores[0])
    return Drawn(
        cells,
        lambda weights: FIGURES[metric](weights * positive, weights * (1 - positive)),
        lambda: ranked.ranking_interval(labels, scores[0], metric, accounts),
    )


def differ(size: int, random: Random) -> Drawn:
    """Draw two rankings of the same payments."""
    labels, scores, accounts = payments(size, FRAUDS, random)

    def value(weights: Floats) -> Floats:
        up, down = weights * labels, weights * (1 - labels)
        orders = (np.argsort(-each) for each in scores)
        first, second = (precision_of(up[:, order], down[:, order]) for order in orders)
        return second - first

    def ours() -> Ends:
        ahead = intervals.lead(
            ranked.measured("average_precision", labels, scores[1]),
            ranked.measured("average_precision", labels, scores[0]),
            accounts,
        )
        reach = ahead.error * t.ppf((1 + intervals.CONFIDENCE) / 2, ahead.freedom)
        return ahead.value - reach, ahead.value + reach

    return Drawn(np.ones(ROWS, np.int64), value, ours)


def cost(size: int, random: Random) -> Drawn:
    """Draw what payments cost: of an account's frauds all are found or none."""
    codes = np.arange(ROWS) // size
    accounts = ROWS // size
    fraud = (codes < random.binomial(accounts, FRAUDS / ROWS)).astype(bool)
    flagged = np.where(
        fraud, (random.random(accounts) < FOUND)[codes], random.random(ROWS) < ALARMS
    )
    share = 0.5 if size > 1 else 0.0
    noise = np.sqrt(share) * random.normal(size=accounts)[codes]
    noise = noise + np.sqrt(1 - share) * random.normal(size=ROWS)
    amounts = np.exp(CENTRE + DEVIATION * noise)
    prices, losses = PRICE * flagged, np.where(fraud & ~flagged, amounts, 0.0)
    clusters = Clusters(ROWS, ("payer",), (codes,))
    at_stake = stake(amounts, fraud, clusters)
    costly = (prices + losses)[prices + losses > 0]
    return Drawn(
        np.ones(len(costly), np.int64),
        lambda weights: weights @ costly / ROWS,
        lambda: ends_of(mean_cost(prices, losses, at_stake, clusters, ROWS)),
    )


def true_cost() -> float:
    """Return the mean cost of a payment."""
    frauds = FRAUDS / ROWS
    lost = frauds * (1 - FOUND) * np.exp(CENTRE + DEVIATION**2 / 2)
    return float(lost + PRICE * (frauds * FOUND + (1 - frauds) * ALARMS))


def texts(size: int, right: float, figure: str, random: Random) -> Drawn:
    """Draw texts in groups of near-duplicates, of which all are right or wrong alike."""
    groups = np.arange(TEXTS) // size
    count = TEXTS // size
    labels = random.choice(3, size=count, p=SHARES)
    wrong = (labels + random.integers(1, 3, size=count)) % 3
    predicted = np.where(random.random(count) < right, labels, wrong)[groups]
    labels = labels[groups]
    cells = np.bincount(labels * 3 + predicted, minlength=9)
    parts = classes.PARTS[figure](labels, predicted)
    return Drawn(
        cells,
        lambda weights: classes.MEASURES[figure](weights.reshape(-1, 3, 3)),
        lambda: ends_of(intervals.mean(parts, Clusters(TEXTS, ("twin",), (groups,)))),
    )


def true_of_texts(right: float, figure: str) -> float:
    """Return a figure of texts: recalls are alike, mistakes shared out evenly."""
    if figure != "macro_f1":
        return right
    said = SHARES * right + (1 - SHARES) * (1 - right) / 2
    return float(np.mean(2 * SHARES * right / (SHARES + said)))


def day(days: int, size: int, random: Random) -> tuple[Integers, Floats, Integers, Integers]:
    """Draw days of payments: labels, scores, days, accounts; an account pays on one day."""
    rows = days * A_DAY
    codes = np.arange(rows) // size
    # some days see more fraud than others
    rate = np.minimum(random.gamma(4.0, 0.04 / 4.0, days), 0.5)[codes * size // A_DAY]
    labels = (random.random(codes[-1] + 1)[codes] < rate).astype(np.int64)
    account = np.sqrt(ALIKE) * random.normal(size=codes[-1] + 1)[codes] * labels
    own = np.where(labels, np.sqrt(1 - ALIKE), 1.0) * random.normal(size=rows)
    return labels, account + own + NEAR * labels, np.arange(rows) // A_DAY, codes


def capacity(size: int, random: Random) -> Drawn:
    """Draw what people see who review each day's highest scores."""
    labels, scores, days, codes = day(DAYS, size, random)
    clusters = Clusters(len(labels), ("payer",), (codes,))
    seen = ranked.review(labels, scores, days, CAPACITY, clusters=clusters)
    hits = int(seen.positive.sum())

    def value(weights: Floats) -> Floats:
        return np.asarray(weights[:, 0] / weights.sum(axis=1))

    cells = np.array([hits, len(seen.positive) - hits])
    return Drawn(cells, value, lambda: ends_of(seen.figure()))


def true_capacity(size: int) -> float:
    """Return the precision at capacity of 20,000 days."""
    random, values = np.random.default_rng(1), []
    for _ in range(20):
        labels, scores, days, _ = day(1000, size, random)
        values.append(ranked.review(labels, scores, days, CAPACITY).precision())
    return float(np.mean(values))


def raters(positive: float, errs: float) -> Floats:
    """Return how often two raters choose each pair of two classes, shape (2, 2)."""
    right = np.array([[1 - errs, errs], [errs, 1 - errs]])
    shares = np.array([1 - positive, positive])
    return np.einsum("t,ti,tj->ij", shares, right, right)


def kappa_of(cells: Floats) -> Floats:
    """Return kappa by how often each pair of two classes was chosen, shape (samples, 4)."""
    pairs = cells.reshape(-1, 2, 2) / cells.sum(axis=1)[:, None, None]
    chance = (pairs.sum(axis=1) * pairs.sum(axis=2)).sum(axis=1)
    with np.errstate(invalid="ignore"):  # one class alone: undefined
        return np.asarray((np.trace(pairs, axis1=1, axis2=2) - chance) / (1 - chance))


def agree(cases: int, positive: float, errs: float, random: Random) -> Drawn:
    """Draw what two raters say of cases."""
    codes = random.choice(4, size=cases, p=raters(positive, errs).ravel())
    cells = np.bincount(codes, minlength=4)
    return Drawn(cells, kappa_of, lambda: ends_of(agreement.cohen(codes // 2, codes % 2)))


def lines() -> Iterator[Line]:
    """Yield the table's lines."""
    figures: list[tuple[ranked.Metric, str, Callable[[float, float], float]]] = [
        ("average_precision", "average precision", true_precision),
        ("roc_auc", "ROC AUC", true_area),
    ]
    worlds = [("rows alone", 1, FRAUDS), ("accounts of 5", 5, FRAUDS)]
    worlds += [("accounts of 20", 20, FRAUDS), ("25 positives", 1, FEW)]
    for world, size, frauds in worlds:
        for metric, name, true in figures:
            yield Line(world, name, true(NEAR, frauds / ROWS), partial(rank, size, frauds, metric))
    gap = true_precision(FAR, FRAUDS / ROWS) - true_precision(NEAR, FRAUDS / ROWS)
    for world, size, _ in worlds[:3]:
        yield Line(world, "difference of two", gap, partial(differ, size))
    for world, size, _ in worlds[:2]:
        yield Line(world, "cost, lognormal(4, 2)", true_cost(), partial(cost, size))
    for world, size, _ in worlds[:2]:
        yield Line(world, "precision at capacity", true_capacity(size), partial(capacity, size))
    kinds = [("texts", 1, 0.8), ("texts, nearly perfect", 1, 0.99), ("texts, perfect", 1, 0.999)]
    kinds += [("texts in groups of 4", 4, 0.8), ("groups of 4, nearly perfect", 4, 0.99)]
    for world, size, right in kinds:
        for figure in classes.PARTS:
            name, true_value = figure.replace("_", " "), true_of_texts(right, figure)
            yield Line(world, name, true_value, partial(texts, size, right, figure))
    pairs = [(50, 0.5, 0.1), (50, 0.5, 0.02), (200, 0.1, 0.05), (30, 0.05, 0.1)]
    for cases, positive, errs in pairs:
        true_kappa = float(kappa_of(raters(positive, errs).reshape(1, 4))[0])
        world = f"raters of {cases}, {positive:.0%}"
        yield Line(world, "kappa", true_kappa, partial(agree, cases, positive, errs))


def measure(line: Line, candidates: int) -> str:
    """Return a line of the table: coverage and mean width of both ways, and milliseconds."""
    random, ends, seconds = np.random.default_rng(7), ([], []), 0.0
    for _ in range(candidates):
        drawn = line.draw(random)
        began = time.perf_counter()
        ours = drawn.ours()
        seconds += time.perf_counter() - began
        for place, each in zip(ends, (by_rows(drawn, random), ours), strict=True):
            place.append(each)
    cells = [f"{line.world:28}{line.figure:23}{line.true:8.4f}"]
    for pairs in map(np.array, ends):
        inside = (pairs[:, 0] <= line.true) & (line.true <= pairs[:, 1])
        cells.append(f"{inside.mean():9.3f}{np.mean(pairs[:, 1] - pairs[:, 0]):9.4f}")
    return "".join(cells) + f"{1e3 * seconds / candidates:8.1f}"


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=400, help="test sets a line")
    parser.add_argument("--only", default="", help="lines whose world or figure has this word")
    options = parser.parse_args()
    print(
        f"{'world':28}{'figure':23}{'true':>8}{'rows':>9}{'width':>9}{'ours':>9}{'width':>9}{'ms':>8}"
    )
    for line in lines():
        if options.only in f"{line.world} {line.figure}":
            print(measure(line, options.candidates), flush=True)


if __name__ == "__main__":
    main()
