"""What the search for a text model on Spark may spend: less, because a fit takes minutes."""

from pydantic import Field, model_validator

from vouch.models.params import Budget, Sampler
from vouch.sources.declaration import Strict
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS, SparkAlgorithm


class SparkParams(Strict):
    """What ``tune`` does on the engine Spark; folds, seed and threads are those of the stage.

    Attributes:
        algorithms: Which learners are tried; first each with its default settings.
        budget: What each sampler may spend; by default each learner once, and the champion's
            settings or one more.
        samplers: Which samplers search, each with the whole budget.
        assessed: Folds a candidate is fitted and assessed on, the last ones, 1 to 20.
        epochs: Passes of ClassifierDL over the rows, 1 to 1,000.
    """

    algorithms: tuple[SparkAlgorithm, ...] = Field(default=ALGORITHMS, min_length=1)
    budget: Budget = Budget(trials=len(ALGORITHMS) + 1)
    samplers: tuple[Sampler, ...] = Field(default=("random",), min_length=1)
    assessed: int = Field(default=1, ge=1, le=20)
    epochs: int = Field(default=10, ge=1, le=1_000)

    @model_validator(mode="after")
    def _distinct(self) -> "SparkParams":
        for names in (self.samplers, self.algorithms):
            if len(set(names)) < len(names):
                raise ValueError("names one twice")
        return self
