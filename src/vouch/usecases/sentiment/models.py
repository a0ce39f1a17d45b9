"""Text models as data: a candidate says what to fit, a fitted model predicts and survives on disk.

On disk a model is ``candidate.json``, ``features.jsonl`` (every n-gram with its idf, to be read),
``weights.npy`` (linear), ``model.skops`` (random forest) or ``model.ubj`` (XGBoost), and the folder
``encoders`` where it reads sentence embeddings: none can run code when it is read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256, write_json
from vouch.models.saving import dump_estimator, read_estimator
from vouch.models.strength import ruled, weigh
from vouch.usecases.sentiment.candidate import LINEAR, Candidate
from vouch.usecases.sentiment.classes import CLASSES, TARGET, check_files, spread
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.features import (
    ENCODERS,
    Columns,
    Corpus,
    Features,
    other,
    prepare,
    save_encoders,
)
from vouch.usecases.sentiment.learners import Linear, Sample, learn, probabilities, softmax
from vouch.usecases.sentiment.ngrams import Weighing
from vouch.usecases.sentiment.scaling import Scaling

if TYPE_CHECKING:
    from vouch.usecases.sentiment.spark.models import SparkFitted
    from vouch.usecases.sentiment.together import Together

CORES = len(os.sched_getaffinity(0))
BLOCK = 8_192  # texts predicted at a time
MEMBERS = "members"
"""The folder of the models that answer together, each in its own, by number."""
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """A model that can predict.

    Attributes:
        candidate: What was fitted.
        features: Its fitted preparation.
        estimator: A ``Linear``, a scikit-learn forest or an XGBoost booster.
        classes: The labels it was fitted on, ascending; others get the probability 0.
        shares: How common each class was by weight, summing to 1.
        threads: Threads used on many rows.
        names: What the classes are called, class 0 first.
    """

    candidate: Candidate
    features: Features
    estimator: Any
    classes: tuple[int, ...]
    shares: tuple[float, ...]
    threads: int = 1
    names: tuple[str, ...] = CLASSES

    @property
    def encoders(self) -> Mapping[str, Encoder]:
        """The encoders it reads embeddings of, by identity."""
        return self.features.encoders

    @property
    def lead(self) -> "Fitted":
        """The model that decides what is shown of words: itself."""
        return self

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Return the probabilities of the classes.

        Args:
            frame: Column ``text``, as it came; VADER's scores are taken from its columns if all
                four are there, else computed.

        Returns:
            Shape (rows, classes), rows summing to 1, in row order. With balanced classes these are
            the probabilities if all classes were equally common.

        Raises:
            VouchError: There is no column ``text``.
        """
        blocks = [
            self._predict(Corpus.of(frame.iloc[start : start + BLOCK], self.features.encoders))
            for start in range(0, len(frame), BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.names)))

    def _predict(self, corpus: Corpus) -> Floats:
        return self.of_numbers(self.features.transform(corpus))

    def of_numbers(self, numbers: Any) -> Floats:
        """Return the probabilities of rows already turned into numbers, shape (rows, classes)."""
        likely = probabilities(self.estimator, numbers, self.threads)
        return spread(likely, self.classes, len(self.names))

    def predict_one(self, text: str) -> Floats:
        """Return the probabilities of one text: as ``predict``, without a batch's cost.

        Returns:
            Shape (classes,); equal to the batch's to 1e-12.
        """
        if not isinstance(self.estimator, Linear):
            return self.predict(pd.DataFrame({"text": [text]}))[0]
        columns, values = self.features.transform_one(text)
        linear = self.estimator
        probabilities = softmax(values @ linear.weights[columns] + linear.intercepts)
        return spread(probabilities[None], self.classes, len(self.names))[0]


def fit(
    candidate: Candidate,
    frame: pd.DataFrame,
    seed: int,
    threads: int,
    encoders: Mapping[str, Encoder] | None = None,
    names: tuple[str, ...] = CLASSES,
) -> "Fitted | Together":
    """Fit a candidate.

    Args:
        candidate: What to fit.
        frame: Columns ``text`` and ``label`` (from 0 on); ``group``, ``label_source`` and VADER's
            scores if known.
        seed: Seed of every random choice, 0 to 2**32 - 1.
        threads: Threads to use, at least 1.
        encoders: Give embeddings, by identity; only a candidate that uses them needs them.
        names: What the classes are called, class 0 first.

    Returns:
        The fitted model; the same for the same arguments.

    Raises:
        VouchError: A column is missing, all labels are the same, or no n-gram is left.
    """
    if TARGET not in frame:
        raise VouchError(f"the table has no column {TARGET!r}", "fit on labelled rows")
    rows = np.arange(len(frame))
    groups = frame["group"].to_numpy() if "group" in frame else rows
    labels, weights = frame[TARGET].to_numpy(np.int8), weigh(ruled(frame), candidate.rule_weight)
    corpus = Corpus.of(frame, encoders)
    return fit_rows(candidate, corpus, rows, labels, groups, seed, threads, weights, names)[0]


