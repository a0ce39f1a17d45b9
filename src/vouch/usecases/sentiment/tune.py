"""The search for a model of texts: its rows, measures, predictions and the fitted best."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError, suggest
from vouch.core.files import read_json, sha256
from vouch.metrics.classes import bootstrap_interval, macro_recall
from vouch.models.folds import Fold
from vouch.models.leaderboard import Best
from vouch.models.proposal import C, Outcome
from vouch.models.search import Record
from vouch.models.space import RULE_WEIGHT
from vouch.models.strength import judged, mixed, ruled, weigh
from vouch.usecases.sentiment import vader
from vouch.usecases.sentiment.candidate import Candidate
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.features import Columns, Corpus
from vouch.usecases.sentiment.folds import groups_of, sample, split
from vouch.usecases.sentiment.models import CLASSES, TARGET, Fitted, fit_rows, predict_rows, save
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.space import SPACE, STARTS, TextSpace
from vouch.usecases.sentiment.words import export

if TYPE_CHECKING:
    from vouch.usecases.sentiment.spark.tune import SparkSearchData

METRIC = "macro_recall"
KEPT = ("id", "time", "text", "asset", "confidence", "group", "twin")
GIVEN = ("label", "rule", "truth")
CHECKED = 100  # rows whose VADER scores are computed again
Floats = NDArray[np.float64]


FoldDescription = TypedDict(
    "FoldDescription",
    {
        "from": str | None,
        "until": str | None,
        "train_rows": int,
        "rows": int,
        "rows_by_class": list[int],
    },
)
"""A fold's times and counts in the leaderboard."""


@dataclass(frozen=True)
class SearchRows:
    """Rows a search learns from and is measured on.

    Attributes:
        frame: The rows.
        folds: Their folds.
        encoder: Gives embeddings; None if there are none.
        params: Seed and threads.
        trusted: Whether the rows' VADER scores may be used.
        judged: Which of the rows candidates are measured on, shape (rows,).
        warnings: What a reader should know of them.
    """

    frame: pd.DataFrame
    folds: list[Fold]
    encoder: Encoder | None
    params: TextTuneParams
    trusted: bool
    judged: NDArray[np.bool_]
    warnings: list[str]

    @cached_property
    def corpus(self) -> Corpus:
        """The texts and what is counted in them."""
        columns = ["text", *(vader.SCORES if self.trusted else ())]
        return Corpus.of(self.frame[columns], self.encoder)

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """Each row's label, 0 to 2."""
        return self.frame[TARGET].to_numpy(np.int8)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Each row's group."""
        return groups_of(self.frame)

    @cached_property
    def ruled(self) -> NDArray[np.bool_]:
        """Whether each row's label is the rule's."""
        return ruled(self.frame)

    def predict(self, candidate: Candidate) -> list[Floats]:
        """Fit a candidate on each fold and predict its assessed rows; folds run side by side."""
        self.corpus.ready(candidate.preparation)
        with ThreadPoolExecutor(self.params.threads) as pool:
            return list(pool.map(lambda fold: self._predict(candidate, fold), self.folds))

    def _predict(self, candidate: Candidate, fold: Fold) -> Floats:
        fitted, columns = self._fit(candidate, fold.train, 1)
        return predict_rows(fitted, self.corpus, fold.assess, columns)

    def _fit(
        self, candidate: Candidate, rows: NDArray[np.int64], threads: int
    ) -> tuple[Fitted, Columns]:
        weights, seed = weigh(self.ruled, candidate.rule_weight), self.params.seed
        return fit_rows(
            candidate, self.corpus, rows, self.labels, self.groups, seed, threads, weights
        )

    def assess(self, candidate: Candidate) -> Outcome:
        """Measure a candidate out of fold: macro-recall, pooled and in each fold."""
        return self.outcome(self.predict(candidate))

    def outcome(self, scores: Sequence[Floats]) -> Outcome:
        """Return macro-recall of each fold's assessed rows, pooled and in each fold."""
        measured = [self.judged[fold.assess] for fold in self.folds]
        chosen = [each.argmax(axis=1)[rows] for each, rows in zip(scores, measured, strict=True)]
        pairs = zip(self.folds, measured, strict=True)
        labels = [self.labels[fold.assess[rows]] for fold, rows in pairs]
        each = [
            macro_recall(*pair) if len(pair[0]) else None
            for pair in zip(labels, chosen, strict=True)
        ]
        return Outcome(macro_recall(np.concatenate(labels), np.concatenate(chosen)), each)

    def measured(self, candidate: C, number: int, scores: Sequence[Floats]) -> Best[C]:
        """Return a candidate's macro-recall with an interval, and keep what it predicted.

        Args:
            candidate: The candidate.
            number: Its trial's number.
            scores: What it gave each fold's assessed rows.
        """
        table = pd.DataFrame(
            {
                "row": np.concatenate([fold.assess for fold in self.folds]),
                "fold": np.repeat(np.arange(len(self.folds)), [len(s) for s in scores]),
            }
        )
        names = [f"score_{label}" for label in range(len(CLASSES))]
        table[names] = np.concatenate(scores)
        rows = table[self.judged[table["row"]]]
        labels, groups = self.labels[rows["row"]], self.groups[rows["row"]]
        chosen = rows[names].to_numpy().argmax(axis=1)
        interval = bootstrap_interval(labels, chosen, groups, self.params.seed)
        table = table.sort_values("row", ignore_index=True)
        return Best(number, candidate, macro_recall(labels, chosen), interval, table)

    def refit(self, candidate: Candidate) -> Fitted:
        """Fit a candidate on all rows."""
        self.corpus.ready(candidate.preparation)
        return self._fit(candidate, np.arange(len(self.frame)), self.params.threads)[0]

    def write_predictions(self, predictions: pd.DataFrame, path: Path) -> None:
        """Write out-of-fold scores beside what is known of their rows.

        Args:
            predictions: Columns row, fold and scores.
            path: Written: Parquet.
        """
        rows = self.frame.iloc[predictions["row"].to_numpy()].reset_index(drop=True)
        before = rows[[name for name in KEPT if name in rows]]
        scores = predictions.drop(columns="row").astype({"fold": np.int8})
        pd.concat([before, scores, rows[list(GIVEN)]], axis=1).to_parquet(path, index=False)

    def describe(self) -> list[FoldDescription]:
        """Return the folds as the leaderboard describes them."""
        return [
            {
                "from": fold.start.isoformat() if fold.start else None,
                "until": fold.until.isoformat() if fold.until else None,
                "train_rows": len(fold.train),
                "rows": len(fold.assess),
                "rows_by_class": np.bincount(
                    self.labels[fold.assess], minlength=len(CLASSES)
                ).tolist(),
            }
            for fold in self.folds
        ]


