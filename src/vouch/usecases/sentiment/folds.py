"""Folds that keep a group on one side: one author's texts, or near-duplicates, resemble each other.

With times, where asked, the rows to assess are later than those learned from; rows of a group that
comes again in the assessment block are then not learned from. Near-duplicates of rows to assess are
never learned from, whoever wrote them.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.metrics.clusters import Clusters, clusters_of, coded
from vouch.models.folds import Fold
from vouch.models.strength import trains

LEAST = 0.5  # share of the earlier rows a fold must keep once groups are taken out
ALIKE = ("group", "twin")
Rows = NDArray[np.int64]
Labels = NDArray[np.int8]


def split(
    frame: pd.DataFrame, folds: int, seed: int, by_time: bool
) -> tuple[list[Fold], list[str]]:
    """Split rows into folds.

    Args:
        frame: Column ``label``; ``group``, ``time`` and ``twin`` (the near-duplicate group) where
            known.
        folds: How many assessment blocks are wanted, at least 2.
        seed: Seed of the draw, where rows are drawn.
        by_time: Whether rows to assess must be later than those learned from; without times it
            changes nothing.

    Returns:
        The folds, and what a reader should be warned of.

    Raises:
        VouchError: All rows are of one group.
    """
    warnings: list[str] = []
    if by_time and "time" in frame:
        if time_folds := _by_time(frame, folds):
            return _learnable(frame, time_folds), warnings
        warnings.append(
            "rows stand at one time, or their groups at all times: folds are drawn by group instead"
        )
    return _learnable(frame, _drawn(frame, folds, seed)), warnings


def _learnable(frame: pd.DataFrame, folds: list[Fold]) -> list[Fold]:
    """Return folds that learn from what they may: labels that train, texts they do not assess."""
    may = trains(frame)
    return [
        replace(fold, train=fold.train[may[fold.train]])
        for fold in _without_near_duplicates(frame, folds)
    ]


def _without_near_duplicates(frame: pd.DataFrame, folds: list[Fold]) -> list[Fold]:
    """Return folds whose training rows have no near-duplicate among the rows to assess."""
    if "twin" not in frame:
        return folds
    codes = pd.factorize(frame["twin"])[0]
    result = []
    for fold in folds:
        assessed = codes[fold.assess]
        near_duplicate = np.isin(codes[fold.train], assessed[assessed >= 0])
        result.append(replace(fold, train=fold.train[~near_duplicate]))
    return result


def of_all_times(frame: pd.DataFrame, fold: Fold, seed: int) -> list[Fold]:
    """Split a fold's assessed rows in two, each to be assessed by a model of all times.

    A model of earlier rows, beside one of as many rows that may be as late as those assessed, both
    on the same rows: how much worse the first one is, is what time alone costs.

    Args:
        frame: All rows, as for :func:`split`.
        fold: A fold whose rows to assess are later than those learned from.
        seed: Seed of the draw.

    Returns:
        Two folds, neither of which learns from a group or near-duplicate that it assesses.
    """
    codes, labels = groups_of(frame), frame["label"].to_numpy(np.int8)
    half = deal(np.unique(codes[fold.assess], return_inverse=True)[1], labels[fold.assess], 2, seed)
    random, parts = np.random.default_rng(seed), []
    for number in range(2):
        assess = fold.assess[half == number]
        others = np.flatnonzero(~np.isin(codes, codes[assess]) & trains(frame))
        (other,) = _without_near_duplicates(frame, [Fold(others, assess)])
        size = min(len(fold.train), len(other.train))
        parts.append(replace(other, train=np.sort(random.choice(other.train, size, replace=False))))
    return [part for part in parts if len(part.assess) and len(part.train)]


def groups_of(frame: pd.DataFrame) -> Rows:
    """Return each row's group as a number from 0; without the column each row is its own."""
    return coded(frame["group"]) if "group" in frame else np.arange(len(frame))


def alike(frame: pd.DataFrame) -> Clusters:
    """Return texts by their authors, and by their near-duplicates whoever wrote them."""
    return clusters_of(frame, ALIKE)


