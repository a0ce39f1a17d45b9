"""What attacks learn from a holdout, by the way it answers: side by side in one run.

    python -m benchmarks.holdout_attacks [--repeats 20] [--parts abcde] [--seed 0]

Ways to answer: ``exact`` figures; ``earlier``, the noise of Thresholdout's experiments for means,
and a promotion wherever a 95 % bootstrap interval lies above 0; ``thresholdout``, ``gaussian`` and
``comparison`` of :mod:`vouch.holdout.mechanisms`.

a. No signal (Dwork et al. 2015): features and labels are coins. Whoever asks about each feature,
   and keeps those on which training rows and answers agree, gets a classifier that looks good.
   Printed is what is reported of it less what it is on fresh rows; with a signal, how good the
   pick is there.
b. Hill climb on average precision: useless changes of a model, each kept if it is promoted.
c. The same for macro-recall, with challengers that differ from the champion in 4 rows.
d. Power: how often a challenger that is better by 3 standard errors of the paired difference is
   promoted, as the last question of the default budget, after a first champion.
e. Opposite effects: challengers that win as much macro-recall in a common class as they lose in a
   rare one. Printed is how often a useless one passes a test of some level, by signs alone and by
   the gate's test.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from vouch.holdout.mechanisms.comparison import (
    Evidence,
    Expectation,
    Promotion,
    Standard,
    compare,
    rounded,
    standard,
    told,
)
from vouch.holdout.mechanisms.evidence import no_better, recall_gains, signs
from vouch.holdout.mechanisms.gaussian import gaussian
from vouch.holdout.mechanisms.history import History
from vouch.holdout.mechanisms.thresholdout import Mean, Thresholdout, noise
from vouch.metrics.classes import macro_recall, recall_of
from vouch.metrics.clusters import independent
from vouch.metrics.intervals import Lead, central, lead
from vouch.metrics.ranked import average_precision, measured

Floats = NDArray[np.float64]
SAMPLES = 400
"""Bootstrap samples of the earlier way to compare."""
ROWS = FEATURES = 10_000
KEPT = (10, 50, 100, 500)
SIGNALS = 20
"""Features with a signal, of 6 standard errors each, as in the paper."""
BUDGET, ERROR, CONFIDENCE = 20, 0.5, 0.95
CHANGES, DIRECTIONS, TABLE = 300, 40, 100_000
SIZES = (0.02, 0.05, 0.1)
FEW = 4


# a. No signal -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coins:
    """Whether each feature's sign is the label's, shape (rows, features), on each part."""

    training: NDArray[np.uint8]
    holdout: NDArray[np.uint8]
    label: NDArray[np.uint8]
    chances: Floats


def coins(seed: int, signal: bool) -> Coins:
    random, chances = np.random.default_rng(seed), np.full(FEATURES, 0.5)
    parts = [
        np.unpackbits(np.frombuffer(random.bytes(ROWS * FEATURES // 8), np.uint8)).reshape(
            ROWS, FEATURES
        )
        for _ in range(2)
    ]
    if signal:
        chances[:SIGNALS] += 6 / sqrt(ROWS) / 2
        for part in parts:
            part[:, :SIGNALS] = random.random((ROWS, SIGNALS)) < chances[:SIGNALS]
    return Coins(parts[0], parts[1], random.integers(0, 2, ROWS, np.uint8), chances)


def means(part: NDArray[np.uint8]) -> Floats:
    """Return each feature's mean: sums of bytes by blocks of rows that cannot overflow."""
    blocks = np.add.reduceat(part, np.arange(0, len(part), 200), axis=0, dtype=np.uint8)
    return blocks.sum(axis=0, dtype=np.int64) / len(part)


def right(part: NDArray[np.uint8], columns: NDArray[np.int64], way: NDArray[np.bool_]) -> Floats:
    """Return whether a majority of features is right of each row; of ties a half."""
    votes = (part[:, columns] == way).sum(axis=1)
    return (2 * votes > len(columns)) + (2 * votes == len(columns)) / 2


def fresh(data: Coins, columns: NDArray[np.int64], way: NDArray[np.bool_], seed: int) -> float:
    """Return the accuracy on fresh rows: exact where there is no signal."""
    if not (data.chances != 0.5).any():
        return 0.5
    random = np.random.default_rng([seed, 99])
    rows = (random.random((20_000, len(columns))) < data.chances[columns]).astype(np.uint8)
    return float(right(rows, np.arange(len(columns)), way).mean())


