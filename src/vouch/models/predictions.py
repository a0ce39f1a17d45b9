"""Predictions: a probability for each row and class, and the rule that makes a class of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]
SCORE = re.compile(r"score_(\d+)")
POSITIVE = "score_1"
"""The column of the second class's probability: of two classes, the positive's."""


def score_columns(classes: int) -> list[str]:
    """Return the names of the columns that hold a table's predictions, class 0 first.

    >>> score_columns(2)
    ['score_0', 'score_1']
    """
    return [f"score_{number}" for number in range(classes)]


def of_positive(probability: Floats) -> Floats:
    """Return both classes' probabilities, shape (rows, 2), from the second's, shape (rows,)."""
    return np.column_stack([1 - probability, probability])


def scored_names(columns: Iterable[str]) -> list[str]:
    """Return which of a table's columns hold its predictions, class 0 first."""
    numbers = [int(match[1]) for name in columns if (match := SCORE.fullmatch(str(name)))]
    return [f"score_{number}" for number in sorted(numbers)]


def probabilities(rows: pd.DataFrame) -> Floats:
    """Return a table's predictions, shape (rows, classes).

    Args:
        rows: Columns ``score_0`` and on; early versions kept that of the second of two classes
            alone, as ``score``.
    """
    if names := scored_names(rows.columns):
        return rows[names].to_numpy(np.float64)
    return of_positive(rows["score"].to_numpy(np.float64))


def in_order(likely: Floats, own: Sequence[str], names: Sequence[str]) -> Floats:
    """Return a model's probabilities in another order of its classes.

    Args:
        likely: Shape (rows, classes), in the model's order.
        own: The model's classes; of early models none, their order is the wanted one.
        names: The same classes in the order wanted.

    >>> in_order(np.array([[0.9, 0.1]]), ["no", "yes"], ["yes", "no"])
    array([[0.1, 0.9]])
    """
    return likely[:, [own.index(name) for name in names]] if own else likely


def numbers_in_order(chosen: Classes, own: Sequence[str], names: Sequence[str]) -> Classes:
    """Return the classes a model chose, numbered as :func:`in_order` orders them.

    >>> numbers_in_order(np.array([1, 1, 0]), ["no", "yes"], ["yes", "no"])
    array([0, 0, 1])
    """
    return np.array([names.index(name) for name in own])[chosen] if own else chosen


class Decision(Protocol):
    """What makes classes of probabilities."""

    def classes(self, likely: Floats) -> Classes:
        """Return the class of each row, shape (rows,), of probabilities (rows, classes)."""

    def sql(self, scores: Sequence[str]) -> str:
        """Return the SQL of a row's class; ``scores`` are the SQL of its probabilities."""

    def surest(self, scores: Sequence[str]) -> str:
        """Return the SQL of the probability that the decision rests on."""


@dataclass(frozen=True)
class AtLeast:
    """The second of two classes, where its probability is at least ``threshold``."""

    threshold: float

    def classes(self, likely: Floats) -> Classes:
        """Return the class of each row."""
        return (likely[:, 1] >= self.threshold).astype(np.int64)

    def sql(self, scores: Sequence[str]) -> str:
        """Return the SQL of a row's class."""
        return f"({scores[1]} >= {float(self.threshold)!r})::INTEGER"

    def surest(self, scores: Sequence[str]) -> str:
        """Return the SQL of the probability it rests on."""
        return scores[1]


@dataclass(frozen=True)
class Likeliest:
    """The class of the highest probability; of equally likely ones the first."""

    def classes(self, likely: Floats) -> Classes:
        """Return the class of each row."""
        return likely.argmax(axis=1) if len(likely) else np.empty(0, np.int64)

    def sql(self, scores: Sequence[str]) -> str:
        """Return the SQL of a row's class."""
        return f"list_position([{', '.join(scores)}], {self.surest(scores)}) - 1"

    def surest(self, scores: Sequence[str]) -> str:
        """Return the SQL of the probability it rests on."""
        return f"greatest({', '.join(scores)})"


def decision_at(threshold: float | None) -> Decision:
    """Return the decision rule of a recorded threshold; None is that of the likeliest class."""
    return Likeliest() if threshold is None else AtLeast(threshold)
