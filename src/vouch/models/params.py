"""What a search for a model may spend and where it looks."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from vouch.core.settings import Params
from vouch.sources.declaration import Strict

Sampler = Literal["random", "tpe"]


class Budget(Strict):
    """What each sampler may spend: exactly one of the two.

    Attributes:
        trials: How many candidates it tries, 1 to 10,000; the result can be repeated.
        seconds: For how long it starts new ones, above 0; the result depends on the machine.
    """

    trials: int | None = Field(default=None, ge=1, le=10_000)
    seconds: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _check_one_limit(self) -> "Budget":
        if (self.trials is None) == (self.seconds is None):
            raise ValueError("give either trials or seconds")
        return self


class SearchParams(Params):
    """Parameters of any search.

    Attributes:
        budget: What each sampler may spend.
        samplers: Which samplers search, each with the whole budget.
        algorithms: Which learners are tried.
        folds: Assessment blocks, 2 to 20.
        seed: Seed of the search and of every fit.
        threads: Threads of a fit, at least 1.
        spurious: Features, or words of texts, that no model is given: people found that a model
            was right by them for the wrong reasons (``vouch spurious``).
    """

    budget: Budget = Budget(trials=12)
    samplers: tuple[Sampler, ...] = Field(default=("random", "tpe"), min_length=1)
    algorithms: tuple[str, ...] = Field(min_length=1)
    folds: int = Field(default=3, ge=2, le=20)
    seed: int = Field(default=0, ge=0, lt=2**31)
    threads: int = Field(default=2, ge=1)
    spurious: tuple[str, ...] = ()

    @field_validator("samplers", "algorithms")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("names one twice")
        return value
