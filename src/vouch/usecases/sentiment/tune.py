"""The search for a model of texts: its rows, measures, predictions and the fitted best."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.core.progress import Progress, silent
from vouch.engine import encoders as installed
from vouch.models.leaderboard import Best
from vouch.models.proposal import Outcome
from vouch.models.search import Record
from vouch.models.space import RULE_WEIGHT
from vouch.models.strength import judged, measuring, mixed
from vouch.results.extract import Extracted
from vouch.results.tune import Leaderboard
from vouch.usecases.classes import FEWEST
from vouch.usecases.sentiment.candidate import Candidate
from vouch.usecases.sentiment.embeddings import KEPT, Encoder
from vouch.usecases.sentiment.folds import sample, split
from vouch.usecases.sentiment.models import save
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.rows import METRIC, Floats, SearchRows, lay_out
from vouch.usecases.sentiment.space import SPACE, TextSpace
from vouch.usecases.sentiment.words import export

if TYPE_CHECKING:
    from vouch.usecases.sentiment.spark.tune import SparkSearchData

LACKING = (
    "no sentence encoder is installed: with one, models of texts may get more right (make encoders)"
)
UNNOTED = "sentence encoders are installed, and none is noted for this project: make encoders"


@dataclass(frozen=True)
class SearchData:
    """Texts that a search uses; see :class:`vouch.models.search_data.SearchData`.

    Attributes:
        whole: All training rows.
        drawn: The part of them that the search's trials see; all if they are few.
        search: Budget, samplers and algorithms.
        fingerprint: A digest of data, parameters, encoder and choices.
        progress: Called before each fit that only sets the latest rows beside all times.
    """

    whole: SearchRows
    drawn: SearchRows
    search: TextTuneParams
    fingerprint: str
    metric: str = METRIC
    progress: Progress = silent
    _leading: dict[str, tuple[float, Candidate, list[Floats]]] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, object]:
        """The parameters as logged to MLflow."""
        return self.search.model_dump(mode="json")

    @property
    def space(self) -> TextSpace:
        """Learners, their hyperparameters and the preparation."""
        without = (*self.search.cleaning.without, *self.search.spurious)
        cleaning = self.search.cleaning.model_copy(update={"without": without})
        return TextSpace(cleaning, tuple(self.whole.encoders), mixed(self.whole.frame))

    def embed(self) -> None:
        """Embed the rows drawn: within a trial its budget would pay, and a full disk fail it."""
        if {*self.search.algorithms} != {"naive_bayes"}:
            for encoder in self.drawn.encoders:
                self.drawn.corpus.embeddings(encoder, self.space.cleaning.without)

    def assess(self, candidate: Candidate) -> Outcome:
        """Measure a candidate on the rows drawn, and keep what an algorithm's best predicted."""
        scores = self.drawn.predict(candidate)
        outcome = self.drawn.outcome(scores)
        if outcome.value > self._leading.get(candidate.algorithm, (-inf,))[0]:
            self._leading[candidate.algorithm] = outcome.value, candidate, scores
        return outcome

    def _scores(self, candidate: Candidate, rows: SearchRows) -> list[Floats]:
        """Return what a candidate predicts out of fold; a search that went on kept nothing."""
        leading = self._leading.get(candidate.algorithm)
        if rows is self.drawn and leading is not None and leading[1] == candidate:
            return leading[2]
        return rows.predict(candidate)

    def finals(
        self, records: Sequence[Record[Candidate]], leaders: Mapping[str, int]
    ) -> tuple[dict[str, Best[Candidate]], Best[Candidate]]:
        """Measure the best of each algorithm with an interval, the finalists on all rows."""
        order = sorted(leaders, key=lambda name: -(records[leaders[name]].value or 0.0))
        bests = {}
        for place, name in enumerate(order):
            rows = self.whole if place < self.search.finalists else self.drawn
            candidate = records[leaders[name]].candidate
            bests[name] = rows.measured(candidate, leaders[name], self._scores(candidate, rows))
        finalists = [bests[name] for name in order[: self.search.finalists]]
        best = max(finalists, key=lambda each: round(each.value, 6))
        return bests, self.whole.with_mixed(best, self.progress)

    def describe(self, board: Leaderboard, records: Sequence[Record[Candidate]]) -> Leaderboard:
        """Return the leaderboard with its folds and warnings."""
        warnings = [*self.whole.warnings, *self._sampled(), *lacking(self.whole.encoders)]
        return board.model_copy(update={"folds": self.whole.describe(), "warnings": warnings})

    def _sampled(self) -> list[str]:
        if self.drawn is self.whole:
            return []
        return [
            f"trials see {len(self.drawn.frame):,} of {len(self.whole.frame):,} rows; the best "
            f"{self.search.finalists} algorithms are measured again on all"
        ]

    def write_predictions(self, predictions: pd.DataFrame, path: Path) -> None:
        """Write out-of-fold scores beside what is known of their rows (Parquet)."""
        self.whole.write_predictions(predictions, path)

    def write_model(
        self,
        bests: Mapping[str, Best[Candidate]],
        best: Best[Candidate],
        model: Path,
        picture: Path,
        shown: Callable[[Best[Candidate]], Best[Candidate]],
    ) -> None:
        """Fit the best candidate on all rows; write it, and the n-grams that speak for a class."""
        fitted = self.whole.refit(best.candidate)
        save(fitted, model)
        best = shown(best)
        export(fitted, picture, {METRIC: best.value, "interval": list(best.interval)})


