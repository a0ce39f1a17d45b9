"""Parameters of stages that every use case shares; some add their own."""

from pydantic import Field

from vouch.core.settings import Params


class EvaluateParams(Params):
    """Parameters of the evaluate stage.

    Attributes:
        budget: Questions a generation of the holdout may answer; stands from its first question.
        repeats: Bootstrap samples behind each interval.
        confidence: Share of the samples inside an interval.
        seed: Seed of the bootstrap.
        min_positives: With fewer positives than this a figure is marked as uncertain.
        difference: The least difference in the deciding measure that matters, above 0: where people
            alone know the truth, they are asked until it can be told.
    """

    budget: int = Field(default=20, ge=1, le=1000)
    repeats: int = Field(default=400, ge=50, le=10_000)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = Field(default=0, ge=0)
    min_positives: int = Field(default=20, ge=1)
    difference: float = Field(default=0.1, gt=0, lt=1)


class SplitParams(Params):
    """Parameters of any use case's extract.

    Attributes:
        holdout_share: Share of the rows, the latest ones, that are sealed away, 0.01 to 0.5.
        reserve_share: Share of the parties whose rows after the holdout are kept for the next
            one, 0.01 to 1; the others' train at once. A change counts from the next holdout on.
    """

    holdout_share: float = Field(default=0.2, ge=0.01, le=0.5)
    reserve_share: float = Field(default=0.2, ge=0.01, le=1)


class ReportParams(Params):
    """How long the report's lists are.

    Attributes:
        categories: Values of a category that get a line of their own; the rest share one.
        candidates: Trials listed in the leaderboard, the best first.
    """

    categories: int = Field(default=20, ge=1, le=500)
    candidates: int = Field(default=15, ge=1, le=1000)
