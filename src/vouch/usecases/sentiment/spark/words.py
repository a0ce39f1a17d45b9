"""The n-grams that speak most strongly for each class, of Spark's models."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.usecases.sentiment import words
from vouch.usecases.sentiment.ngrams import analyzer
from vouch.usecases.sentiment.spark.candidate import LINEAR
from vouch.usecases.sentiment.spark.models import SparkFitted

COMMON = 1_000  # words a model without weights of words is asked about
Floats = NDArray[np.float64]


def export(fitted: SparkFitted, texts: Iterable[str], folder: Path, facts: dict[str, Any]) -> None:
    """Write ``words.json`` and ``words.svg``, as :func:`vouch.usecases.sentiment.words.export`.

    Args:
        fitted: The model.
        texts: The texts it was fitted on.
        folder: Where to; made if it is not there.
        facts: Further fields of the JSON, such as the measure reached.
    """
    linear = fitted.candidate.algorithm in LINEAR and fitted.candidate.ngrams
    features = _weights(fitted) if linear else _answers(fitted, texts)
    words.write(fitted.candidate.algorithm, features, folder, facts)


def _weights(fitted: SparkFitted) -> words.Weights:
    """Rank n-grams by their weight for a class, less the mean over the classes."""
    weighed = fitted.weighed
    return _rank(list(weighed.place), weighed.linear.weights, fitted)


def _answers(fitted: SparkFitted, texts: Iterable[str]) -> words.Weights:
    """Rank common words by the model's log probabilities for a text of that word alone."""
    taken_apart = analyzer("1-1", words=True)
    counted = Counter(word for text in texts for word in set(taken_apart(text)))
    names = [word for word, _ in counted.most_common(COMMON)]
    scores = fitted.predict(pd.DataFrame({"text": names}))[:, list(fitted.classes)]
    return _rank(names, np.log(np.maximum(scores, 1e-7)), fitted)


def _rank(names: list[str], weights: Floats, fitted: SparkFitted) -> words.Weights:
    above = weights - weights.mean(axis=1, keepdims=True)
    shown = [f"words: {name}" for name in names]
    return {
        fitted.names[label]: words.top(shown, above[:, column])
        for column, label in enumerate(fitted.classes)
    }
