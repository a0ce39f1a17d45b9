"""The protocol of a use case's part in a search: rows, measures, files written."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd

from vouch.models.leaderboard import Best
from vouch.models.params import SearchParams
from vouch.models.proposal import C, Outcome, Space
from vouch.models.search import Record
from vouch.results.tune import Leaderboard


class SearchData(Protocol[C]):
    """The rows of a search, and all that differs between one kind of model and another."""

    @property
    def metric(self) -> str:
        """The measure that decides, 0 to 1."""

    @property
    def fingerprint(self) -> str:
        """A digest of data, parameters and choices: a search of the same one goes on."""

    @property
    def settings(self) -> dict[str, object]:
        """The parameters as logged to MLflow."""

    @property
    def search(self) -> SearchParams:
        """Budget, samplers and algorithms."""

    @property
    def space(self) -> Space[C]:
        """Where the search looks."""

    def assess(self, candidate: C) -> Outcome:
        """Measure a candidate out of fold."""

    def finals(
        self, records: Sequence[Record[C]], leaders: Mapping[str, int]
    ) -> tuple[dict[str, Best[C]], Best[C]]:
        """Measure the best trial of each algorithm again, and choose the best of them.

        Args:
            records: All finished trials.
            leaders: The number of each algorithm's best trial.
        """

    def describe(self, board: Leaderboard, records: Sequence[Record[C]]) -> Leaderboard:
        """Return the leaderboard with its folds and warnings."""

    def write_predictions(self, predictions: pd.DataFrame, path: Path) -> None:
        """Write out-of-fold predictions beside what is known of their rows (Parquet)."""

    def write_model(
        self,
        bests: Mapping[str, Best[C]],
        best: Best[C],
        model: Path,
        picture: Path,
        shown: Callable[[Best[C]], Best[C]],
    ) -> None:
        """Fit the best candidate on all rows; write it, and the folder of what can be drawn.

        Args:
            bests: The best candidate of each algorithm, with their true figures.
            best: The best of them.
            model: Written: folder of the model.
            picture: Written: folder of what can be drawn of one.
            shown: Returns a best with its figures as they may be written: while the use case is
                blind no true one may reach the disk, not even for a moment.
        """
