"""Two models that answer together: soft voting and stacking, as algorithms of their own.

On disk each member is a model's folder in ``members``; beside them are ``candidate.json`` and, of a
stacked model, ``weights.npy``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.metrics.clusters import coded
from vouch.usecases.sentiment import models
from vouch.usecases.sentiment.candidate import Candidate
from vouch.usecases.sentiment.classes import CLASSES, spread
from vouch.usecases.sentiment.combining import follow, stack, vote
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.features import Columns, Corpus
from vouch.usecases.sentiment.folds import deal
from vouch.usecases.sentiment.learners import Linear
from vouch.usecases.sentiment.models import Fitted, Floats, Rows

INNER = 3
"""Folds in which a stacked model's members predict what they have not learned from."""
WEIGHTS = "weights.npy"


@dataclass(frozen=True)
class Together:
    """Two models with one answer.

    Attributes:
        candidate: What was fitted.
        members: The models; the first decides what is shown of words.
        combiner: Of a stacked model, a linear model of the members' log probabilities.
        classes: The labels it was fitted on, ascending; others get the probability 0.
        shares: How common each class was by weight, summing to 1.
        threads: Threads used on many rows.
        names: What the classes are called, class 0 first.
    """

    candidate: Candidate
    members: tuple[Fitted, ...]
    combiner: Linear | None
    classes: tuple[int, ...]
    shares: tuple[float, ...]
    threads: int = 1
    names: tuple[str, ...] = CLASSES

    @property
    def lead(self) -> Fitted:
        """The member that decides what is shown of words."""
        return self.members[0]

    @property
    def encoders(self) -> Mapping[str, Encoder]:
        """The encoders its members read embeddings of, by identity."""
        return {key: each for member in self.members for key, each in member.encoders.items()}

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Return the probabilities of the classes; see :meth:`.models.Fitted.predict`."""
        blocks = [
            self._predict(frame.iloc[start : start + models.BLOCK])
            for start in range(0, len(frame), models.BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.names)))

    def _predict(self, frame: pd.DataFrame) -> Floats:
        corpus = Corpus.of(frame, self.encoders)
        numbers = [member.features.transform(corpus) for member in self.members]
        pairs = zip(self.members, numbers, strict=True)
        return self.combine([member.of_numbers(each) for member, each in pairs])

    def predict_one(self, text: str) -> Floats:
        """Return the probabilities of one text; see :meth:`.models.Fitted.predict_one`."""
        if self.encoders:  # a batch embeds it once for both
            return self.predict(pd.DataFrame({"text": [text]}))[0]
        return self.combine([member.predict_one(text)[None] for member in self.members])[0]

    def combine(self, likely: list[Floats]) -> Floats:
        """Return one answer of the members', shape (rows, classes)."""
        seen = [each[:, list(self.classes)] for each in likely]
        if self.combiner is None:
            combined = vote(seen, float(self.candidate.setting("share", 0.5) or 0))
        else:
            combined = follow(self.combiner, seen)
        return spread(combined, self.classes, len(self.names))


def fit_rows(
    candidate: Candidate,
    corpus: Corpus,
    rows: Rows,
    labels: NDArray[np.int8],
    groups: Rows,
    seed: int,
    threads: int,
    weights: Floats | None,
    names: tuple[str, ...],
) -> tuple[Together, Columns]:
    """Fit both members and, where asked, what follows them; see :func:`.models.fit_rows`."""

    def fitted(part: Rows) -> Iterator[tuple[Fitted, Columns]]:
        for member in candidate.members:
            alone, columns = models.fit_rows(
                member, corpus, part, labels, groups, seed, threads, weights, names
            )
            assert isinstance(alone, Fitted)
            yield alone, columns

    stacked = candidate.algorithm == "stacking"
    split = inner_folds(rows, labels, groups, names) if stacked else []
    pairs = list(fitted(rows))
    first, combiner = pairs[0][0], None
    if stacked:
        inner = [
            (assess, [models.predict_rows(m, corpus, assess, c) for m, c in fitted(train)])
            for train, assess in split
        ]
        assessed = np.concatenate([assess for assess, _ in inner])
        likely = [np.concatenate(each) for each in zip(*(each for _, each in inner), strict=True)]
        weighed = np.ones(len(labels)) if weights is None else weights
        combiner = _combiner(candidate, first.classes, likely, labels[assessed], weighed[assessed])
    members = tuple(member for member, _ in pairs)
    together = Together(candidate, members, combiner, first.classes, first.shares, threads, names)
    return together, [columns for _, columns in pairs]


