"""What the report is made from: the results of the stages before it."""

from dataclasses import dataclass
from typing import TypedDict

from vouch.metrics.figures import Figure
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.label import Labelled
from vouch.results.register import Registration
from vouch.results.tune import Leaderboard
from vouch.results.validate import Validated


@dataclass(frozen=True)
class Results:
    """The stages' results, each by what its templates call it."""

    ingested: Ingested
    validated: Validated
    labelled: Labelled
    extracted: Extracted
    leaderboard: Leaderboard
    evaluation: Evaluation
    registration: Registration


class Known(TypedDict):
    """The deciding measure on the rows whose truth was known at a time, and how many these are."""

    rows: int
    figure: Figure


class SlidingPoint(TypedDict):
    """Rows after ``since`` up to ``at`` (ISO): by what was known at ``at``, and by now."""

    since: str
    at: str
    rows: int
    then: Known
    now: Known


class Sliding(TypedDict):
    """The measure at past dates that are ``step`` seconds apart, each of a ``window`` before it."""

    metric: str
    step: float
    window: float
    points: list[SlidingPoint]
