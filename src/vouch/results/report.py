"""What the report is made from: the results of the stages before it."""

from dataclasses import dataclass

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
