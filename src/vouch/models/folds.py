"""Time-ordered folds that use no label before it was known.

The training rows of a fold are those before its assessment block whose label was known when the
block begins: a model in use could have learned from no others (Dal Pozzolo et al. 2018, Credit
card fraud detection: a realistic modeling and a novel learning strategy). Reviewers' labels are
taken as known: they come in rounds, long after the rows, and a fold without them cannot show
what they are worth.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.models.strength import decided, measuring, trains
from vouch.results.tune import FoldSummary

FEW_POSITIVES = 30  # with fewer an average precision is mostly chance
MIN_KNOWN = 10  # positives known in time, without which no fold can be learned from
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Rows to learn from and rows to assess on.

    Attributes:
        train: Row numbers, ascending.
        assess: Row numbers, ascending.
        start: When the assessment block begins, also the last time a label may be known at;
            None without time.
        until: When the block ends: exclusive, but for the last block inclusive.
    """

    train: Rows
    assess: Rows
    start: pd.Timestamp | None = None
    until: pd.Timestamp | None = None

    def describe(
        self, labels: NDArray[np.int8], measured: NDArray[np.int8], judged: NDArray[np.bool_]
    ) -> FoldSummary:
        """Return the fold as the leaderboard describes it.

        Args:
            labels: What rows train with, 0 or 1, shape (all rows,).
            measured: What they are measured by, likewise.
            judged: Which of them are measured on.
        """
        assessed = self.assess[judged[self.assess]]
        return {
            "train_until": self.start.isoformat() if self.start else None,
            "from": self.start.isoformat() if self.start else None,
            "until": self.until.isoformat() if self.until else None,
            "train_rows": len(self.train),
            "train_positives": int(labels[self.train].sum()),
            "rows": len(assessed),
            "positives": int(measured[assessed].sum()),
        }


def split(
    frame: pd.DataFrame, folds: int, judged: NDArray[np.bool_] | None = None
) -> tuple[list[Fold], list[str]]:
    """Split rows into folds.

    By time where there is one: an expanding window, cut so that blocks share out the rows and
    positives that are measured on, never between rows of the same time. Else by a hash of the
    payer, or of the id.

    Args:
        frame: Columns ``label`` and ``id``; ``truth``, ``time``, ``label_known_at``,
            ``label_source`` and ``payer`` where known.
        folds: How many assessment blocks are wanted, at least 2.
        judged: Which rows are measured on, shape (rows,); None: all.

    Returns:
        The folds, and what a reader should be warned of.
    """
    measured_on = np.ones(len(frame), np.bool_) if judged is None else judged
    positive = measured_on & (measuring(frame) == 1)
    blocks, warnings = _by_time(frame, folds, measured_on) if "time" in frame else ([], [])
    if not blocks:
        blocks = _by_hash(frame, folds)
    for number, fold in enumerate(blocks):
        if (count := int(positive[fold.assess].sum())) < FEW_POSITIVES:
            warnings.append(f"fold {number} is assessed on {count} positives only: a rough guide")
    return blocks, warnings


def _by_time(
    frame: pd.DataFrame, folds: int, judged: NDArray[np.bool_]
) -> tuple[list[Fold], list[str]]:
    time, labels = frame["time"], frame["label"].to_numpy()
    cuts = cut(time[judged], measuring(frame)[judged], folds)
    if not cuts:
        return [], ["rows or positives stand at one time only: folds are drawn by hash instead"]
    warnings = []
    if len(cuts) < folds:
        warnings.append(f"{len(cuts)} folds instead of {folds}: positives stand at too few times")
    assess = _blocks(time, cuts)
    learnable = trains(frame)
    before = [np.flatnonzero((time < start).to_numpy() & learnable) for start in cuts]
    train = [_labelled_by(frame, rows, start) for rows, start in zip(before, cuts, strict=True)]
    if _too_late(labels, before, train):
        warnings.append(
            "the rows span too short a time for the labels' delay: folds learn from labels that "
            "were not known yet, so the measures are too good"
        )
        train = before
    if late := _given_late(frame, train, cuts):
        warnings.append(f"folds learn from {late:,} reviewers' labels before they were given")
    ends = [*cuts[1:], time.max()]
    return [Fold(*parts) for parts in zip(train, assess, cuts, ends, strict=True)], warnings


