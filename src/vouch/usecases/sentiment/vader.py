"""VADER's scores of texts, by its lexicon and rules.

Source: Hutto and Gilbert, "VADER: A parsimonious rule-based model for sentiment analysis of social
media text", ICWSM 2014. It reads a text as it came: capitals, punctuation and emoji count. Its
compound score runs from -1 to 1; the authors call 0.05 and more positive, -0.05 and less negative.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ibis import Table
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    from vouch.sources.declaration import Rule

SCORES = ("vader_neg", "vader_neu", "vader_pos", "vader_compound")
NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
LONGEST = 2_000  # characters read: the time it takes grows with the square of the words


@cache
def _analyzer() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def scores(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return VADER's four scores of each text.

    Args:
        texts: Texts as they came, not cleaned; of each the first 2,000 characters are read.

    Returns:
        Shape (texts, 4), in the order of ``SCORES``: shares of negative, neutral and positive
        words, 0 to 1 (all 0 for an empty text), and the compound score, -1 to 1.
    """
    table = np.zeros((len(texts), 4), dtype=np.float32)
    for row, text in enumerate(texts):
        table[row] = score(text)
    return table


def score(text: str) -> tuple[float, float, float, float]:
    """Return VADER's four scores of one text, see :func:`scores`."""
    polarity = _analyzer().polarity_scores(text[:LONGEST])
    return polarity["neg"], polarity["neu"], polarity["pos"], polarity["compound"]


def lexicon() -> dict[str, float]:
    """Return the valence, -4 to 4, of each word, emoticon and emoji that VADER knows."""
    words: dict[str, float] = _analyzer().lexicon
    return words


def apply(rows: "Table", rule: "Rule", numbers: Sequence[int]) -> "Table":
    """Add ``flagged``, the lexicon's class of each row.

    Args:
        rows: Silver rows with ``text``.
        rule: The declared rule; its threshold counts.
        numbers: The numbers that negative, neutral and positive have among the source's classes.
    """
    mood = classify(rows.text, rule.threshold)
    if list(numbers) == [NEGATIVE, NEUTRAL, POSITIVE]:
        return rows.mutate(flagged=mood)
    return rows.mutate(flagged=mood.cases(*enumerate(numbers)).cast("int8"))


def classify(text: Any, threshold: float) -> Any:
    """Classify texts by their compound score.

    Args:
        text: A string expression.
        threshold: The score, above 0, from which a text is positive; negative from its opposite.

    Returns:
        An int8 expression: 0 negative, 1 neutral, 2 positive; a missing text is neutral.
    """
    return _classes(text, ibis.literal(threshold, "float64")).fill_null(NEUTRAL)


@ibis.udf.scalar.pyarrow(signature=(("string", "float64"), "int8"), name="vader_class")
def _classes(text, threshold):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    limits = threshold.to_pylist()
    pairs = zip(text.to_pylist(), limits, strict=True)
    return pa.array([_class(score(each)[3], limit) for each, limit in pairs], pa.int8())


def _class(compound: float, threshold: float) -> int:
    if compound >= threshold:
        return POSITIVE
    return NEGATIVE if compound <= -threshold else NEUTRAL