Answer = Callable[[float, float], float]


class Means:
    """Ways to answer questions for means, in a row."""

    def __init__(self, seed: int) -> None:
        self.random, self.history = np.random.default_rng([seed, 7]), History()
        self.way, self.revealed = Thresholdout(ROWS, FEATURES + len(KEPT)), 0
        self.bounds: list[float] = []

    def exact(self, training: float, holdout: float) -> float:
        """Answer with the holdout's own mean."""
        return holdout

    def earlier(self, training: float, holdout: float) -> float:
        """Answer as Thresholdout with the noise of the paper's experiments."""
        rate = 1 / sqrt(ROWS)
        line = 4 * rate + self.random.laplace(scale=2 * rate)
        if abs(holdout - training) <= line + self.random.laplace(scale=4 * rate):
            return training
        return float(np.clip(holdout + self.random.laplace(scale=rate), 0, 1))

    def thresholdout(self, training: float, holdout: float) -> float:
        """Answer until the budget is spent, then no more: the analyst has the training rows."""
        if self.revealed >= BUDGET:
            return float("nan")
        self.bounds.append(self.way.bound(self.history))
        drawn = noise(self.revealed, int(self.random.integers(2**60)))
        answer, kept = self.way.answer(training, holdout, drawn)
        self.history = self.history.after(self.way.told(kept))
        self.revealed += not kept
        return answer

    def gaussian(self, training: float, holdout: float) -> float:
        """Answer with Gaussian noise."""
        return gaussian(training, Mean(holdout, ROWS), int(self.random.integers(2**60)))[0]


def by_means(data: Coins, name: str, seed: int) -> list[tuple[float, float]]:
    """Return what is reported and what is true of classifiers of the features an answer favours."""
    ways = Means(seed)
    answer: Answer = getattr(ways, name)
    learned, held = means(data.training), means(data.holdout)
    if name == "exact":
        answers = held
    else:
        answers = np.array([answer(a, b) for a, b in zip(learned, held, strict=True)])
    answers = np.where(np.isnan(answers), learned, answers)
    order, result = pick(learned, answers), []
    for count in KEPT:
        columns = order[:count]
        way = learned[columns] > 0.5
        parts = (data.training, data.holdout)
        training, holdout = (float(right(part, columns, way).mean()) for part in parts)
        said = answer(training, holdout)
        result.append((training if np.isnan(said) else said, fresh(data, columns, way, seed)))
    return result


def pick(learned: Floats, answers: Floats) -> NDArray[np.int64]:
    """Order the features on which both agree, beyond their error, by the training rows."""
    both = np.stack([learned, answers]) - 0.5
    agree = (np.sign(both[0]) == np.sign(both[1])) & (np.abs(both).min(axis=0) >= 0.5 / sqrt(ROWS))
    return np.argsort(np.where(agree, -np.abs(both[0]), 1), kind="stable")[: agree.sum()]


@dataclass
class Climb:
    """A sequence of comparisons, each with the champion so far."""

    budget: int
    history: History = field(default_factory=History)
    promotions: int = 0

    def needed(self) -> Standard:
        """Return what the next question must reach."""
        return standard(self.budget, ERROR, CONFIDENCE, self.history)

    def ask(self, p: float, value: float, expected: Expectation | None) -> Promotion:
        """Ask whether a challenger is to be promoted."""
        answer = compare(Evidence(p, value), self.needed(), expected)
        self.history = self.history.after(told("champion", answer))
        self.promotions += answer.promote
        return answer


def by_comparison(data: Coins, seed: int) -> list[tuple[float, float]]:
    """Ask whether each feature alone beats the champion, then the classifiers of many."""
    climb = Climb(FEATURES + len(KEPT))
    learned, champion = means(data.training), data.label.astype(np.float64)
    reported, true, place, favoured = 0.5, 0.5, 0, list[int]()
    while place < FEATURES:
        at = place + first(data.holdout[:, place:], learned[place:] > 0.5, champion, climb)
        for _ in range(min(at, FEATURES) - place):
            climb.history = climb.history.then("champion", False)
        if at < FEATURES:
            column = np.array([at])
            way = learned[column] > 0.5
            reported, true = promote(data, column, way, champion, climb, seed) or (reported, true)
            champion = right(data.holdout, column, way)
            favoured.append(at)
        place = at + 1
    order, result = np.argsort(-np.abs(learned - 0.5), kind="stable"), []
    order = np.array(list(dict.fromkeys([*favoured, *order])))
    for count in KEPT:
        columns = order[:count]
        way = learned[columns] > 0.5
        better = promote(data, columns, way, champion, climb, seed)
        if better:
            (reported, true), champion = better, right(data.holdout, columns, way)
        result.append((reported, true))
    return result


