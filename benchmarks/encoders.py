"""What sentence encoders add to models of texts, and what they cost.

    python -m benchmarks.encoders --train train.csv --val val.csv [--cache embeddings.db]
        [--model FOLDER]

Needs ``make encoders``. For each set of features a balanced model is fitted on the first file
(columns ``text``, ``label``) and measured on the second one; printed are macro-recall, the seconds
of the fit, and the process's peak memory so far. Before it: how many texts a second each encoder
embeds, one a call, side by side on all cores; with ``--cache`` embeddings are kept, and texts that
are there already count for nothing. ``--model`` names a model that a search chose: the last row is
of the same choices, fitted anew, for which the second file is no holdout. After it: the median and
the 95th percentile of one prediction, and how far its scores are from the batch's.

Choose nothing by a test file: give a part of what you develop on.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.texts import read
from vouch.core.files import read_json
from vouch.engine import encoders as installed
from vouch.metrics.classes import macro_recall
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.models import fit
from vouch.usecases.sentiment.space import C_WITH_EMBEDDINGS, EMBEDDING_START

CORES = len(os.sched_getaffinity(0))
CALLS = 300
ALONE: dict[str, Any] = {"words": "none", "vader": False, "embedding_weight": 1.0}
BESIDE: dict[str, Any] = {"characters": "3-5", "embedding_weight": EMBEDDING_START}


def candidates(names: list[str]) -> Iterator[tuple[str, Candidate]]:
    """Yield the models to compare, the present default without encoders first."""
    ngrams = Preparation(characters="3-5")
    yield "n-grams + VADER, linear SVM", _model("linear_svm", 0.1, ngrams)
    yield "n-grams + VADER", _model("logistic_regression", 1.0, ngrams)
    sets = [[name] for name in names] + ([names] if len(names) > 1 else [])
    for used in sets:
        label = " + ".join(name.partition("@")[0] for name in used)
        alone = Preparation(encoders=tuple(used), **ALONE)
        yield f"{label} alone", _model("logistic_regression", 0.01, alone)
    for used in (names[:1], names) if len(names) > 1 else (names,):
        label = " + ".join(name.partition("@")[0] for name in used)
        beside = Preparation(encoders=tuple(used), **BESIDE)
        learned = _model("logistic_regression", C_WITH_EMBEDDINGS, beside)
        yield f"n-grams + VADER + {label}", learned
        yield f"n-grams + VADER + {label}, linear SVM", _model("linear_svm", 0.1, beside)


def _model(algorithm: str, c: float, preparation: Preparation) -> Candidate:
    content = {"algorithm": algorithm, "hyperparameters": {"C": c}, "preparation": preparation}
    return Candidate.model_validate(content)


def embed(encoder: Encoder, texts: list[str], where: str = "") -> None:
    """Embed all texts, and print where and how many a second were new."""
    fresh = list[float]()
    watched = replace(encoder, progress=lambda done, total, message: fresh.append(done))
    began = time.perf_counter()
    watched.embed(texts)
    seconds = time.perf_counter() - began
    count = int(max(fresh, default=0))
    rate = f"{count / seconds:4.0f} a second"
    print(
        f"{where}{encoder.name:20} {count:7,} texts embedded in {seconds:6.1f} s: {rate}",
        flush=True,
    )


def main() -> None:
    """Embed, fit, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--rows", type=int, help="learn from so many rows only")
    parser.add_argument("--cache", type=Path, help="where embeddings are kept")
    parser.add_argument("--model", type=Path, help="a model's folder, as tune wrote it")
    options = parser.parse_args()
    train, val = read(options.train), read(options.val)
    train = train.head(options.rows) if options.rows else train
    with tempfile.TemporaryDirectory() as scratch:
        cache = options.cache or Path(scratch) / "embeddings.db"
        used = {name: Encoder(installed.find(name), cache, CORES) for name in installed.installed()}
        for encoder in used.values():
            embed(encoder, [*train["text"], *val["text"]])
        print(f"\n{'features':64} {'recall':>7} {'fit, s':>7} {'peak, MB':>9}")
        for label, candidate in [*candidates(list(used)), *_chosen(options.model)]:
            began = time.perf_counter()
            model = fit(candidate, train, 0, CORES, used)
            seconds = time.perf_counter() - began
            recall = macro_recall(val["label"].to_numpy(), model.predict(val).argmax(axis=1))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{label:64} {recall:7.4f} {seconds:7.1f} {peak:9,.0f}", flush=True)
        bare = {name: Encoder(encoder.folder) for name, encoder in used.items()}  # nothing kept
        _one(fit(_first(list(used)), train.head(500), 0, 1, bare), val["text"].tolist()[:CALLS])


def _chosen(model: Path | None) -> Iterator[tuple[str, Candidate]]:
    """Yield what a search chose, if a model of one is named."""
    if model is not None:
        content = read_json(model / "candidate.json")["candidate"]
        yield f"the search's choice: {content['algorithm']}", Candidate.model_validate(content)


def _first(names: list[str]) -> Candidate:
    """Return the default with the first encoder; how fast it is does not depend on its rows."""
    beside = Preparation(encoders=tuple(names[:1]), **BESIDE)
    return _model("logistic_regression", C_WITH_EMBEDDINGS, beside)


def _one(model: Any, texts: list[str]) -> None:
    """Print how long one text takes, and how far its scores are from the batch's."""
    model.predict_one("the first call loads the model")
    times, scores = [], []
    for text in texts:
        began = time.perf_counter()
        scores.append(model.predict_one(text))
        times.append(time.perf_counter() - began)
    p50, p95 = np.percentile(times, [50, 95]) * 1e3
    apart = np.abs(np.array(scores) - model.predict(pd.DataFrame({"text": texts}))).max()
    print(f"\none text: {p50:.1f} ms in the median, {p95:.1f} ms at the 95th percentile")
    print(f"scores apart from the batch's: {apart:.1e} at most")


if __name__ == "__main__":
    main()