def fit_rows(
    candidate: Candidate,
    corpus: Corpus,
    rows: Rows,
    labels: NDArray[np.int8],
    groups: Rows,
    seed: int,
    threads: int,
    weights: Floats | None = None,
    names: tuple[str, ...] = CLASSES,
) -> "tuple[Fitted | Together, Columns]":
    """Fit a candidate on some rows of a corpus.

    Args:
        candidate: What to fit.
        corpus: The texts.
        rows: Rows to fit on.
        labels: Labels of all texts of the corpus, from 0 on.
        groups: Groups of all texts of the corpus.
        seed: As for :func:`fit`.
        threads: As for :func:`fit`.
        weights: What each text of the corpus weighs, above 0; None: all the same.
        names: As for :func:`fit`.

    Returns:
        The model, and the columns of its n-grams in the corpus.

    Raises:
        VouchError: All labels are the same, or no n-gram is left.
    """
    if candidate.members:
        from vouch.usecases.sentiment import together

        return together.fit_rows(
            candidate, corpus, rows, labels, groups, seed, threads, weights, names
        )
    own = labels[rows]
    weighed = np.ones(len(rows)) if weights is None else weights[rows]
    classes, codes = np.unique(own, return_inverse=True)
    if len(classes) < 2:
        raise VouchError(
            f"all {len(rows)} rows to fit on have the same {TARGET}",
            "give more rows, or labels that tell rows apart",
        )
    features, numbers, columns = prepare(candidate.preparation, corpus, rows, own)
    if not numbers.shape[1]:
        raise VouchError(
            f"no n-gram stands in {candidate.preparation.words_min_df} texts or more",
            "give more texts, or a lower words_min_df",
        )
    counted = np.bincount(own, weighed, len(names))
    shares = tuple((counted / counted.sum()).tolist())
    if candidate.imbalance == "weights":
        weighed = weighed * (len(rows) / len(classes) / counted[classes])[codes]
    sample = Sample(numbers, codes, weighed, groups[rows])
    estimator = _learn(candidate, sample, features.legible, seed, threads)
    seen_classes = tuple(int(label) for label in classes)
    return Fitted(candidate, features, estimator, seen_classes, shares, threads, names), columns


def _learn(candidate: Candidate, sample: Sample, legible: int, seed: int, threads: int) -> Any:
    """Fit a learner; a linear one on embeddings that are brought to the scale of n-grams."""
    weight = candidate.preparation.embedding_weight
    if candidate.algorithm not in LINEAR or weight is None or not candidate.preparation.encoders:
        return learn(candidate, sample, seed, threads)
    scaling = Scaling.of(sample.numbers, legible, weight)
    scaled = sample._replace(numbers=scaling.apply(sample.numbers))
    return scaling.undo(learn(candidate, scaled, seed, threads))


def predict_rows(
    fitted: "Fitted | Together", corpus: Corpus, rows: Rows, columns: Columns
) -> Floats:
    """Predict other rows of the corpus a model was fitted on, shape (rows, classes)."""
    if not isinstance(fitted, Fitted):
        from vouch.usecases.sentiment import together

        return together.predict_rows(fitted, corpus, rows, columns)
    return fitted.of_numbers(other(fitted.features, corpus, rows, columns))


def save(fitted: "Fitted | Together", folder: Path) -> None:
    """Write a model: the same bytes for the same model.

    Args:
        fitted: The model.
        folder: Where to; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(fitted, Fitted):
        write(fitted, folder)
    else:
        from vouch.usecases.sentiment import together

        together.write(fitted, folder)
    save_encoders(fitted.encoders, folder)
    describe(fitted, folder)


def write(fitted: Fitted, folder: Path) -> None:
    """Write what a model learned, without its encoders and its description."""
    place = folder / _name(fitted.candidate)
    if fitted.candidate.algorithm == "xgboost":
        fitted.estimator.save_model(place)
    elif isinstance(fitted.estimator, Linear):
        place.write_bytes(packed(fitted.estimator))
    else:
        place.write_bytes(dump_estimator(fitted.estimator))
    _write_features(fitted.features, folder / "features.jsonl")


def describe(fitted: "Fitted | Together", folder: Path) -> None:
    """Write ``candidate.json``: what was fitted, and the digest of each other file."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix != ".json")
    description = {
        "candidate": fitted.candidate.model_dump(),
        "features": ["text"],
        "classes": list(fitted.names),
        "seen": list(fitted.classes),
        "shares": list(fitted.shares),
        "sha256": {str(file.relative_to(folder)): sha256(file) for file in files},
    }
    write_json(folder / "candidate.json", description)