def first(part: NDArray[np.uint8], way: NDArray[np.bool_], champion: Floats, climb: Climb) -> int:
    """Return the place of the first feature that is promoted; behind the last one if none is."""
    won = np.where(way, 1.0, -1.0)
    rows = len(part)
    hits = np.where(way, means(part) * rows, rows - means(part) * rows)
    with_champion = champion.astype(np.float32) @ part
    both = np.where(way, with_champion, champion.sum() - with_champion)
    wins, losses = hits - both, champion.sum() - both
    p = binom.sf(np.ceil(wins) - 1, np.round(wins + losses), 0.5)
    asked = climb.history.champion.answers + np.arange(len(won))
    if climb.history.champion.surprises:
        return next((i for i in np.argsort(asked) if _passes(p[i], i, climb)), len(won))
    levels = climb.needed().level / np.exp(climb.history.champion.log_probability())
    passes = np.flatnonzero(p <= levels * (0.9 + 0.1 / (asked + 1)))
    return int(passes[0]) if len(passes) else len(won)


def _passes(p: float, more: int, climb: Climb) -> bool:
    if p > climb.needed().level:  # the level only falls
        return False
    history = climb.history
    for _ in range(more):
        history = history.then("champion", False)
    return p <= standard(climb.budget, ERROR, CONFIDENCE, history).level


def promote(
    data: Coins,
    columns: NDArray[np.int64],
    way: NDArray[np.bool_],
    champion: Floats,
    climb: Climb,
    seed: int,
) -> tuple[float, float] | None:
    """Ask about a classifier; return what is told and what is true of it if it is promoted."""
    ours = right(data.holdout, columns, way)
    gains = ours - champion
    p = signs(gains[gains != 0])
    expected = Expectation(float(right(data.training, columns, way).mean()), 0.5 / sqrt(ROWS))
    answer = climb.ask(p, float(ours.mean()), expected)
    if answer.figure is None:
        return None
    return answer.figure.value, fresh(data, columns, way, seed)


