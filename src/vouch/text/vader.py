"""What VADER's lexicon and rules say of texts.

Source: Hutto and Gilbert, "VADER: A parsimonious rule-based model for sentiment analysis of social
media text", ICWSM 2014. Its compound score runs from -1 to 1; the authors call 0.05 and more
positive, -0.05 and less negative.
"""

from functools import cache
from typing import Any

import ibis
import pyarrow as pa

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def compound(text: str) -> float:
    """Score one text.

    Args:
        text: Any text; one without a known word or emoji scores 0.

    Returns:
        The compound score, -1 to 1.
    """
    return float(_analyzer().polarity_scores(text)["compound"])


def classify(text: Any, threshold: float) -> Any:
    """Class texts by their compound score.

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
    return pa.array([_class(each, limit) for each, limit in pairs], pa.int8())


def _class(text: str, threshold: float) -> int:
    score = compound(text)
    if score >= threshold:
        return POSITIVE
    return NEGATIVE if score <= -threshold else NEUTRAL
