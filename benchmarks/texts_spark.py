"""Spark's text models beside scikit-learn's on the same words: quality, seconds, memory.

Each model is fitted in a process of its own on one CSV and measured on another, both with the
columns ``text`` and ``label`` (negative, neutral, positive). Memory is the most that the process,
and for Spark its Java beside it, held at once.

Example:
    python -m benchmarks.texts_spark train.csv validation.csv
    python -m benchmarks.texts_spark train.csv validation.csv --only spark_naive_bayes --rows 5000
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from vouch.engine import memory
from vouch.metrics.classes import macro_recall
from vouch.usecases.sentiment import models as sklearn_models
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.space import STARTS as SKLEARN_STARTS
from vouch.usecases.sentiment.spark import models as spark_models
from vouch.usecases.sentiment.spark import session
from vouch.usecases.sentiment.spark.candidate import SparkCandidate
from vouch.usecases.sentiment.spark.space import STARTS

WORDS = Preparation(words="1-2", characters="none", words_min_df=2, vader=False)
SPARK = {
    "spark_logistic_regression": ("logistic_regression", {}),
    "spark_naive_bayes": ("naive_bayes", {}),
    "spark_classifier_dl": ("classifier_dl", {"longest": 1}),
    "spark_lr_without_stop_words": ("logistic_regression", {"stop_words": True}),
    "spark_lr_stemmed": ("logistic_regression", {"stem": True}),
}
SKLEARN = {
    "sklearn_logistic_regression": "logistic_regression",
    "sklearn_naive_bayes": "naive_bayes",
}
SINGLE = 100  # texts predicted one by one
HEADER = (
    f"{'model':30}{'macro-recall':>13}{'fit s':>8}{'predict s':>11}{'one text ms':>13}{'MB':>8}"
)


def read(path: Path, rows: int | None) -> pd.DataFrame:
    """Read texts and labels, 0 to 2."""
    frame = pd.read_csv(path, nrows=rows)[["text", "label"]]
    codes = {name: code for code, name in enumerate(CLASSES)}
    return frame.assign(label=frame["label"].map(codes).astype("int8"))


def fit(name: str, frame: pd.DataFrame):
    """Fit one of the models."""
    if name in SKLEARN:
        algorithm = SKLEARN[name]
        candidate = Candidate(
            algorithm=algorithm, hyperparameters=SKLEARN_STARTS[algorithm], preparation=WORDS
        )
        return sklearn_models.fit(candidate, frame, seed=0, threads=2)
    algorithm, changes = SPARK[name]
    candidate = SparkCandidate(algorithm=algorithm, hyperparameters=STARTS[algorithm], **changes)
    return spark_models.fit(candidate, frame, seed=0)


def measure(name: str, train: Path, test: Path, rows: int | None) -> dict[str, float | str]:
    """Fit a model, and measure it on other texts."""
    learned, other = read(train, rows), read(test, rows)
    if name in SPARK:
        session.running()  # its start is not part of the fit
    began = time.perf_counter()
    fitted = fit(name, learned)
    done = time.perf_counter()
    scores = fitted.predict(other)
    predicted = time.perf_counter()
    processes = [os.getpid(), *([session.driver()] if name in SPARK else [])]
    return {
        "model": name,
        "macro_recall": macro_recall(other["label"], scores.argmax(axis=1)),
        "fit_seconds": done - began,
        "predict_seconds": predicted - done,
        "one_ms": single(fitted, other["text"].head(SINGLE + 1)),
        "peak_mb": sum(memory.peak(process) or 0 for process in processes),
    }


def single(fitted, texts) -> float:
    """Return the median milliseconds of one text; the first, which sets things up, not counted."""
    times = []
    for text in texts:
        began = time.perf_counter()
        fitted.predict_one(text)
        times.append(1e3 * (time.perf_counter() - began))
    return float(np.median(times[1:]))


def apart(name: str, options: argparse.Namespace) -> dict[str, float | str]:
    """Measure a model in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.texts_spark", options.train, options.test]
    words += ["--inside", name, *(["--rows", str(options.rows)] if options.rows else [])]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print a row a model."""
    models = [*SKLEARN, *SPARK]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path, help="CSV to fit on")
    parser.add_argument("test", type=Path, help="CSV to measure on")
    parser.add_argument("--only", nargs="+", choices=models, default=models, metavar="MODEL")
    parser.add_argument("--rows", type=int, help="only the first so many of each file")
    parser.add_argument("--inside", choices=models, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.inside, options.train, options.test, options.rows)))
        return
    print(HEADER, flush=True)
    for name in options.only:
        answer = apart(name, options)
        print(
            f"{name:30}{100 * answer['macro_recall']:13.1f}{answer['fit_seconds']:8.1f}"
            f"{answer['predict_seconds']:11.1f}{answer['one_ms']:13.2f}{answer['peak_mb']:8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
