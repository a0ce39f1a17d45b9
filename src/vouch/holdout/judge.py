"""The protocol of a judge: the keeper opens the holdout, a judge measures models on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.holdout.mechanisms.comparison import Evidence
from vouch.holdout.mechanisms.thresholdout import Mean
from vouch.results.evaluate import Answer, Figures, Kind, PeoplesWord


@dataclass(frozen=True)
class ScoredModel:
    """A model to measure on the holdout.

    Attributes:
        digest: Of its folder, see :func:`vouch.holdout.keeper.model_digest`.
        predict: Returns a table's probabilities, shape (rows, classes).
    """

    digest: str
    predict: Callable[[pd.DataFrame], NDArray[np.float64]]


@dataclass(frozen=True)
class People:
    """People's word on rows drawn from the holdout, where nothing else tells their truth.

    Attributes:
        rows: The decided rows' places in the holdout, shape (decided,).
        chances: The chance each had to be drawn and decided, above 0 and at most 1.
        votes: Reviewers of each by the class they chose, shape (decided, classes).
        drawn: How many rows were drawn.
    """

    rows: NDArray[np.int64]
    chances: NDArray[np.float64]
    votes: NDArray[np.int64]
    drawn: int

    def counts(self) -> PeoplesWord:
        """Count rows and decisions."""
        return {
            "drawn": self.drawn,
            "decided": len(self.rows),
            "decisions": int(self.votes.sum()),
            "several": int((self.votes.sum(axis=1) > 1).sum()),
            "disputed": int(((self.votes > 0).sum(axis=1) > 1).sum()),
            "between": None,
        }


@dataclass(frozen=True)
class Stakes:
    """What the answers of a holdout may cost.

    Attributes:
        error: Useless promotions expected at most in a whole budget, above 0.
        difference: The least difference in the deciding measure that matters, above 0.
    """

    error: float
    difference: float


@dataclass(frozen=True)
class Outlook:
    """What out-of-fold rows say of a challenger, before the holdout is asked.

    Attributes:
        value: Its deciding measure.
        error: The standard error of that.
        gap: Its difference to the rival's; 0 where that is unknown.
        difference: The standard error of that.
        units: The rows on which they rest, see :meth:`Judge.count`.
        rows: All rows of known truth, the units among them.
    """

    value: float
    error: float
    gap: float
    difference: float
    units: int
    rows: int

    def units_of(self, rows: int) -> int:
        """Return how many units to expect of other rows of the same kind."""
        return round(self.units * rows / self.rows)


@dataclass(frozen=True)
class Contest:
    """A challenger beside its rival on the holdout; for the keeper alone.

    Attributes:
        rival: Whom it has to beat.
        evidence: How surely it does; None for a ``reason``.
        reason: Why they cannot be compared.
    """

    rival: Literal["rule", "chance", "champion"]
    evidence: Evidence | None
    reason: str = ""


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
    def metric(self) -> str:
        """The measure that decides."""

    @property
    def stakes(self) -> Stakes:
        """What its answers may cost."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The bounded means it can measure."""

    @property
    def description(self) -> str:
        """The terms in a few words, for the ledger."""

    def deciding(self) -> dict[str, object]:
        """Return what determines a figure's value, as against its interval, JSON-able."""

    def count(self, rows: pd.DataFrame, people: People | None = None) -> int:
        """Count the rows on which any figure rests."""

    def contest(
        self, rows: pd.DataFrame, challenger: ScoredModel, champion: ScoredModel | None
    ) -> Contest:
        """Compare a candidate by the truth: with the champion, or else the rule, or else chance.

        Args:
            rows: The holdout.
            challenger: The candidate.
            champion: The model to beat, if there is one.
        """

    def outlook(self, rows: pd.DataFrame, champion: NDArray[np.float64] | None) -> Outlook | None:
        """Return what out-of-fold rows say of a candidate; None where they know no truth.

        Args:
            rows: Out-of-fold predictions.
            champion: The champion's of the same rows, shape (rows, classes), if there is one.
        """

    def described(self, rows: pd.DataFrame, kind: Kind) -> Figures:
        """Describe the rows whose label of a kind is known; of no model.

        Args:
            rows: The holdout.
            kind: Which label.
        """

    def candidate(
        self,
        rows: pd.DataFrame,
        challenger: ScoredModel,
        champion: ScoredModel | None,
        people: People,
    ) -> Answer:
        """Return all figures of a candidate by people's word: against truth and champion.

        Args:
            rows: The holdout.
            challenger: The candidate.
            champion: The model to beat, if there is one.
            people: What people say of some rows, where their word is the only truth.
        """

    def count_labelled(self, rows: pd.DataFrame, kind: str) -> int:
        """Count the rows whose label of a kind is known."""

    def scored(self, rows: pd.DataFrame, model: ScoredModel) -> pd.DataFrame:
        """Add a model's scores to the rows, named as in out-of-fold predictions."""

    def mean(self, scored: pd.DataFrame, metric: str, kind: str) -> Mean:
        """Return a bounded mean of scored rows, scaled to 0..1."""

    def scale(self, metric: str) -> float:
        """Return what a mean of 1 is in the metric's own unit."""
