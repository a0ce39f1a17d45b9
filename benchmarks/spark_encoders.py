"""Spark's text models on a sentence encoder beside scikit-learn's on the same one.

    python -m benchmarks.spark_encoders --train train.csv --val val.csv [--cache embeddings.db]

Needs ``make spark`` and ``make encoders``; the first encoder is used. Each model is fitted in a
process of its own on the first file (columns ``text``, ``label``) and measured on the second one;
printed are macro-recall, the seconds of the fit and of the prediction, and the most memory that
the process, and for Spark its Java beside it, held at once. Embeddings are kept in ``--cache`` and
count for nothing there: before the table stands how many texts a second each engine embedded, of
those that were new. Last come how near the two engines' embeddings are, and how far a whole
pipeline, which embeds the texts itself, is from what the kept embeddings gave.

Choose nothing by a test file: give a part of what you develop on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import encoders
from benchmarks.texts import read
from vouch.engine import encoders as installed
from vouch.engine import memory
from vouch.metrics.classes import macro_recall
from vouch.usecases.sentiment import models as sklearn_models
from vouch.usecases.sentiment.candidate import Candidate
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.spark import models as spark_models
from vouch.usecases.sentiment.spark import session
from vouch.usecases.sentiment.spark.candidate import SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder

CORES = len(os.sched_getaffinity(0))
COMPARED = 500  # texts of which both engines' embeddings are compared
SPARK: dict[str, dict[str, Any]] = {
    "spark: encoder alone": {
        "algorithm": "logistic_regression",
        "hyperparameters": {"C": 0.01},
        "longest": 0,
        "embedding_weight": 1.0,
    },
    "spark: n-grams + encoder": {
        "algorithm": "logistic_regression",
        "hyperparameters": {"C": 0.5},
        "embedding_weight": 0.03,
    },
    "spark: encoder, ClassifierDL": {"algorithm": "classifier_dl", "longest": 0},
    "spark: n-grams + encoder, linear SVM": {
        "algorithm": "linear_svm",
        "hyperparameters": {"C": 0.5},
        "embedding_weight": 0.03,
    },
    "spark: encoder, random forest": {"algorithm": "random_forest", "longest": 0},
}
SKLEARN: dict[str, dict[str, Any]] = {
    "scikit-learn: encoder alone": {
        "algorithm": "logistic_regression",
        "hyperparameters": {"C": 0.01},
        "preparation": {"words": "none", "vader": False, "embedding_weight": 1.0},
    },
    "scikit-learn: n-grams + encoder": {
        "algorithm": "logistic_regression",
        "hyperparameters": {"C": 0.5},
        "preparation": {"words": "1-2", "vader": False, "embedding_weight": 0.03},
    },
}
MODELS = [*SKLEARN, *SPARK]
HEADER = f"{'model':38}{'macro-recall':>13}{'fit, s':>9}{'predict, s':>12}{'peak, MB':>10}"


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Fit a model, and measure it on other texts."""
    train, val = _rows(options)
    kept = _encoder(name in SPARK, options)
    given = {kept.identity: kept}
    kept.embed(["text"])  # its start is not part of the fit
    began = time.perf_counter()
    fitted = _fit(name, train, given)
    done = time.perf_counter()
    scores = fitted.predict(val, given) if name in SPARK else fitted.predict(val)
    processes = [os.getpid(), *([session.driver()] if name in SPARK else [])]
    return {
        "macro_recall": macro_recall(val["label"].to_numpy(), scores.argmax(axis=1)),
        "fit_seconds": done - began,
        "predict_seconds": time.perf_counter() - done,
        "peak_mb": sum(memory.peak(process) or 0 for process in processes if process),
    }


def _rows(options: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    train, val = read(options.train), read(options.val)
    return (train.head(options.rows), val) if options.rows else (train, val)


def _encoder(on_spark: bool, options: argparse.Namespace) -> Encoder:
    place = installed.find(installed.installed()[0])
    return (SparkEncoder if on_spark else Encoder)(place, options.cache, CORES)


def _fit(name: str, train: pd.DataFrame, given: Any) -> Any:
    (identity,) = given
    if name in SPARK:
        content = SPARK[name] | {"encoder": identity}
        candidate = SparkCandidate.model_validate(content)
        return spark_models.fit(candidate, train, 0, encoders=given)
    content = SKLEARN[name]
    preparation = content["preparation"] | {"encoders": (identity,)}
    learned = Candidate.model_validate(content | {"preparation": preparation})
    return sklearn_models.fit(learned, train, 0, CORES, given)


def embed(options: argparse.Namespace) -> None:
    """Embed all texts on both engines, and print how many a second were new and how near."""
    train, val = _rows(options)
    texts = [*train["text"], *val["text"]]
    for on_spark in (False, True):
        encoder = _encoder(on_spark, options)
        encoder.check()
        encoders.embed(encoder, texts, f"{'Spark' if on_spark else 'Python':8}")
    own, other = (_encoder(each, options).embed(texts[:COMPARED]) for each in (False, True))
    near = (own * other).sum(axis=1) / np.linalg.norm(other, axis=1)
    print(
        f"cosine of the two engines' embeddings: {near.min():.4f} at least, "
        f"{np.median(near):.4f} in the median\n",
        flush=True,
    )


def whole(options: argparse.Namespace) -> None:
    """Print how far a pipeline that embeds is from the kept embeddings, and what one text takes."""
    train, val = _rows(options)
    kept = _encoder(True, options)
    fitted = _fit("spark: n-grams + encoder", train.head(2_000), {kept.identity: kept})
    val = val.head(COMPARED)
    apart = np.abs(fitted.predict(val) - fitted.predict(val, {kept.identity: kept})).max()
    times = []
    for text in val["text"].head(12):
        began = time.perf_counter()
        fitted.predict_one(text)
        times.append(1e3 * (time.perf_counter() - began))
    print(f"\na whole pipeline's scores: {apart:.1e} at most from those of kept embeddings")
    print(f"one text: {np.median(times[2:]):.0f} ms in the median")
    with tempfile.TemporaryDirectory() as name:
        spark_models.save(fitted, Path(name))
        size = sum(file.stat().st_size for file in Path(name).rglob("*") if file.is_file())
    print(f"a saved model: {size / 1e6:.0f} MB")


def main() -> None:
    """Embed, then print a row a model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--rows", type=int, help="learn from so many rows only")
    parser.add_argument("--cache", type=Path, help="where embeddings are kept")
    parser.add_argument("--only", nargs="+", choices=MODELS, default=MODELS, metavar="MODEL")
    parser.add_argument("--inside", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.inside, options)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        options.cache = options.cache or Path(scratch) / "embeddings.db"
        embed(options)
        session.close()  # its memory is nobody's from here on
        print(HEADER, flush=True)
        for name in options.only:
            _print(name, _apart(name, options))
        whole(options)


def _apart(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a model in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.spark_encoders", "--train", options.train]
    words += ["--val", options.val, "--cache", options.cache, "--inside", name]
    words += ["--rows", str(options.rows)] if options.rows else []
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _print(name: str, answer: dict[str, Any]) -> None:
    print(
        f"{name:38}{answer['macro_recall']:13.4f}{answer['fit_seconds']:9.1f}"
        f"{answer['predict_seconds']:12.1f}{answer['peak_mb']:10,.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
