"""Parameters of choosing cases for review."""

from typing import Any

from pydantic import Field, model_validator

from vouch.core.settings import Params


class EnqueueParams(Params):
    """How many cases people get, and by which measures.

    Attributes:
        random: Share of the cases drawn at random, 0 to 1, rounded up: only these tell honestly
            how good a model is.
        margin: Weight of the least certain rows among the other cases, at least 0.
        value: Weight of the rows with most money at risk.
        disagreement: Weight of the rows whose rule says otherwise than the model.
        novelty: Weight of the rows least like those the model learned from; only rows that came
            since can be, and only where models take numbers.
        holdout: Share of all cases drawn from the holdout, 0 to 1, where people alone know its
            truth: these tell whether a model is better, and train none.
        second: Share of those that two reviewers decide, 0 to 1, which tells how far they agree.
        overlap: Share of the other cases that two reviewers decide, 0 to 1, neither seeing the
            other's answer.
        similar: Weight of the rows of the last days most like those in which people found fraud
            that the model does not see; only where models take numbers.
        recent: Share of the cases not drawn at random that come from the last days first, 0 to 1.
        recent_days: How many days before the newest row those are, above 0.
    """

    random: float = Field(default=0.25, ge=0, le=1)
    margin: float = Field(default=1.0, ge=0)
    value: float = Field(default=1.0, ge=0)
    disagreement: float = Field(default=1.0, ge=0)
    novelty: float = Field(default=1.0, ge=0)
    holdout: float = Field(default=0.5, ge=0, le=1)
    second: float = Field(default=0.1, ge=0, le=1)
    overlap: float = Field(default=0.0, ge=0, le=1)
    similar: float = Field(default=8.0, ge=0)
    recent: float = Field(default=0.5, ge=0, le=1)
    recent_days: float = Field(default=3.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, values: Any) -> Any:
        if isinstance(values, dict) and "capacity" in values:
            raise ValueError(
                "capacity is the source's, for cases and for precision at capacity alike: "
                "move it to data/sources/<source>.yaml"
            )
        return values

    @model_validator(mode="after")
    def _something(self) -> "EnqueueParams":
        if not self.random and not any(self.weights.values()):
            streams = ", ".join(self.weights)
            raise ValueError(f"random, {streams} are all 0: nothing is chosen")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the streams that share what random leaves."""
        return {
            "value": self.value,
            "disagreement": self.disagreement,
            "margin": self.margin,
            "novelty": self.novelty,
            "similar": self.similar,
        }
