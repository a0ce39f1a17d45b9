"""The rows of a search for a model of texts: their folds, and how a candidate fares on them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError, suggest
from vouch.core.progress import Progress, silent
from vouch.metrics.classes import macro_recall, recall_interval
from vouch.models.folds import Fold
from vouch.models.leaderboard import Best
from vouch.models.predictions import score_columns
from vouch.models.proposal import C, Outcome
from vouch.models.strength import filled, judged, measuring, ruled, trains, weigh
from vouch.results.tune import FoldSummary
from vouch.usecases.sentiment import vader
from vouch.usecases.sentiment.candidate import Candidate
from vouch.usecases.sentiment.classes import CLASSES, TARGET
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.features import Columns, Corpus
from vouch.usecases.sentiment.folds import alike, groups_of, of_all_times, split
from vouch.usecases.sentiment.judge import mixed_columns
from vouch.usecases.sentiment.models import Fitted, fit_rows, predict_rows
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.together import Together

METRIC = "macro_recall"
KEPT = ("id", "time", "text", "asset", "confidence", "group", "twin")
GIVEN = ("label", "rule", "truth")
CHECKED = 100  # rows whose VADER scores are computed again
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SearchRows:
    """Rows a search learns from and is measured on.

    Attributes:
        frame: The rows.
        folds: Their folds.
        encoders: Give embeddings, by identity.
        params: Seed and threads.
        trusted: Whether the rows' VADER scores may be used.
        judged: Which of the rows candidates are measured on, shape (rows,).
        warnings: What a reader should know of them.
        names: What the classes are called, class 0 first.
    """

    frame: pd.DataFrame
    folds: list[Fold]
    encoders: Mapping[str, Encoder]
    params: TextTuneParams
    trusted: bool
    judged: NDArray[np.bool_]
    warnings: list[str]
    names: tuple[str, ...] = CLASSES

    @cached_property
    def corpus(self) -> Corpus:
        """The texts and what is counted in them."""
        columns = ["text", *(vader.SCORES if self.trusted else ())]
        return Corpus.of(self.frame[columns], self.encoders)

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """What each row trains with, from 0 on."""
        return self.frame[TARGET].to_numpy(np.int8)

    @cached_property
    def measuring(self) -> NDArray[np.int8]:
        """What each row is measured by, from 0 on."""
        return measuring(self.frame)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Each row's group."""
        return groups_of(self.frame)

    @cached_property
    def connected(self) -> NDArray[np.int64]:
        """Which rows have an author or a near-duplicate in common, or others that do, from 0."""
        return alike(self.frame).connected()

    @cached_property
    def ruled(self) -> NDArray[np.bool_]:
        """Whether each row's label is the rule's."""
        return ruled(self.frame)

    def predict(self, candidate: Candidate) -> list[Floats]:
        """Fit a candidate on each fold and predict its assessed rows; folds run side by side."""
        self._ready(candidate)
        with ThreadPoolExecutor(self.params.threads) as pool:
            return list(pool.map(lambda fold: self._predict(candidate, fold), self.folds))

    def _ready(self, candidate: Candidate) -> None:
        for preparation in candidate.preparations:
            self.corpus.ready(preparation)

    def _predict(self, candidate: Candidate, fold: Fold) -> Floats:
        fitted, columns = self._fit(candidate, fold.train, 1)
        return predict_rows(fitted, self.corpus, fold.assess, columns)

    def _fit(
        self, candidate: Candidate, rows: NDArray[np.int64], threads: int
    ) -> tuple[Fitted | Together, Columns]:
        weights, seed = weigh(self.ruled, candidate.rule_weight), self.params.seed
        # what is stacked was predicted by members that saw no near-duplicate of it either
        groups = self.connected if candidate.algorithm == "stacking" else self.groups
        labels, names = self.labels, self.names
        return fit_rows(candidate, self.corpus, rows, labels, groups, seed, threads, weights, names)

    def outcome(self, scores: Sequence[Floats]) -> Outcome:
        """Return macro-recall of each fold's assessed rows, pooled and in each fold."""
        measured = [self.judged[fold.assess] for fold in self.folds]
        chosen = [each.argmax(axis=1)[rows] for each, rows in zip(scores, measured, strict=True)]
        pairs = zip(self.folds, measured, strict=True)
        labels = [self.measuring[fold.assess[rows]] for fold, rows in pairs]
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
        names = score_columns(len(self.names))
        table[names] = np.concatenate(scores)
        rows = table[self.judged[table["row"]]]
        labels, clusters = self.measuring[rows["row"]], alike(self.frame.iloc[rows["row"]])
        chosen = rows[names].to_numpy().argmax(axis=1)
        interval = recall_interval(labels, chosen, clusters)
        table = table.sort_values("row", ignore_index=True)
        return Best(number, candidate, macro_recall(labels, chosen), interval, table)

    def with_mixed(self, best: Best[Candidate], progress: Progress = silent) -> Best[Candidate]:
        """Add what models of all times predict of the latest rows; without times there is nothing.

        The columns of :func:`.judge.mixed_columns`; null elsewhere.

        Args:
            best: The best candidate.
            progress: Called before each of the two fits, in fits.
        """
        latest = self.folds[-1]
        if latest.start is None:
            return best
        folds = of_all_times(self.frame, latest, self.params.seed)
        scores = []
        try:
            for done, fold in enumerate(folds):
                progress(done, len(folds), "fitting the best on texts of all times, to compare")
                scores.append(self._predict(best.candidate, fold))
        except VouchError:  # too few rows of a class by chance: nothing to set beside
            return best
        names = mixed_columns(len(self.names))
        rows = np.concatenate([fold.assess for fold in folds])
        mixed = pd.DataFrame(np.concatenate(scores), columns=names).assign(row=rows)
        return replace(best, predictions=best.predictions.merge(mixed, on="row", how="left"))

    def refit(self, candidate: Candidate) -> Fitted | Together:
        """Fit a candidate on all rows that may train."""
        self._ready(candidate)
        return self._fit(candidate, np.flatnonzero(trains(self.frame)), self.params.threads)[0]

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

    def describe(self) -> list[FoldSummary]:
        """Return the folds as the leaderboard describes them."""
        return [
            {
                "from": fold.start.isoformat() if fold.start else None,
                "until": fold.until.isoformat() if fold.until else None,
                "train_rows": len(fold.train),
                "rows": len(fold.assess),
                "rows_by_class": np.bincount(
                    self.measuring[fold.assess], minlength=len(self.names)
                ).tolist(),
            }
            for fold in self.folds
        ]


