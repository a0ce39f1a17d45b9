"""Features of texts; counts that several candidates use are computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.usecases.sentiment import vader
from vouch.usecases.sentiment.candidate import Preparation, Words
from vouch.usecases.sentiment.cleaning import Cleaning, clean, clean_all, drop
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.ngrams import (
    Counts,
    Weighing,
    count,
    inverse_frequency,
    printable,
    weigh,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

E = TypeVar("E", bound=Encoder)
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
LEXICON = ("vader_neg", "vader_neu", "vader_pos", "vader_compound_pos", "vader_compound_neg")
ENCODERS = "encoders"
"""The folder of a model's encoders, within the model's."""
WIDEST: Words = "1-3"  # words are counted once, so that all lengths share the counts


def texts_of(frame: pd.DataFrame) -> list[str]:
    """Return the texts of a table; a missing one is an empty one.

    Raises:
        VouchError: There is no column ``text``.
    """
    if "text" not in frame.columns:
        raise VouchError(
            f"the table has no column 'text', only {', '.join(map(str, frame.columns))}",
            "give the texts as they came in a column of that name",
        )
    return [str(text) for text in frame["text"].fillna("")]


def spread(scores: NDArray[np.float32]) -> Floats:
    """Split VADER's compound score, so that every feature counts upwards from 0.

    Args:
        scores: As :func:`vouch.usecases.sentiment.vader.scores` gives them, shape (texts, 4).

    Returns:
        In the order of ``LEXICON``, 0 to 1, shape (texts, 5).
    """
    wide = scores.astype(np.float64)
    return np.column_stack([wide[:, :3], np.maximum(wide[:, 3], 0), np.maximum(-wide[:, 3], 0)])


@dataclass(frozen=True)
class Corpus:
    """Texts with what was counted in them, each only once for all candidates.

    Attributes:
        texts: The texts as they came.
        vader_scores: Their VADER scores where known, shape (texts, 4).
        encoders: Give their embeddings, by identity.
    """

    texts: Sequence[str]
    vader_scores: NDArray[np.float32] | None = None
    encoders: Mapping[str, Encoder] = field(default_factory=dict)
    _cache: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: pd.DataFrame, encoders: Mapping[str, Encoder] | None = None) -> "Corpus":
        """Return a table's texts with its VADER scores if it has all four columns."""
        complete = all(name in frame.columns for name in vader.SCORES)
        scores = frame[list(vader.SCORES)].to_numpy(np.float32) if complete else None
        return cls(texts_of(frame), scores, encoders or {})

    def cleaned(self, cleaning: Cleaning) -> list[str]:
        """Return the cleaned texts."""
        if cleaning not in self._cache:
            self._cache[cleaning] = clean_all(self.texts, cleaning)
        return cast(list[str], self._cache[cleaning])

    def counts(self, preparation: Preparation, words: bool) -> Counts:
        """Return the counts of all n-grams of words, or else of characters."""
        extent = WIDEST if words else preparation.characters
        key = preparation.cleaning, extent, words
        if key not in self._cache:
            self._cache[key] = count(self.cleaned(preparation.cleaning), extent, words)
        return cast(Counts, self._cache[key])

    def lexicon(self, without: tuple[str, ...] = ()) -> Floats:
        """Return the features of VADER, which reads all words but those, shape (texts, 5)."""
        key = "lexicon", without
        if key not in self._cache:
            known = None if without else self.vader_scores
            scores = vader.scores(self._read(without)) if known is None else known
            self._cache[key] = spread(scores)
        return cast(Floats, self._cache[key])

    def embeddings(self, encoder: str, without: tuple[str, ...] = ()) -> NDArray[np.float32]:
        """Return the sentence embeddings of all words but those, shape (texts, dimensions)."""
        key = "embeddings", encoder, without
        if key not in self._cache:
            self._cache[key] = needed(self.encoders, encoder).embed(self._read(without))
        return cast(NDArray[np.float32], self._cache[key])

    def _read(self, without: tuple[str, ...]) -> Sequence[str]:
        return [drop(text, without) for text in self.texts] if without else self.texts

    def ready(self, preparation: Preparation) -> None:
        """Count what a preparation needs; threads that come after find it done."""
        for group in preparation.groups:
            if group in ("words", "characters"):
                self.counts(preparation, group == "words")
            else:
                without = preparation.cleaning.without
                if group == "vader":
                    self.lexicon(without)
        for encoder in preparation.encoders:
            self.embeddings(encoder, preparation.cleaning.without)


def needed(encoders: Mapping[str, E], identity: str) -> E:
    """Return an encoder, or raise if there is none of that identity.

    Raises:
        VouchError: There is none.
    """
    if identity not in encoders:
        raise VouchError(
            f"the candidate uses the encoder {identity[:32]}, which is not given",
            "make encoders, or give the folder of an ONNX export in tune's parameter 'embeddings'",
        )
    return encoders[identity]