def _by_time(frame: pd.DataFrame, folds: int) -> list[Fold]:
    """Cut an expanding window so that blocks share out the rows, never between equal times."""
    time, labels = frame["time"], frame["label"].to_numpy()
    moments, place = np.unique(time.to_numpy(), return_inverse=True)
    before = np.cumsum(np.bincount(place)) - np.bincount(place)
    ideal = np.searchsorted(before, len(time) * np.arange(1, folds + 1) / (folds + 1))
    cuts = [at for at in sorted(set(ideal.tolist())) if 0 < at < len(moments)]
    if not cuts:
        return []
    groups = groups_of(frame)
    windows = [
        _window(place, groups, start, end)
        for start, end in zip(cuts, [*cuts[1:], len(moments)], strict=True)
    ]
    training = [train for train, _ in windows]
    earlier = [place < cut for cut in cuts]
    if not windows or not all(_enough(*two, labels) for two in zip(training, earlier, strict=True)):
        return []
    starts = [pd.Timestamp(moments[at]) for at in cuts]
    ends = [*starts[1:], pd.Timestamp(moments[-1])]
    return [
        Fold(train, assess, start, end)
        for (train, assess), start, end in zip(windows, starts, ends, strict=True)
    ]


def _window(place: Rows, groups: Rows, start: int, end: int) -> tuple[Rows, Rows]:
    assess = np.flatnonzero((place >= start) & (place < end))
    train = np.flatnonzero((place < start) & ~np.isin(groups, groups[assess]))
    return train, assess


def _enough(train: Rows, earlier: NDArray[np.bool_], labels: Labels) -> bool:
    """Return whether a fold keeps enough to learn from: rows, and every class that came earlier."""
    classes = len(np.unique(labels[earlier]))
    return len(train) >= LEAST * earlier.sum() and len(np.unique(labels[train])) == classes > 1


def _drawn(frame: pd.DataFrame, folds: int, seed: int) -> list[Fold]:
    groups, labels = groups_of(frame), frame["label"].to_numpy(np.int8)
    number = deal(groups, labels, folds, seed)
    used = np.unique(number)
    if len(used) < 2:
        raise VouchError(
            f"all {len(frame)} rows are of one group: none is left to assess on",
            "give rows of several authors, or without the column 'group'",
        )
    return [Fold(np.flatnonzero(number != n), np.flatnonzero(number == n)) for n in used]


def deal(groups: Rows, labels: Labels, folds: int, seed: int) -> Rows:
    """Assign groups to folds, the largest first, so that folds are alike in size and classes.

    Args:
        groups: Each row's group, from 0.
        labels: Each row's label, 0 or more.
        folds: How many folds, at least 2.
        seed: Seed of the order among groups of one size.

    Returns:
        Each row's fold, 0 to ``folds - 1``; the same for all rows of a group.
    """
    sizes = np.bincount(groups)
    common = _commonest(groups, labels)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled: defaultdict[Any, list[int]] = defaultdict(lambda: [0] * folds)
    chosen = np.zeros(len(sizes), np.int64)
    for group in order.tolist():
        own, every, size = filled[int(common[group])], filled["all"], int(sizes[group])
        at = min(range(folds), key=lambda fold: (own[fold], every[fold], fold))
        own[at] += size
        every[at] += size
        chosen[group] = at
    result: Rows = chosen[groups]
    return result


def _commonest(groups: Rows, labels: Labels) -> Rows:
    """Return the commonest label of each group; of equally common ones the smallest."""
    table = np.zeros((groups.max(initial=-1) + 1, int(labels.max(initial=0)) + 1), np.int64)
    np.add.at(table, (groups, labels), 1)
    result: Rows = table.argmax(axis=1)
    return result


def sample(frame: pd.DataFrame, rows: int, seed: int) -> Rows:
    """Draw whole groups at random, at most ``rows`` rows, in row order."""
    groups = groups_of(frame)
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    fits = np.cumsum(sizes[order]) <= rows
    return np.flatnonzero(np.isin(groups, order[fits]))
