"""The protocol of a judge: the keeper opens the holdout, a judge measures models on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.holdout.thresholdout import Mean
from vouch.results.evaluate import Answer


@dataclass(frozen=True)
class ScoredModel:
    """A model to measure on the holdout.

    Attributes:
        digest: Of its folder, see :func:`vouch.holdout.keeper.model_digest`.
        predict: Returns a table's probabilities, shape (rows, classes).
    """

    digest: str
    predict: Callable[[pd.DataFrame], NDArray[np.float64]]


class Judge(Protocol):
    """How models are judged."""

    @property
    def budget(self) -> int:
        """Questions a generation of the holdout answers, fixed when it is first asked."""

    @property
    def least(self) -> int:
        """Fewer counted rows than this (see ``count``) are too few for a reliable figure."""

    @property
    def counted(self) -> str:
        """What ``count`` counts, in words."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The bounded means it can measure."""

    @property
    def description(self) -> str:
        """The terms in a few words, for the ledger."""

    def deciding(self) -> dict[str, object]:
        """Return what determines a figure's value, as against its interval, JSON-able."""

    def count(self, rows: pd.DataFrame) -> int:
        """Count the rows on which any figure rests."""

    def candidate(
        self, rows: pd.DataFrame, challenger: ScoredModel, champion: ScoredModel | None
    ) -> Answer:
        """Return all figures of a candidate: against truth, rule and champion."""

    def count_labelled(self, rows: pd.DataFrame, kind: str) -> int:
        """Count the rows whose label of a kind is known."""

    def scored(self, rows: pd.DataFrame, model: ScoredModel) -> pd.DataFrame:
        """Add a model's scores to the rows, named as in out-of-fold predictions."""

    def mean(self, scored: pd.DataFrame, metric: str, kind: str) -> Mean:
        """Return a bounded mean of scored rows, scaled to 0..1."""

    def scale(self, metric: str) -> float:
        """Return what a mean of 1 is in the metric's own unit."""
