"""What can be chosen in the evaluate stage."""

from pydantic import Field

from vouch.core.settings import Params


class EvaluateParams(Params):
    """Parameters of the evaluate stage.

    Attributes:
        budget: Questions a generation of the holdout may answer; stands from its first question.
        repeats: Bootstrap samples behind each interval.
        confidence: Share of the samples inside an interval.
        seed: Seed of the bootstrap.
        min_positives: Below so many positives a figure is said to rest on too few.
    """

    budget: int = Field(default=20, ge=1, le=1000)
    repeats: int = Field(default=400, ge=50, le=10_000)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = Field(default=0, ge=0)
    min_positives: int = Field(default=20, ge=1)