@dataclass(frozen=True)
class SearchData:
    """Texts that a search uses; see :class:`vouch.models.search_data.SearchData`.

    Attributes:
        whole: All training rows.
        drawn: The part of them that the search's trials see; all if they are few.
        search: Budget, samplers and algorithms.
        fingerprint: A digest of data, parameters, encoder and choices.
    """

    whole: SearchRows
    drawn: SearchRows
    search: TextTuneParams
    fingerprint: str
    metric: str = METRIC

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters as logged to MLflow."""
        return self.search.model_dump(mode="json")

    @property
    def space(self) -> TextSpace:
        """Learners, their hyperparameters and the preparation."""
        embedded = self.whole.encoder is not None
        return TextSpace(self.search.cleaning, embedded, mixed(self.whole.frame))

    def assess(self, candidate: Candidate) -> Outcome:
        """Measure a candidate on the rows drawn."""
        return self.drawn.assess(candidate)

    def finals(
        self, records: Sequence[Record[Candidate]], leaders: Mapping[str, int]
    ) -> tuple[dict[str, Best[Candidate]], Best[Candidate]]:
        """Measure the best of each algorithm with an interval, the finalists on all rows."""
        order = sorted(leaders, key=lambda name: -(records[leaders[name]].value or 0.0))
        bests = {}
        for place, name in enumerate(order):
            rows = self.whole if place < self.search.finalists else self.drawn
            candidate = records[leaders[name]].candidate
            bests[name] = rows.measured(candidate, leaders[name], rows.predict(candidate))
        finalists = [bests[name] for name in order[: self.search.finalists]]
        return bests, max(finalists, key=lambda best: round(best.value, 6))

    def describe(
        self, board: dict[str, Any], records: Sequence[Record[Candidate]]
    ) -> dict[str, Any]:
        """Return the leaderboard with its folds and warnings."""
        warnings = [*self.whole.warnings, *self._sampled()]
        return board | {"folds": self.whole.describe(), "warnings": warnings}

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
    ) -> None:
        """Fit the best candidate on all rows; write it, and the n-grams that speak for a class."""
        fitted = self.whole.refit(best.candidate)
        save(fitted, model)
        export(fitted, picture, {METRIC: best.value, "interval": list(best.interval)})


@contextmanager
def search_data(
    train: Path, extracted: Path, params: TextTuneParams, state: Path
) -> "Iterator[SearchData | SparkSearchData]":
    """Yield the rows of a search, on Spark where the features were extracted there.

    See :meth:`vouch.usecases.contract.UseCase.search_data`.
    """
    check_classes(extracted)
    if read_json(extracted).get("engine") == "spark":
        from vouch.usecases.sentiment.spark.tune import search_data as on_spark

        with on_spark(train, params, state) as data:
            yield data
        return
    whole = lay_out(train, params, _encoder(params, state))
    yield SearchData(whole, _drawn(whole), params, _fingerprint(train, params, whole.encoder))


def check_classes(extracted: Path) -> None:
    """Check that the rows are of the three classes.

    Raises:
        VouchError: They are not; names the file.
    """
    classes = read_json(extracted).get("classes")
    if classes != list(CLASSES):
        raise VouchError(
            f"{extracted}: classes are {classes!r}, not {', '.join(CLASSES)}",
            "run extract on a source with these three labels",
        )


def _encoder(params: TextTuneParams, state: Path) -> Encoder | None:
    if params.embeddings is None:
        return None
    return Encoder(params.embeddings, state / "embeddings.db", params.threads)


def lay_out(train: Path, params: TextTuneParams, encoder: Encoder | None = None) -> SearchRows:
    """Read gold rows and lay out their folds.

    Args:
        train: Gold training rows.
        params: Of them folds and seed are used here.
        encoder: Gives embeddings.

    Raises:
        VouchError: A column is missing, or fewer than two classes have two rows.
    """
    frame = pd.read_parquet(train)
    for name in ("id", "text", *GIVEN):
        if name not in frame:
            raise VouchError(f"{train}: no column {name!r}", suggest(name, frame.columns))
    counted = frame[TARGET].value_counts()
    if (counted >= 2).sum() < 2:
        raise VouchError(
            f"{train}: rows of each class {counted.to_dict()}: too few to learn from",
            "give a longer file, or labels in force (label.use) that tell rows apart",
        )
    folds, warnings = split(frame, params.folds, params.seed, params.by_time)
    trusted = _same_scores(frame)
    if not trusted and all(name in frame for name in vader.SCORES):
        warnings.append("VADER's scores in the rows are not those of their texts: computed again")
    measured, notes = judged(frame, frame[TARGET].to_numpy(np.int8))
    return SearchRows(frame, folds, encoder, params, trusted, measured, [*warnings, *notes])


def _same_scores(frame: pd.DataFrame) -> bool:
    """Return whether the rows' VADER scores are those scoring would compute from their texts."""
    if not all(name in frame for name in vader.SCORES):
        return False
    rows = frame.iloc[:: max(len(frame) // CHECKED, 1)]
    scores = vader.scores([str(text) for text in rows["text"].fillna("")])
    return bool(np.array_equal(rows[list(vader.SCORES)].to_numpy(np.float32), scores))


def _fingerprint(train: Path, params: TextTuneParams, encoder: Encoder | None) -> str:
    """Return a digest of a search's data, parameters and choices; threads change nothing."""
    settings = params.model_dump_json(exclude={"threads", "embeddings"})
    embedded = encoder.digest if encoder else ""
    words = [sha256(train), settings, embedded, repr(SPACE), repr(STARTS), repr(RULE_WEIGHT)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def _drawn(rows: SearchRows) -> SearchRows:
    """Return the part of the rows the search's trials see; all of them if they are few."""
    params, frame = rows.params, rows.frame
    if len(frame) <= params.search_rows:
        return rows
    part = frame.iloc[sample(frame, params.search_rows, params.seed)].reset_index(drop=True)
    folds, warnings = split(part, params.folds, params.seed, params.by_time)
    measured, notes = judged(part, part[TARGET].to_numpy(np.int8))
    all_warnings = [*warnings, *notes]
    return SearchRows(part, folds, rows.encoder, params, rows.trusted, measured, all_warnings)
