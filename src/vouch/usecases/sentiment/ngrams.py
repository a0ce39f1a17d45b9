"""Counting n-grams of words and characters, and weighing them by TF-IDF."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouch.models.tokens import TOKEN
from vouch.usecases.sentiment.candidate import Characters, Words

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Analyzer = Callable[[str], list[str]]
Floats = NDArray[np.float64]


@cache
def analyzer(extent: Words | Characters, words: bool) -> Analyzer:
    """Return the function that takes a cleaned text apart, scikit-learn's own.

    Args:
        extent: Shortest and longest n-gram, such as ``1-2``.
        words: N-grams of words, else of characters within words (``char_wb``).

    Returns:
        A function from a text to its n-grams, in lower case, repeats included.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    low, high = map(int, extent.split("-"))
    kind = {"tokenizer": TOKEN.findall, "token_pattern": None} if words else {"analyzer": "char_wb"}
    vectorizer = CountVectorizer(ngram_range=(low, high), **kind)
    analyze: Analyzer = vectorizer.build_analyzer()
    return analyze


class Counts(NamedTuple):
    """How often every n-gram occurs in every text.

    Attributes:
        matrix: Counts, float64, shape (texts, n-grams).
        names: The n-grams, in their order.
        lengths: Words or characters of each n-gram, shape (n-grams,).
    """

    matrix: "csr_array"
    names: NDArray[np.object_]
    lengths: NDArray[np.int64]

    def frequent(self, rows: NDArray[np.int64], min_df: int, longest: int) -> NDArray[np.int64]:
        """Choose n-grams that occur in at least ``min_df`` of the rows and are not too long."""
        chosen = self.matrix[rows]
        frequency = np.bincount(chosen.indices, minlength=len(self.names))
        return np.flatnonzero((frequency >= min_df) & (self.lengths <= longest))


def count(texts: Sequence[str], extent: Words | Characters, words: bool) -> Counts:
    """Count all n-grams of all texts.

    Args:
        texts: Cleaned texts.
        extent: As for :func:`analyzer`.
        words: As for :func:`analyzer`.
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=analyzer(extent, words), dtype=np.float64)
    try:
        matrix = csr_array(vectorizer.fit_transform(texts))
    except ValueError:  # not one n-gram: all texts are empty
        return Counts(csr_array((len(texts), 0)), np.empty(0, object), np.empty(0, np.int64))
    names = vectorizer.get_feature_names_out()
    lengths = [name.count(" ") + 1 if words else len(name) for name in names]
    return Counts(matrix, names, np.array(lengths, np.int64))


@dataclass(frozen=True)
class Weighing:
    """TF-IDF of one group of n-grams: logarithmic counts, smooth idf, rows of length 1.

    As scikit-learn's ``TfidfTransformer(sublinear_tf=True)``.

    Attributes:
        extent: Shortest and longest n-gram.
        words: N-grams of words, else of characters.
        names: The n-grams, in the order of the columns.
        idf: Inverse document frequency of each, 1 or more, shape (n-grams,).
    """

    extent: Words | Characters
    words: bool
    names: tuple[str, ...]
    idf: Floats

    @cached_property
    def index(self) -> dict[str, int]:
        """The column of each n-gram."""
        return {name: column for column, name in enumerate(self.names)}

    def transform(self, texts: Sequence[str]) -> "csr_array":
        """Weigh cleaned texts: float64, shape (texts, n-grams)."""
        from scipy.sparse import csr_array
        from sklearn.feature_extraction.text import CountVectorizer

        if not self.names:
            return csr_array((len(texts), 0))
        parts = analyzer(self.extent, self.words)
        vectorizer = CountVectorizer(analyzer=parts, vocabulary=self.index, dtype=np.float64)
        return weigh(csr_array(vectorizer.transform(texts)), self.idf)

    def transform_one(self, text: str) -> tuple[list[int], Floats]:
        """Weigh one cleaned text: columns and their values, as ``transform`` without its cost."""
        counts: dict[int, int] = {}
        column = self.index.get
        for gram in analyzer(self.extent, self.words)(text):
            if (at := column(gram)) is not None:
                counts[at] = counts.get(at, 0) + 1
        columns = list(counts)
        values = (1.0 + np.log(np.array(list(counts.values()), np.float64))) * self.idf[columns]
        return columns, values / (np.sqrt(values @ values) or 1.0)


def weigh(counts: Any, idf: Floats) -> "csr_array":
    """Weigh counts in place: shape (texts, n-grams)."""
    from scipy.sparse import csr_array
    from sklearn.preprocessing import normalize

    if not counts.shape[1]:  # scikit-learn's normalize refuses it
        return csr_array(counts.shape)
    counts.data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    return csr_array(normalize(counts, copy=False))


def inverse_frequency(counts: "csr_array") -> Floats:
    """Return the smooth inverse document frequency of each column, as scikit-learn does."""
    texts, ngrams = counts.shape
    frequency = np.bincount(counts.indices, minlength=ngrams)
    return np.log((1.0 + texts) / (1.0 + frequency)) + 1.0


def printable(names: Iterable[str]) -> list[str]:
    """Make n-grams of characters readable: their blanks, which mark a word's edge, as ``␣``."""
    return [name.replace(" ", "␣") for name in names]