def cut(time: pd.Series, labels: NDArray[np.int8], folds: int) -> list[pd.Timestamp]:
    """Choose when the assessment blocks begin.

    Args:
        time: Each row's time.
        labels: Each row's label to measure by, 0 or 1.
        folds: How many blocks are wanted.

    Returns:
        Ascending times, at most ``folds`` of them: before the first, between two, and from the
        last on there is a positive each. Empty if positives stand at one time only.
    """
    moments, place = np.unique(time.to_numpy(), return_inverse=True)
    positives = np.bincount(place, labels)
    weight = np.bincount(place) / len(time) + positives / max(positives.sum(), 1)
    before = np.cumsum(weight) - weight
    ideal = np.searchsorted(before, weight.sum() * np.arange(1, folds + 1) / (folds + 1))
    return [pd.Timestamp(moments[i]) for i in _with_positives(ideal, positives)]


def _with_positives(ideal: NDArray[np.signedinteger[Any]], positives: NDArray[Any]) -> list[int]:
    """Return the cuts that leave a positive in every part between them."""
    seen = np.concatenate([[0], np.cumsum(positives)])
    chosen = [0]
    for place in ideal:
        if place < len(positives) and seen[place] > seen[chosen[-1]]:
            chosen.append(int(place))
    while len(chosen) > 1 and seen[-1] == seen[chosen[-1]]:
        chosen.pop()
    return chosen[1:]


def _blocks(time: pd.Series, cuts: list[pd.Timestamp]) -> list[Rows]:
    inner = [np.flatnonzero((time >= start) & (time < end)) for start, end in pairwise(cuts)]
    return [*inner, np.flatnonzero(time >= cuts[-1])]


def _labelled_by(frame: pd.DataFrame, rows: Rows, moment: pd.Timestamp) -> Rows:
    if "label_known_at" not in frame:
        return rows
    # people look back: no block would ever have known their labels
    in_time = (frame["label_known_at"].iloc[rows] <= moment).to_numpy()
    return rows[in_time | decided(frame)[rows]]


def _given_late(frame: pd.DataFrame, train: list[Rows], cuts: list[pd.Timestamp]) -> int:
    """Count the rows with a person's label that some fold learns from before it was given."""
    if "label_known_at" not in frame:
        return 0
    known_at, people = frame["label_known_at"], decided(frame)
    late = [
        rows[people[rows] & (known_at.iloc[rows] > start).to_numpy()]
        for rows, start in zip(train, cuts, strict=True)
    ]
    return len(np.unique(np.concatenate(late)))


def _too_late(labels: NDArray[np.int8], before: list[Rows], known_rows: list[Rows]) -> bool:
    """Return whether the delay leaves some fold with next to nothing to learn from."""
    for all_rows, rows in zip(before, known_rows, strict=True):
        positives, all_positives = labels[rows].sum(), labels[all_rows].sum()
        if positives in (0, len(rows)) or positives < min(MIN_KNOWN, all_positives):
            return True
    return False


def _by_hash(frame: pd.DataFrame, folds: int) -> list[Fold]:
    key = frame["id"].astype(str)
    if "payer" in frame:
        # all rows of one payer on one side: they resemble one another
        key = frame["payer"].where(frame["payer"].notna(), key).astype(str)
    number = pd.util.hash_array(key.to_numpy(dtype=object)) % folds
    learnable = trains(frame)
    parts = [
        (np.flatnonzero((number != i) & learnable), np.flatnonzero(number == i))
        for i in range(folds)
    ]
    return [Fold(train, assess) for train, assess in parts if len(assess)]