def lay_out(
    train: Path,
    params: TextTuneParams,
    encoders: Mapping[str, Encoder] | None = None,
    names: tuple[str, ...] = CLASSES,
) -> SearchRows:
    """Read gold rows and lay out their folds.

    Args:
        train: Gold training rows.
        params: Of them folds and seed are used here.
        encoders: Give embeddings, by identity.
        names: What the classes are called, class 0 first.

    Raises:
        VouchError: A column is missing, or fewer than two classes have two rows.
    """
    frame = pd.read_parquet(train)
    for name in ("id", "text", *GIVEN):
        if name not in frame:
            raise VouchError(f"{train}: no column {name!r}", suggest(name, frame.columns))
    frame = filled(frame)
    counted = frame[TARGET][trains(frame)].value_counts()
    if (counted >= 2).sum() < 2:
        raise VouchError(
            f"{train}: rows of each class {counted.to_dict()}: too few to learn from",
            "give a longer file, or labels in force (label.use) that tell rows apart",
        )
    folds, warnings = split(frame, params.folds, params.seed, params.by_time)
    trusted = _same_scores(frame)
    if not trusted and all(name in frame for name in vader.SCORES):
        warnings.append("VADER's scores in the rows are not those of their texts: computed again")
    measured, notes = judged(frame, measuring(frame))
    every = [*warnings, *notes]
    return SearchRows(frame, folds, encoders or {}, params, trusted, measured, every, names)


def _same_scores(frame: pd.DataFrame) -> bool:
    """Return whether the rows' VADER scores are those scoring would compute from their texts."""
    if not all(name in frame for name in vader.SCORES):
        return False
    rows = frame.iloc[:: max(len(frame) // CHECKED, 1)]
    scores = vader.scores([str(text) for text in rows["text"].fillna("")])
    return bool(np.array_equal(rows[list(vader.SCORES)].to_numpy(np.float32), scores))
