"""How a search's candidates did: ``leaderboard.json``."""

from typing import Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from vouch.core.settings import Engine
from vouch.results.blind import Blindable


class Costs(TypedDict, total=False):
    """What a trial on Spark cost: the seconds of its fits, the driver's most memory in MB."""

    fit_seconds: float | None
    peak_mb: float | None


class Trial(Costs):
    """A trial, ``position`` its place among its sampler's; no ``value`` if it failed."""

    number: int
    sampler: str
    position: int
    algorithm: str
    candidate: dict[str, Any]
    value: float | None
    interval: list[float] | None
    folds: list[float | None]
    seconds: float
    state: Literal["complete", "failed"]
    error: str | None


class Leader(Costs):
    """An algorithm's best candidate; no ``number`` if no trial tried it."""

    number: int | None
    candidate: dict[str, Any]
    value: float
    interval: list[float]
    seconds: NotRequired[float]


class SamplerBest(TypedDict):
    """A sampler's best trial, and what all its trials took."""

    number: int
    value: float
    trials: int
    seconds: float


FoldSummary = TypedDict(
    "FoldSummary",
    {
        "from": str | None,
        "until": str | None,
        "rows": int,
        "positives": NotRequired[int],
        "rows_by_class": NotRequired[list[int]],
        "train_rows": int,
        "train_until": NotRequired[str | None],
        "train_positives": NotRequired[int],
    },
)
"""A fold's times (ISO) and counts: of two classes their positives, else the rows of each."""


class Leaderboard(Blindable):
    """Every trial of a search, and the best ones.

    Attributes:
        metric: The measure that decides; it is each ``value``, 0 to 1, or that and an offset.
        budget: Trials, or seconds, that each sampler had.
        trials: All trials, by number.
        best: The number of the best one; None: no trial tried it.
        best_by_algorithm: The best of each algorithm, measured again.
        best_by_sampler: The best of each sampler; None: all its trials failed.
        folds: The folds the trials were assessed on.
        engine: Where models learned; None: in this process.
        run_id: MLflow's run of the search.
        starts: The versions whose settings it began with.
        warnings: Sentences for people.
    """

    metric: str
    budget: dict[str, int | float]
    trials: list[Trial]
    best: int | None
    best_by_algorithm: dict[str, Leader]
    best_by_sampler: dict[str, SamplerBest | None]
    folds: list[FoldSummary] = Field(default_factory=list)
    engine: Engine | None = None
    run_id: str | None = None
    starts: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)

    @property
    def leader(self) -> Trial | None:
        """The best trial; None if no trial tried the best candidate."""
        return next((trial for trial in self.trials if trial["number"] == self.best), None)

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Call every measure ``value``; it had the metric's name."""
        metric = content["metric"]

        def renamed(entry: dict[str, Any] | None) -> dict[str, Any] | None:
            if entry is None:
                return None
            return {"value" if name == metric else name: field for name, field in entry.items()}

        lists = {"trials": [renamed(trial) for trial in content["trials"]]}
        groups = {
            group: {name: renamed(entry) for name, entry in content[group].items()}
            for group in ("best_by_algorithm", "best_by_sampler")
        }
        return content | lists | groups