def lacking(encoders: Collection[str]) -> list[str]:
    """Return the warning of a search without encoders; with one: no line."""
    if encoders:
        return []
    return [UNNOTED if installed.there() else LACKING]


@contextmanager
def search_data(
    train: Path,
    extracted: Path,
    params: TextTuneParams,
    state: Path,
    encoders: Sequence[str] = (),
    progress: Progress = silent,
) -> "Iterator[SearchData | SparkSearchData]":
    """Yield the rows of a search, on Spark where the features were extracted there.

    See :meth:`vouch.usecases.contract.UseCase.search_data`.
    """
    result = Extracted.read(extracted)
    names = _class_names(result, extracted)
    if result.engine == "spark":
        from vouch.usecases.sentiment.spark.tune import search_data as on_spark

        if params.spurious:
            raise VouchError(
                f"tune.sentiment.spurious: models of Spark read all words (got {params.spurious})",
                "run without --engine spark, or take the marks back: vouch spurious sentiment",
            )
        with on_spark(train, params, state, names, encoders, progress) as data:
            yield data
        return
    usable = _encoders(params, state, encoders, progress)
    params = params.with_encoders() if usable else params
    whole = lay_out(train, params, usable, names)
    fingerprint = _fingerprint(train, params, whole.encoders)
    here = SearchData(whole, _drawn(whole), params, fingerprint, progress=progress)
    here.embed()
    yield here


def _class_names(extracted: Extracted, path: Path) -> tuple[str, ...]:
    if len(extracted.classes) < FEWEST:
        raise VouchError(
            f"{path}: classes: {extracted.classes!r} are no names of {FEWEST} classes or more",
            "run extract again",
        )
    return tuple(extracted.classes)


def _encoders(
    params: TextTuneParams, state: Path, identities: Sequence[str], progress: Progress
) -> dict[str, Encoder]:
    """Return the encoder that parameters name, else those of the environment, by identity.

    Raises:
        VouchError: One is not there, or cannot embed a text.
    """
    places = [params.embeddings] if params.embeddings else map(installed.find, identities)
    cache = state / KEPT
    encoders = [Encoder(place, cache, params.threads, progress) for place in places]
    for encoder in encoders:
        encoder.check()
    return {encoder.identity: encoder for encoder in encoders}


def _fingerprint(train: Path, params: TextTuneParams, encoders: Mapping[str, Encoder]) -> str:
    """Return a digest of a search's data, parameters, choices and what each learner begins with.

    Threads change nothing.
    """
    from optuna.trial import FixedTrial

    settings = params.model_dump_json(exclude={"threads", "embeddings"})
    space = TextSpace(encoders=tuple(encoders))
    starts = [space.suggest(FixedTrial(space.start(name)), [name]) for name in params.algorithms]
    words = [sha256(train), settings, repr(SPACE), repr(RULE_WEIGHT)]
    words += [encoder.maker for encoder in encoders.values()]
    words += [start.model_dump_json() for start in starts]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def _drawn(rows: SearchRows) -> SearchRows:
    """Return the part of the rows the search's trials see; all of them if they are few."""
    params, frame = rows.params, rows.frame
    if len(frame) <= params.search_rows:
        return rows
    part = frame.iloc[sample(frame, params.search_rows, params.seed)].reset_index(drop=True)
    folds, warnings = split(part, params.folds, params.seed, params.by_time)
    measured, notes = judged(part, measuring(part))
    return replace(rows, frame=part, folds=folds, judged=measured, warnings=[*warnings, *notes])
