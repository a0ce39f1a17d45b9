"""Parameters of stages that every use case shares; some add their own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from vouch.core.settings import Params
from vouch.holdout.mechanisms.limits import MOST_QUESTIONS
from vouch.models.agreement import Trust, Weighed, agreement, stability
from vouch.sources.declaration import Duration

if TYPE_CHECKING:
    from vouch.models.surrogate import Explanation


class EvaluateParams(Params):
    """Parameters of the evaluate stage.

    Attributes:
        budget: Questions a generation of the holdout may answer; stands from its first question.
        error: Useless promotions expected at most in a whole budget, if no challenger is better:
            less is surer, and promotes fewer of those that are.
        repeats: Bootstrap samples behind the interval of a threshold.
        seed: Seed of the bootstrap, and of draws behind the figures of decided texts.
        min_positives: With fewer positives than this a figure is marked as uncertain.
        difference: The least difference in the deciding measure that matters, above 0: a holdout
            that could not tell it is not asked; where people alone know the truth, they are asked
            until it can be told.
    """

    budget: int = Field(default=20, ge=1, le=MOST_QUESTIONS)
    error: float = Field(default=0.5, gt=0, le=0.5)
    repeats: int = Field(default=400, ge=50, le=10_000)
    seed: int = Field(default=0, ge=0)
    min_positives: int = Field(default=20, ge=1)  # the keeper knows a limit of its own
    difference: float = Field(default=0.1, gt=0, lt=1)


class SplitParams(Params):
    """Parameters of any use case's extract.

    Attributes:
        holdout_share: Share of the rows, the latest ones, that are sealed away, 0.01 to 0.5.
        reserve_share: Share of the parties whose rows after the holdout are kept for the next
            one, 0.01 to 1; the others' train at once. Where rows have no time, of all parties: they
            are kept from the first training on. A change counts from the next holdout on, of rows
            without time from the next set on.
        overlap: Share of a holdout's rows that may have been asked about under another name
            without counting, at most 0.1; of more, what was asked counts. Set with the holdout.
        lag: How long after a row is first known it is scored, such as ``15m``: its features are
            made of the version that was in force by then, whatever was corrected later.
    """

    holdout_share: float = Field(default=0.2, ge=0.01, le=0.5)
    reserve_share: float = Field(default=0.2, ge=0.01, le=1)
    overlap: float = Field(default=0.05, ge=0, le=0.1)
    lag: Duration = timedelta(0)


class ReportParams(Params):
    """How long the report's lists are.

    Attributes:
        categories: Values of a category that get a line of their own; the rest share one.
        candidates: Trials listed in the leaderboard, the best first.
    """

    categories: int = Field(default=20, ge=1, le=500)
    candidates: int = Field(default=15, ge=1, le=1000)


class ReasonParams(Params):
    """When a case's reasons may be relied on, and how many cases show the model as a whole.

    Attributes:
        runs: Runs with other random numbers whose heaviest reasons are compared; 1: none are.
        top: How many of the heaviest reasons are compared, between runs and between methods.
        poor_r2: A weighted R² below this is poor.
        poor_gap: A difference between surrogate and model above this is poor.
        unstable: Runs that share less of their heaviest reasons are unstable.
        disagree: Methods that share less of their heaviest reasons disagree.
        picks: Cases to show that together cover the model, at most; 0: none.
        picked_from: Cases these are picked from.
    """

    runs: int = Field(default=3, ge=1, le=50)
    top: int = Field(default=5, ge=1, le=50)
    poor_r2: float = Field(default=0.3, ge=0, le=1)
    poor_gap: float = Field(default=0.1, ge=0, le=1)
    unstable: float = Field(default=0.6, ge=0, le=1)
    disagree: float = Field(default=0.4, ge=0, le=1)
    picks: int = Field(default=4, ge=0, le=100)
    picked_from: int = Field(default=100, ge=1, le=10_000)

    def trust(
        self,
        surrogates: "Sequence[Explanation]",
        shapley: Sequence[Weighed[Any]] | None = None,
        first: Sequence[Weighed[Any]] | None = None,
    ) -> Trust:
        """Judge a case's reasons.

        Args:
            surrogates: A run each; the first is the one that is shown.
            shapley: TreeSHAP's reasons; None: the model is not of trees.
            first: The first run's reasons in TreeSHAP's terms; None: they are in the same.
        """
        runs: list[Sequence[Weighed[Any]]] = [
            [Weighed(p.feature, p.weight) for p in each.parts] for each in surrogates
        ]
        steady, both = stability(runs, self.top), None
        if shapley is not None:
            both = agreement(runs[0] if first is None else first, shapley, self.top)
        return Trust(
            poor=surrogates[0].is_poor(self.poor_r2, self.poor_gap),
            stability=steady,
            unstable=steady is not None and steady < self.unstable,
            agreement=both,
            disagree=both is not None and both.share < self.disagree,
        )
