"""One text at a time: what a prediction takes beside scikit-learn's own pipeline call.

    python -m benchmarks.texts --train train.csv --test test.csv

fits logistic regression on words, characters and VADER (columns ``text``, ``label``), and prints
macro-recall, the microseconds of one prediction by ``predict_one``, by the batch's ``predict`` and
by scikit-learn's pipeline on the same n-grams, and how far the scores are apart.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from vouch.metrics.classes import macro_recall
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.models import fit

PREPARATION = Preparation(words="1-2", characters="3-5")
CALLS = 500


def read(path: Path) -> pd.DataFrame:
    """Read texts and labels 0 to 2."""
    rows = pd.read_csv(path).dropna(subset="text")
    return rows.assign(label=rows["label"].map(CLASSES.index).astype("int8"))


def microseconds(call: Callable[[str], Any], texts: list[str]) -> float:
    """Return the median time of a call, each text once."""
    times = []
    for text in texts:
        began = time.perf_counter()
        call(text)
        times.append(time.perf_counter() - began)
    return float(np.median(times) * 1e6)


def main() -> None:
    """Fit, predict, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    options = parser.parse_args()
    train, test = read(options.train), read(options.test)
    candidate = Candidate(algorithm="logistic_regression", preparation=PREPARATION)
    ours = fit(candidate, train, 0, 2)
    plain = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True),
        ),
        LogisticRegression(max_iter=300, class_weight="balanced"),
    ).fit(train["text"], train["label"])
    texts = test["text"].tolist()[:CALLS]
    batch = ours.predict(test)
    apart = max(
        np.abs(ours.predict_one(text) - row).max()
        for text, row in zip(texts, batch[:CALLS], strict=True)
    )
    print(f"macro-recall  {macro_recall(test['label'], batch.argmax(axis=1)):.4f}")
    print(
        f"scikit-learn  {macro_recall(test['label'], plain.predict(test['text'])):.4f} (no VADER)"
    )
    print(f"predict_one   {microseconds(ours.predict_one, texts):8.0f} µs a text, median")
    alone = microseconds(lambda text: ours.predict(pd.DataFrame({"text": [text]})), texts)
    print(f"predict       {alone:8.0f} µs a table of one text")
    print(f"pipeline      {microseconds(lambda text: plain.predict_proba([text]), texts):8.0f} µs")
    print(f"scores apart  {apart:.1e} at most")


if __name__ == "__main__":
    main()