def no_signal(repeats: int, seed: int) -> None:
    names = ("exact", "earlier", "thresholdout", "gaussian", "comparison")
    for signal in (False, True):
        errors: dict[str, list[list[float]]] = {name: [] for name in names}
        picks: dict[str, list[float]] = {name: [] for name in names}
        for repeat in range(repeats if not signal else max(repeats // 2, 1)):
            data = coins(seed + repeat, signal)
            for name in names:
                rows = (
                    by_comparison(data, seed + repeat)
                    if name == "comparison"
                    else by_means(data, name, seed + repeat)
                )
                errors[name].append([reported - true for reported, true in rows])
                picks[name].append(rows[-1][1] if name == "comparison" else max(rows)[1])
        title = f"{SIGNALS} features with a signal" if signal else "no signal"
        print(f"\na. {title}, n = d = {ROWS:,}: reported less fresh accuracy at k features")
        print("             " + "".join(f"{k:>9}" for k in KEPT) + "   greatest   pick on fresh")
        for name in names:
            table = np.array(errors[name])
            means_ = "".join(f"{each:+9.4f}" for each in table.mean(axis=0))
            print(f"{name:12} {means_} {np.abs(table).max():10.4f} {np.mean(picks[name]):15.4f}")
    way = Thresholdout(ROWS, FEATURES + len(KEPT))
    history = History()
    for _ in range(FEATURES):
        history = history.then("mean", False)
    low = way.bound(History())
    print(f"thresholdout's own bound: {low:.3f} for the first question, {way.bound(history):.3f}")
    print(f"after {FEATURES:,} free answers; T {way.threshold:.3f}, sigma {way.sigma:.5f}")


def influence(positive: NDArray[np.bool_], scores: Floats) -> tuple[float, Floats]:
    """Return the average precision, and each row's influence on it."""
    figure = measured("average_precision", positive, scores)
    return figure.value, figure.influence


def ranking(positive: NDArray[np.bool_], ours: Floats, theirs: Floats) -> Lead:
    """Test whether a ranking of independent rows is better than another."""
    first, second = (measured("average_precision", positive, each) for each in (ours, theirs))
    return lead(first, second, independent(len(positive)))


# b. Hill climb on average precision ---------------------------------------------------------------


@dataclass
class Path:
    """A hill climb: the scores of the model in force, and how it came from the first one."""

    scores: Floats
    value: float
    influences: Floats
    moved: Floats = field(default_factory=lambda: np.zeros(DIRECTIONS))
    noise: float = 0.0
    promotions: int = 0
    told: float = 0.0

    def take(self, scores: Floats, value: float, influences: Floats, step: Floats, size: float):
        """Put a promoted model in the place of the one so far."""
        self.scores, self.value, self.influences = scores, value, influences
        self.moved, self.noise = self.moved + step, self.noise + size**2
        self.promotions += 1


class World:
    """A table of which 1 % is positive, a good model's scores, and features without meaning."""

    def __init__(self, random: np.random.Generator) -> None:
        self.positive = random.random(TABLE) < 0.01
        self.base = random.normal(size=TABLE) + 2.5 * self.positive
        self.features = random.standard_normal((TABLE, DIRECTIONS), np.float32)

    def scores(self, path: Path, random: np.random.Generator) -> Floats:
        """Return the scores of a path's last model; noise by row is other noise here."""
        moved = self.features @ path.moved.astype(np.float32)
        return self.base + moved + sqrt(path.noise) * random.normal(size=TABLE)

    def precision(self, path: Path, random: np.random.Generator) -> float:
        """Return the average precision of a path's last model."""
        return influence(self.positive, self.scores(path, random))[0]


def exactly(world: World, path: Path, scores: Floats, value: float, influences: Floats) -> bool:
    return value > path.value


def earlier(world: World, path: Path, scores: Floats, value: float, influences: Floats) -> bool:
    """Ask whether the paired bootstrap's interval is above 0; drawn only where it is near."""
    z = (value - path.value) / max(
        float(np.sqrt(np.square(influences - path.influences).sum())), 1e-12
    )
    if abs(z - norm.ppf(0.975)) > 0.6:
        return bool(z > norm.ppf(0.975))
    random = np.random.default_rng(0)
    gaps = []
    for _ in range(SAMPLES):
        at = random.integers(TABLE, size=TABLE)
        labels = world.positive[at]
        gaps.append(
            average_precision(labels, scores[at]) - average_precision(labels, path.scores[at])
        )
    return central(np.array(gaps), CONFIDENCE)[0] > 0


def hill_climb(repeats: int, seed: int) -> None:
    names = ("exact", "earlier", "comparison")
    off: dict[str, list[float]] = {name: [] for name in names}
    counts: dict[str, list[int]] = {name: [] for name in names}
    for repeat in range(repeats):
        random = np.random.default_rng([seed, repeat, 1])
        world, other, out_of_fold = World(random), World(random), World(random)
        value, influences = influence(world.positive, world.base)
        paths = {name: Path(world.base, value, influences, told=value) for name in names}
        spread = float(np.sqrt(np.square(influences).sum()))
        climb, ours = Climb(CHANGES), paths["comparison"]
        anchor = out_of_fold.precision(ours, random)
        ours.told = rounded(value, Expectation(anchor, spread), climb.needed().miss).value
        start = {name: path.told - other.precision(path, random) for name, path in paths.items()}
        for _ in range(CHANGES):
            size = random.choice(SIZES)
            step = random.normal(size=DIRECTIONS) * size / sqrt(DIRECTIONS)
            delta = world.features @ step.astype(np.float32) + size * random.normal(size=TABLE)
            for name, path in paths.items():
                scores = path.scores + delta
                value, influences = influence(world.positive, scores)
                if name == "comparison":
                    better = value > path.value  # else p is above every level
                    p = ranking(world.positive, scores, path.scores).p if better else 1.0
                    answer = climb.ask(p, value, Expectation(anchor, spread))
                    better = answer.promote
                    path.told = answer.figure.value if answer.figure else path.told
                else:
                    ask = exactly if name == "exact" else earlier
                    better = ask(world, path, scores, value, influences)
                    path.told = value if better else path.told
                if better:
                    path.take(scores, value, influences, step, size)
        for name, path in paths.items():
            off[name].append(path.told - other.precision(path, random) - start[name])
            counts[name].append(path.promotions)
    print(f"\nb. {CHANGES} useless changes, 1 % positives of {TABLE:,} rows, {repeats} repeats:")
    print("reported less fresh average precision of the last model, less that of the first one")
    print("                  off   95 % interval       useless promotions")
    for name in names:
        mean, reach = np.mean(off[name]), 1.96 * np.std(off[name], ddof=1) / sqrt(repeats)
        ends = f"{mean - reach:+.4f} to {mean + reach:+.4f}"
        print(f"{name:12} {mean:+9.4f}   {ends}   {np.mean(counts[name]):9.2f}")
    print(f"stated: comparison at most {ERROR} useless promotions in a budget")


# c. Macro-recall of challengers that differ in few rows -------------------------------------------


def resampled(
    labels: NDArray[np.int64], ours: NDArray[np.int64], theirs: NDArray[np.int64]
) -> Floats:
    """Return the difference in macro-recall of bootstrap samples, shape (samples,)."""
    kinds, counts = np.unique(labels * 9 + ours * 3 + theirs, return_counts=True)
    drawn = np.random.default_rng(0).poisson(counts, (SAMPLES, len(kinds)))
    tables = np.zeros((2, SAMPLES, 3, 3))
    for column, kind in enumerate(kinds):
        tables[0, :, kind // 9, kind // 3 % 3] += drawn[:, column]
        tables[1, :, kind // 9, kind % 3] += drawn[:, column]
    return recall_of(tables[0]) - recall_of(tables[1])


def few_rows(repeats: int, seed: int) -> None:
    rows, counts = 1000, {"exact": 0, "earlier": 0, "comparison": 0}
    for repeat in range(repeats):
        random, climb = np.random.default_rng([seed, repeat, 2]), Climb(BUDGET)
        labels = random.choice(3, rows, p=(0.2, 0.5, 0.3))
        wrong = (labels + random.integers(1, 3, rows)) % 3
        champion = np.where(random.random(rows) < 0.7, labels, wrong)
        for _ in range(BUDGET):
            # of each row where they differ one is right, either with the same chance
            at, gain = random.choice(rows, FEW, replace=False), random.random(FEW) < 0.5
            ours, theirs = champion.copy(), champion.copy()
            ours[at] = np.where(gain, labels[at], wrong[at])
            theirs[at] = np.where(gain, wrong[at], labels[at])
            p = no_better(labels, ours, theirs, np.arange(rows))
            counts["exact"] += macro_recall(labels, ours) > macro_recall(labels, theirs)
            counts["earlier"] += central(resampled(labels, ours, theirs), CONFIDENCE)[0] > 0
            counts["comparison"] += climb.ask(p, 0.5, None).promote
    print(
        f"\nc. Macro-recall, challengers that differ in {FEW} rows: useless promotions of {BUDGET}"
    )
    for name, count in counts.items():
        print(f"{name:12} {count / repeats:9.2f}")


# d. Power -----------------------------------------------------------------------------------------


def last() -> Standard:
    """Return what the last question of the budget must reach: a first champion, then none."""
    first = Promotion(True, rounded(0.5, Expectation(0.5, 0.1), 0.01))
    history = History().after(told("rule", first))
    for _ in range(BUDGET - 2):
        history = history.then("champion", False)
    return standard(BUDGET, ERROR, CONFIDENCE, history)


def pair(seed: int, lead: float) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return labels and two models' scores, the first one's lead on positives."""
    random, rows = np.random.default_rng(seed), TABLE
    positive = random.random(rows) < 0.01
    shared = random.normal(size=rows) + 2.5 * positive
    scores = [shared + 0.3 * random.normal(size=rows) for _ in range(2)]
    return positive, scores[0] + lead * positive, scores[1]


def lead_of(ratio: float) -> float:
    """Return the lead whose mean difference is so many mean standard errors."""
    ahead = 0.1
    for _ in range(3):
        trials = [pair(10_000 + seed, ahead) for seed in range(60)]
        gaps = [influence(y, a)[0] - influence(y, b)[0] for y, a, b in trials]
        ahead *= ratio / (np.mean(gaps) / np.mean([ranking(*each).error for each in trials]))
    return ahead


def recall_pair(random: np.random.Generator, ratio: float) -> float:
    """Return the p-value of a challenger that is right of 300 discordant rows by so much more."""
    rows, discordant = 5000, 300
    labels = random.choice(3, rows, p=(0.2, 0.5, 0.3))
    weights = 1 / np.bincount(labels)[labels]
    # (2 q - 1) mean(w) sqrt(m) = ratio sqrt(mean(w^2) - ((2 q - 1) mean(w))^2), solved for q
    lead = ratio * sqrt(np.square(weights).mean() / (discordant + ratio**2)) / weights.mean()
    chance = (1 + lead) / 2
    at, gain = random.choice(rows, discordant, replace=False), random.random(discordant) < chance
    ours, theirs = labels.copy(), labels.copy()
    theirs[at[gain]] = (labels[at[gain]] + 1) % 3
    ours[at[~gain]] = (labels[at[~gain]] + 1) % 3
    return no_better(labels, ours, theirs, np.arange(rows))


def power(repeats: int, seed: int) -> None:
    needed, ahead = last(), lead_of(3)
    tries = 50 * repeats
    better = [ranking(*pair(seed + each, ahead)).p <= needed.level for each in range(tries // 4)]
    random = np.random.default_rng([seed, 4])
    recalls = [recall_pair(random, 3) <= needed.level for _ in range(tries)]
    print(
        f"\nd. Promoted, of challengers better by 3 standard errors (question {BUDGET}, p at most"
    )
    print(f"{needed.level:.4f}; {norm.sf(norm.isf(needed.level) - 3):.3f} of a normal figure)")
    for name, hits in (("average precision", better), ("macro-recall", recalls)):
        low, high = binom.interval(0.95, len(hits), np.mean(hits))
        print(f"{name:18} {np.mean(hits):.3f} ({low / len(hits):.3f} to {high / len(hits):.3f})")
    for error in (0.05, 0.1, 0.2, 0.5):
        level = needed.level * error / ERROR
        print(
            f"  stated error {error}: power {norm.sf(norm.isf(level) - 3):.2f} of a normal figure"
        )


# e. Opposite effects ------------------------------------------------------------------------------

OPPOSITE = ((20, 1000, 0.05), (20, 1000, 0.15), (50, 2000, 0.03), (200, 2000, 0.05))
"""Rows of the rare and of the common class, and the share of either that is decided otherwise."""
LEVELS = (0.025, 0.0025)


def opposite_pair(
    random: np.random.Generator, rare: int, common: int, share: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return labels and two models' decisions: the first loses rare rows and wins common ones."""
    labels = np.repeat([1, 0], [rare, common])
    changed = random.random(len(labels)) < share
    ours, theirs = labels.copy(), labels.copy()
    ours[changed & (labels == 1)] = 0
    theirs[changed & (labels == 0)] = 1
    return labels, ours, theirs


def opposite(repeats: int, seed: int) -> None:
    tries = 50 * repeats
    print(f"\ne. Useless challengers that pass, of {tries}; they lose of the rare what they win")
    print(
        f"{'rare':>5} {'common':>6} {'share':>6}"
        + "".join(
            f" {name + ' ' + str(level):>14}" for level in LEVELS for name in ("signs", "gate")
        )
    )
    for rare, common, share in OPPOSITE:
        random, passed = np.random.default_rng([seed, rare, common]), Counter[tuple[str, float]]()
        for _ in range(tries):
            pair = opposite_pair(random, rare, common, share)
            groups = np.arange(rare + common)
            values = {"signs": signs(recall_gains(*pair, groups)), "gate": no_better(*pair, groups)}
            for level in LEVELS:
                passed.update((name, level) for name, p in values.items() if p <= level)
        print(
            f"{rare:5} {common:6} {share:6}"
            + "".join(
                f" {passed[name, level] / tries:14.4f}"
                for level in LEVELS
                for name in ("signs", "gate")
            ),
            flush=True,
        )


PARTS = {"a": no_signal, "b": hill_climb, "c": few_rows, "d": power, "e": opposite}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--parts", default="abcde", help="which of the parts, such as ac")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for part in options.parts:
        before = time.process_time()
        PARTS[part](options.repeats, options.seed)
        print(f"({time.process_time() - before:.0f} s of CPU)", flush=True)


if __name__ == "__main__":
    main()