@dataclass(frozen=True)
class Features:
    """A fitted preparation.

    Attributes:
        preparation: What was asked for.
        weighings: TF-IDF of words and characters, those in use.
        encoders: Give embeddings, where they are in use, by identity.
    """

    preparation: Preparation
    weighings: tuple[Weighing, ...]
    encoders: Mapping[str, Encoder] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What each column means, ``group: n-gram``."""
        columns = []
        for weighing in self.weighings:
            group = "words" if weighing.words else "characters"
            shown = weighing.names if weighing.words else printable(weighing.names)
            columns += [f"{group}: {name}" for name in shown]
        columns += LEXICON if self.preparation.vader else ()
        for encoder in self._used:
            columns += [f"{encoder.name}: {number}" for number in range(encoder.dimensions)]
        return columns

    @property
    def legible(self) -> int:
        """How many columns mean something to people: all but those of embeddings, which follow."""
        own = sum(len(weighing.names) for weighing in self.weighings)
        return own + (len(LEXICON) if self.preparation.vader else 0)

    @property
    def _used(self) -> list[Encoder]:
        return [needed(self.encoders, identity) for identity in self.preparation.encoders]

    def transform(self, corpus: Corpus) -> "csr_array":
        """Return the numbers of all texts of a corpus, shape (texts, columns), float64."""
        cleaned = corpus.cleaned(self.preparation.cleaning)
        return self.stack([w.transform(cleaned) for w in self.weighings], corpus, slice(None))

    def stack(self, parts: list[Any], corpus: Corpus, rows: Any) -> "csr_array":
        """Append VADER's scores and embeddings of the rows to their n-grams."""
        from scipy.sparse import csr_array, hstack

        without = self.preparation.cleaning.without
        if self.preparation.vader:
            parts.append(csr_array(corpus.lexicon(without)[rows]))
        for encoder in self.preparation.encoders:
            parts.append(csr_array(corpus.embeddings(encoder, without)[rows], dtype=np.float64))
        return csr_array(hstack(parts, format="csr"))

    def transform_one(self, text: str) -> tuple[list[int], Floats]:
        """Return the columns of one text that are not 0, and their values."""
        columns: list[int] = []
        values, start = [], 0
        cleaned = clean(text, self.preparation.cleaning)
        for weighing in self.weighings:
            gram_columns, weighed = weighing.transform_one(cleaned)
            columns += [column + start for column in gram_columns]
            values.append(weighed)
            start += len(weighing.names)
        for dense in self._dense(text):
            columns += range(start, start + len(dense))
            values.append(dense)
            start += len(dense)
        return columns, np.concatenate(values)

    def _dense(self, text: str) -> list[Floats]:
        parts, text = [], drop(text, self.preparation.cleaning.without)
        if self.preparation.vader:
            parts.append(spread(vader.scores([text]))[0])
        return parts + [encoder.embed([text])[0].astype(np.float64) for encoder in self._used]


def prepare(
    preparation: Preparation, corpus: Corpus, rows: Rows, labels: NDArray[np.int8]
) -> tuple[Features, "csr_array", "Columns"]:
    """Fit a preparation on some rows of a corpus.

    Args:
        preparation: What to fit.
        corpus: The texts.
        rows: Rows to fit on; no other is looked at.
        labels: Their labels, shape (rows,).

    Returns:
        The fitted preparation, the rows' numbers, and the columns of its n-grams in the corpus.
    """
    kinds = [group == "words" for group in preparation.groups if group in ("words", "characters")]
    counts = [corpus.counts(preparation, words) for words in kinds]
    columns = _select(preparation, kinds, counts, rows, labels)
    weighings, parts = [], []
    for words, counted, chosen in zip(kinds, counts, columns, strict=True):
        matrix = counted.matrix[rows][:, chosen]
        idf, names = inverse_frequency(matrix), tuple(counted.names[chosen])
        extent = preparation.words if words else preparation.characters
        weighings.append(Weighing(extent, words, names, idf))
        parts.append(weigh(matrix, idf))
    encoders = {each: needed(corpus.encoders, each) for each in preparation.encoders}
    features = Features(preparation, tuple(weighings), encoders)
    return features, features.stack(parts, corpus, rows), columns


Columns = list[Any]
"""Of each group of n-grams the columns in use; of two models that answer together one each."""


def other(features: Features, corpus: Corpus, rows: Rows, columns: Columns) -> "csr_array":
    """Return the numbers of other rows of the corpus a preparation was fitted on."""
    parts = []
    for weighing, chosen in zip(features.weighings, columns, strict=True):
        counted = corpus.counts(features.preparation, weighing.words)
        parts.append(weigh(counted.matrix[rows][:, chosen], weighing.idf))
    return features.stack(parts, corpus, rows)


def _select(
    preparation: Preparation,
    kinds: list[bool],
    counts: list[Counts],
    rows: Rows,
    labels: NDArray[np.int8],
) -> Columns:
    """Choose the n-grams by their frequency and, where asked, by chi-squared."""
    chosen = []
    for words, counted in zip(kinds, counts, strict=True):
        min_df = preparation.words_min_df if words else preparation.characters_min_df
        extent = preparation.words if words else preparation.characters
        chosen.append(counted.frequent(rows, min_df, int(extent[-1])))
    sizes = [len(columns) for columns in chosen]
    if preparation.select is None or sum(sizes) <= preparation.select:
        return chosen
    from sklearn.feature_selection import chi2

    scored = [chi2(c.matrix[rows][:, k], labels)[0] for c, k in zip(counts, chosen, strict=True)]
    worth = np.nan_to_num(np.concatenate(scored))
    best = np.zeros(len(worth), bool)
    best[np.argsort(-worth, kind="stable")[: preparation.select]] = True
    return [k[b] for k, b in zip(chosen, np.split(best, np.cumsum(sizes)[:-1]), strict=True)]


def save_encoders(encoders: Mapping[str, Encoder], folder: Path) -> None:
    """Copy the encoders' files into the model's folder, so that it can be used anywhere."""
    for encoder in encoders.values():
        encoder.copy(folder / ENCODERS / encoder.name)