def inner_folds(
    rows: Rows, labels: NDArray[np.int8], groups: Rows, names: tuple[str, ...]
) -> list[tuple[Rows, Rows]]:
    """Split rows, groups whole, into those members learn from and those they then predict.

    Args:
        rows: The rows, each predicted once.
        labels: Labels of all texts of the corpus, from 0 on.
        groups: Groups of all texts of the corpus.
        names: What the classes are called, class 0 first.

    Raises:
        VouchError: Rows of a class stand in too few groups: a part would not learn it.
    """
    own = labels[rows]
    part = deal(coded(groups[rows]), own, INNER, 0)
    split = [(rows[part != number], rows[part == number]) for number in range(INNER)]
    for label in np.unique(own):
        if not all((labels[train] == label).any() for train, _ in split):
            raise VouchError(
                f"stacking: {names[label]} stands in too few groups of rows that belong together: "
                f"of {INNER} parts one would learn without it",
                "give more rows of it, or leave stacking out of tune's algorithms",
            )
    return [(train, assess) for train, assess in split if len(assess)]


def _combiner(
    candidate: Candidate,
    classes: tuple[int, ...],
    likely: list[Floats],
    labels: NDArray[np.int8],
    weights: Floats,
) -> Linear:
    codes = np.searchsorted(classes, labels)
    if candidate.imbalance == "weights":
        counted = np.bincount(codes, weights, len(classes))
        weights = weights * (len(codes) / len(classes) / counted)[codes]
    return stack(candidate, [each[:, list(classes)] for each in likely], codes, weights)


def predict_rows(fitted: Together, corpus: Corpus, rows: Rows, columns: Columns) -> Floats:
    """Predict other rows of the corpus; see :func:`.models.predict_rows`."""
    pairs = zip(fitted.members, columns, strict=True)
    return fitted.combine([models.predict_rows(m, corpus, rows, c) for m, c in pairs])


def write(fitted: Together, folder: Path) -> None:
    """Write what a model learned; its encoders and its own description are the caller's."""
    for number, member in enumerate(fitted.members):
        place = folder / models.MEMBERS / str(number)
        place.mkdir(parents=True, exist_ok=True)
        models.write(member, place)
        models.describe(member, place)
    if fitted.combiner is not None:
        (folder / WEIGHTS).write_bytes(models.packed(fitted.combiner))


def load(folder: Path, candidate: Candidate, threads: int, cache: Path | None) -> Together:
    """Read a model whose description was read; see :func:`.models.load`.

    Raises:
        VouchError: A member is missing or damaged, or is not the one that was described.
    """
    places = [folder / models.MEMBERS / str(number) for number in range(len(candidate.members))]
    members = tuple(models.load(place, threads, cache) for place in places)
    for place, member, wanted in zip(places, members, candidate.members, strict=True):
        if not isinstance(member, Fitted) or member.candidate != wanted:
            raise VouchError(f"{place}: another model's", "run tune again")
    alone = tuple(member for member in members if isinstance(member, Fitted))
    first, stacked = alone[0], candidate.algorithm == "stacking"
    combiner = models.unpacked(folder / WEIGHTS) if stacked else None
    return Together(candidate, alone, combiner, first.classes, first.shares, threads, first.names)