def _name(candidate: Candidate) -> str:
    if candidate.algorithm in LINEAR:
        return "weights.npy"
    return "model.ubj" if candidate.algorithm == "xgboost" else "model.skops"


def packed(linear: Linear) -> bytes:
    """Write the weights, a row a feature, and as the last row the intercepts."""
    content = BytesIO()
    np.save(content, np.vstack([linear.weights, linear.intercepts]), allow_pickle=False)
    return content.getvalue()


def unpacked(path: Path) -> Linear:
    """Read what :func:`packed` wrote."""
    content = np.load(path, allow_pickle=False)
    return Linear(content[:-1], content[-1])


def _write_features(features: Features, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for weighing in features.weighings:
            group = "words" if weighing.words else "characters"
            for name, idf in zip(weighing.names, weighing.idf.tolist(), strict=True):
                file.write(json.dumps([group, name, idf], ensure_ascii=False) + "\n")


def load(
    folder: Path, threads: int = 1, cache: Path | None = None
) -> "Fitted | Together | SparkFitted":
    """Read a model; nothing in the files is run.

    Args:
        folder: Where ``save`` wrote it, or its namesake for Spark's models.
        threads: Threads to predict many rows with, at least 1.
        cache: An SQLite file that keeps the embeddings of texts; None keeps none.

    Returns:
        The model; all kinds have ``candidate``, ``classes``, ``shares``, ``predict`` and
        ``predict_one``.

    Raises:
        VouchError: A file is missing or damaged, or holds a type that is not listed.
    """
    path = folder / "candidate.json"
    description = read_json(path)
    if description.get("engine") == "spark":
        from vouch.usecases.sentiment.spark import models as on_spark

        return on_spark.load(folder)
    try:
        candidate = Candidate.model_validate(description["candidate"])
        seen, shares = tuple(description["seen"]), tuple(description["shares"])
        digests, names = dict(description["sha256"]), tuple(description["classes"])
        if not candidate.members:
            digests[_name(candidate)], digests["features.jsonl"]
    except (KeyError, TypeError, ValueError) as error:
        raise VouchError(f"{path}: no description of a model: {error}", "run tune again") from None
    check_files(folder, digests)
    if candidate.members:
        from vouch.usecases.sentiment import together

        return together.load(folder, candidate, threads, cache)
    features = _read_features(candidate, folder, cache)
    estimator = _read(folder / _name(candidate), digests[_name(candidate)])
    return Fitted(candidate, features, estimator, seen, shares, threads, names)


def _read_features(candidate: Candidate, folder: Path, cache: Path | None) -> Features:
    grams: dict[str, list[tuple[str, float]]] = {"words": [], "characters": []}
    with (folder / "features.jsonl").open(encoding="utf-8") as file:
        for line in file:
            group, name, idf = json.loads(line)
            grams[group].append((name, idf))
    preparation, weighings = candidate.preparation, []
    for group in preparation.groups:
        if group in grams:
            words = group == "words"
            names = tuple(name for name, _ in grams[group])
            idf = np.array([idf for _, idf in grams[group]], np.float64)
            extent = preparation.words if words else preparation.characters
            weighings.append(Weighing(extent, words, names, idf))
    encoders = {each: _encoder(each, folder, cache) for each in preparation.encoders}
    return Features(preparation, tuple(weighings), encoders)


def _encoder(identity: str, folder: Path, cache: Path | None) -> Encoder:
    """Return a model's own encoder, which embeds a text a core.

    Raises:
        VouchError: It is not there, or another one than the model learned from.
    """
    name, _, digest = identity.partition("@")
    if not digest:  # earlier releases noted no digest but those of the files
        return Encoder(folder / name, cache, CORES)
    place = folder / ENCODERS / name
    if folder.parent.name == MEMBERS and not place.exists():  # two models together have it once
        place = folder.parent.parent / ENCODERS / name
    encoder = Encoder(place, cache, CORES)
    if encoder.identity != identity:
        raise VouchError(
            f"{encoder.folder}: is the encoder {encoder.identity[:32]}, and the model learned "
            f"from {identity[:32]}",
            "run tune again",
        )
    return encoder


def _read(path: Path, digest: str) -> Any:
    if path.suffix == ".npy":
        return unpacked(path)
    return read_estimator(path, digest)
