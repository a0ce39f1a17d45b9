"""What tweets talk about: the words of each class, and topics."""

import re
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from vouch.studies.market.assets import Assets

SAMPLE = 20_000
TOPICS = 6
TOP = 8
WORDS = 60
LEAST = 50
"""Tweets needed to find topics."""
WORD = r"(?u)\b[^\W\d_][\w']{2,}\b"
ELSEWHERE = re.compile("[\u0530-\U0010ffff]")
"""Scripts the word cloud's font does not have."""
NOISE = frozenset(["rt", "amp", "http", "https", "gt", "lt", "user"])


class Topic(TypedDict):
    """A topic: its words, its share of the tweets, and their mean sentiment."""

    words: list[str]
    share: float
    sentiment: float | None


def sample(texts: pd.DataFrame) -> pd.DataFrame:
    """Return at most 20,000 tweets, the same ones each time."""
    return texts if len(texts) <= SAMPLE else texts.sample(SAMPLE, random_state=0).sort_index()


def plain(text: str) -> str:
    """Remove handles and change letters to lower case."""
    return re.sub(r"@\w+", " ", text.lower().replace("’", "'"))


def speaking(
    texts: Sequence[str], classes: Sequence[int], assets: Assets
) -> list[dict[str, float]]:
    """Return the words that are more frequent in each class than in all tweets together.

    Args:
        texts: Cleaned texts.
        classes: Their classes, 0 to 2.
        assets: Their names are left out.

    Returns:
        For each class, word to how many of its tweets have it beyond the usual share, above 0; at
        most 60.
    """
    counted = _counted(texts, assets, binary=True)
    if counted is None:
        return [{}, {}, {}]
    counts, names = counted
    drawable = np.array([not ELSEWHERE.search(name) for name in names])
    labels = np.asarray(classes)
    usual = np.asarray(counts.mean(axis=0)).ravel()
    result = []
    for label in range(3):
        here = np.asarray(counts[labels == label].sum(axis=0)).ravel()
        beyond = np.where(drawable, here - usual * (labels == label).sum(), 0)
        top = [i for i in np.argsort(-beyond, kind="stable")[:WORDS] if beyond[i] > 0]
        result.append({str(names[i]): float(beyond[i]) for i in top})
    return result


def _vectorizer(assets: Assets, *, binary: bool) -> Any:
    from sklearn.feature_extraction.text import (
        ENGLISH_STOP_WORDS,
        CountVectorizer,
        TfidfVectorizer,
    )

    stop = sorted(ENGLISH_STOP_WORDS | NOISE | set(assets.names))
    kind = CountVectorizer if binary else TfidfVectorizer
    options: dict[str, Any] = {"binary": True} if binary else {"sublinear_tf": True}
    return kind(
        token_pattern=WORD,
        stop_words=stop,
        min_df=2,
        max_features=5_000,
        dtype=np.float64,
        **options,
    )


def _counted(texts: Sequence[str], assets: Assets, *, binary: bool) -> tuple[Any, Any] | None:
    """Return words by tweet and the words; None where there are too few to speak of."""
    if len(texts) < LEAST:
        return None
    vectorizer = _vectorizer(assets, binary=binary)
    try:
        counts = vectorizer.fit_transform([plain(text) for text in texts])
    except ValueError:  # no word comes twice
        return None
    return counts, vectorizer.get_feature_names_out()


def topics(texts: Sequence[str], classes: Sequence[int], assets: Assets) -> list[Topic]:
    """Find topics by non-negative matrix factorisation of TF-IDF.

    Returns:
        The largest first: ``words`` (its top ones), ``share`` of the tweets it weighs most in,
        and their mean ``sentiment``, -1 to 1; empty for fewer than 50 tweets.
    """
    from sklearn.decomposition import NMF

    counted = _counted(texts, assets, binary=False)
    if counted is None:
        return []
    weights, names = counted
    labels = np.asarray(classes)
    model = NMF(
        min(TOPICS, weights.shape[1]), init="nndsvda", random_state=0, max_iter=400, tol=1e-3
    )
    # a topic's load counts in units of its words' weights, which no scaling changes
    loads = model.fit_transform(weights) * model.components_.sum(axis=1)
    main = np.where(loads.max(axis=1) > 0, loads.argmax(axis=1), -1)
    result: list[Topic] = [
        {
            "words": [str(names[i]) for i in np.argsort(-part, kind="stable")[:TOP]],
            "share": float((main == n).mean()),
            "sentiment": float((labels[main == n] - 1).mean()) if (main == n).any() else None,
        }
        for n, part in enumerate(model.components_)
    ]
    return sorted(result, key=lambda topic: -topic["share"])
