"""Fitted Spark pipelines as text models: they predict in row order and survive on disk.

On disk a model is ``candidate.json`` and the folder ``pipeline``, Spark's own format. Reading it
runs no pickle, but Spark NLP keeps some fields as serialized Java objects, and those can run code
when they are read: digests of all files are compared first, so only what ``save`` wrote is read.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256, write_json
from vouch.usecases.sentiment.classes import CLASSES, TARGET, check_files, spread
from vouch.usecases.sentiment.features import needed, texts_of
from vouch.usecases.sentiment.learners import Linear, softmax
from vouch.usecases.sentiment.spark import pipeline
from vouch.usecases.sentiment.spark.candidate import LINEAR, SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder, kept
from vouch.usecases.sentiment.spark.session import running

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

ENGINE = "spark"
PIPELINE = "pipeline"
Floats = NDArray[np.float64]


class Weighed(NamedTuple):
    """What a linear pipeline learned of n-grams, for one text at a time.

    Attributes:
        place: The column of each n-gram.
        idf: Inverse document frequency of each, shape (n-grams,).
        linear: Weights of each n-gram and class.
    """

    place: dict[str, int]
    idf: Floats
    linear: Linear

    def probabilities(self, grams: list[str]) -> Floats:
        """Return the probabilities of a text's classes from its n-grams, shape (classes,)."""
        places = [self.place[gram] for gram in grams if gram in self.place]
        columns, counts = np.unique(np.array(places, np.int64), return_counts=True)
        values = counts * self.idf[columns]
        values /= np.sqrt(values @ values) or 1.0
        return softmax(values @ self.linear.weights[columns] + self.linear.intercepts)


@dataclass(frozen=True)
class SparkFitted:
    """A fitted pipeline that can predict; Spark is started where none runs.

    Attributes:
        candidate: What was fitted.
        classes: The labels it was fitted on, ascending; others get the probability 0.
        shares: How common each class was, summing to 1.
        folder: Where it was saved; None: it lasts as long as the session it was fitted in.
        names: What the classes are called, class 0 first.
    """

    candidate: SparkCandidate
    classes: tuple[int, ...]
    shares: tuple[float, ...]
    folder: Path | None = None
    names: tuple[str, ...] = CLASSES
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def pipeline(self) -> "PipelineModel":
        """The pipeline in the session that runs.

        Raises:
            VouchError: Spark cannot be started, or the session it was fitted in has ended.
        """
        from pyspark.ml import PipelineModel

        session = running().sparkContext.applicationId
        if self._cache.get("session") != session:
            if self.folder is None:
                raise VouchError(
                    "the Spark session this model was fitted in has ended",
                    "save the model, and load it again",
                )
            self._cache.clear()
            read = PipelineModel.load((self.folder / PIPELINE).resolve().as_uri())
            self._cache.update(session=session, model=read)
        model: PipelineModel = self._cache["model"]
        return model

    def _of_pipeline(self, name: str, make: Callable[["PipelineModel"], Any]) -> Any:
        """Return what a function makes of the pipeline, computed once a session."""
        model = self.pipeline
        if name not in self._cache:
            self._cache[name] = make(model)
        return self._cache[name]

    @property
    def encoders(self) -> tuple[str, ...]:
        """The encoder within the pipeline, by identity; none: it reads no sentence embeddings."""
        return (self.candidate.encoder,) if self.candidate.encoder else ()

    def predict(
        self, frame: pd.DataFrame, encoders: Mapping[str, SparkEncoder] | None = None
    ) -> Floats:
        """Return the probabilities of the classes.

        Args:
            frame: Column ``text``, as it came.
            encoders: Give kept embeddings, by identity; None: the pipeline embeds the texts itself.

        Returns:
            Shape (rows, classes), rows summing to 1, in row order. With balanced classes these are
            the probabilities if all classes were equally common.

        Raises:
            VouchError: There is no column ``text``, or Spark cannot be started.
        """
        texts = sound(texts_of(frame))
        if not texts:
            return np.empty((0, len(self.names)))
        rows = pd.DataFrame({"row": np.arange(len(texts)), "text": texts})
        scored = self._transform(rows, encoders or {})
        table = scored.select("row", self._scores().alias("scores")).toPandas().sort_values("row")
        return self._finish(np.array(table["scores"].tolist(), np.float64))

    def _transform(self, rows: pd.DataFrame, encoders: Mapping[str, SparkEncoder]) -> "DataFrame":
        identity = self.candidate.encoder
        if not identity or not encoders:
            return self.pipeline.transform(_table(rows, "row long, text string"))
        rows = rows.assign(numbers=[*needed(encoders, identity).embed(rows["text"].tolist())])
        table = _table(rows, "row long, text string, numbers array<float>")
        table = table.select("*", *kept(identity))
        return self._of_pipeline("without_encoder", pipeline.without_encoder).transform(table)

    def _scores(self) -> Any:
        """Return the column of the classes' probabilities."""
        from pyspark.ml.functions import vector_to_array
        from pyspark.sql import functions

        if self.candidate.algorithm != "classifier_dl":
            return vector_to_array(functions.col("probability"))
        metadata = functions.element_at(f"{pipeline.CLASS}.metadata", 1)
        names = [functions.lit(str(float(code))) for code in range(len(self.classes))]
        return functions.array(*[functions.element_at(metadata, n).cast("double") for n in names])

    def _finish(self, scores: Floats) -> Floats:
        # ClassifierDL returns seven digits
        return spread(scores / scores.sum(axis=1, keepdims=True), self.classes, len(self.names))

    def predict_one(self, text: str) -> Floats:
        """Return the probabilities of one text, where it can be through Spark NLP's LightPipeline.

        A LightPipeline knows Spark NLP's own stages only: for linear models it gives the n-grams,
        which are then weighed here. A forest, and what an encoder reads, are Spark's own: such a
        text is a batch of one.

        Returns:
            Shape (classes,); equal to the batch's to 1e-12.
        """
        if self.candidate.encoder or self.candidate.algorithm == "random_forest":
            return self.predict(pd.DataFrame({"text": [text]}))[0]
        annotations = self._of_pipeline("light", _light).fullAnnotate(sound([text])[0])[0]
        if self.candidate.algorithm in LINEAR:
            grams = [each.result for each in annotations["annotated_grams"]]
            return self._finish(self.weighed.probabilities(grams)[None])[0]
        metadata = annotations[pipeline.CLASS][0].metadata
        scores = [float(metadata[str(float(code))]) for code in range(len(self.classes))]
        return self._finish(np.array([scores]))[0]

    @property
    def weighed(self) -> Weighed:
        """What a linear pipeline learned; others have no such thing."""
        weights: Weighed = self._of_pipeline("weighed", _weighed)
        return weights


def _light(model: "PipelineModel") -> Any:
    from sparknlp.base import LightPipeline

    return LightPipeline(pipeline.annotating(model))


def _weighed(model: "PipelineModel") -> Weighed:
    named: dict[str, Any] = {type(stage).__name__: stage for stage in model.stages}
    vectorizer, idf = named["CountVectorizerModel"], named["IDFModel"]
    learner: Any = model.stages[-1]
    place = {gram: column for column, gram in enumerate(vectorizer.vocabulary)}
    bayes = hasattr(learner, "theta")
    weights = (learner.theta if bayes else learner.coefficientMatrix).toArray().T
    intercepts = (learner.pi if bayes else learner.interceptVector).toArray()
    own = np.ascontiguousarray(weights[: len(place)])  # an encoder's numbers come after
    return Weighed(place, idf.idf.toArray(), Linear(own, intercepts))


def sound(texts: list[str]) -> list[str]:
    """Replace half a character, which cannot be written as UTF-8, by a question mark."""
    return [text.encode("utf-8", errors="replace").decode() for text in texts]


def _table(rows: pd.DataFrame, schema: str) -> "DataFrame":
    return running().createDataFrame(rows, schema)


def fit(
    candidate: SparkCandidate,
    frame: pd.DataFrame,
    seed: int,
    names: tuple[str, ...] = CLASSES,
    encoders: Mapping[str, SparkEncoder] | None = None,
) -> SparkFitted:
    """Fit a candidate on Spark.

    Args:
        candidate: What to fit.
        frame: Columns ``text`` and ``label`` (from 0 on); ``group`` if known.
        seed: Seed of every random choice, 0 to 2**31 - 1.
        names: What the classes are called, class 0 first.
        encoders: Give embeddings, by identity; only a candidate that uses one needs it.

    Returns:
        The fitted model, in the session that runs. Linear models are the same for the same
        arguments; TensorFlow's threads may round ClassifierDL's last digits another way.

    Raises:
        VouchError: A column is missing, all labels are the same, no n-gram is left, the encoder is
            not given, or Spark cannot be started.
    """
    if TARGET not in frame:
        raise VouchError(f"the table has no column {TARGET!r}", "fit on labelled rows")
    labels = frame[TARGET].to_numpy(np.int8)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise VouchError(
            f"all {len(frame)} rows to fit on have the same {TARGET}",
            "give more rows, or labels that tell rows apart",
        )
    texts = sound(texts_of(frame))
    rows = pd.DataFrame({"text": texts, "code": codes.astype(np.float64), "weight": 1.0})
    rows["group"] = frame["group"].astype(str).to_numpy() if "group" in frame else texts
    schema, encoder = "text string, code double, weight double, group string", None
    if candidate.encoder:
        encoder = needed(encoders or {}, candidate.encoder)
        rows["numbers"], schema = [*encoder.embed(texts)], f"{schema}, numbers array<float>"
    rows = _balance(rows, candidate, seed)
    session = running().sparkContext.applicationId
    fitted = pipeline.fit(candidate, _table(rows, schema), len(rows), seed, encoder)
    shares = tuple(float((labels == label).mean()) for label in range(len(names)))
    cache = {"session": session, "model": fitted}
    return SparkFitted(candidate, tuple(map(int, classes)), shares, None, names, cache)


def _balance(rows: pd.DataFrame, candidate: SparkCandidate, seed: int) -> pd.DataFrame:
    """Return rows in which every class weighs the same (for ClassifierDL: has as many rows)."""
    if candidate.imbalance == "none":
        return rows
    counted = rows["code"].value_counts()
    if candidate.algorithm != "classifier_dl":
        return rows.assign(weight=len(rows) / len(counted) / rows["code"].map(counted))
    most, draw = int(counted.max()), np.random.default_rng(seed)
    parts = [np.flatnonzero(rows["code"] == code) for code in counted.index]
    drawn = [np.resize(draw.permutation(part), most) for part in parts]
    return rows.iloc[draw.permutation(np.concatenate(drawn))].reset_index(drop=True)


def save(fitted: SparkFitted, folder: Path) -> None:
    """Write a model; names and dates in Spark's files are new each time.

    Args:
        fitted: The model.
        folder: Where to; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = (folder / PIPELINE).resolve()
    draft = place.with_name(f".{PIPELINE}")
    fitted.pipeline.write().overwrite().save(draft.as_uri())
    shutil.rmtree(place, ignore_errors=True)
    draft.replace(place)
    files = sorted(file for file in place.rglob("*") if file.is_file())
    description = {
        "engine": ENGINE,
        "candidate": fitted.candidate.model_dump(),
        "features": ["text"],
        "classes": list(fitted.names),
        "seen": list(fitted.classes),
        "shares": list(fitted.shares),
        "sha256": {str(file.relative_to(folder.resolve())): sha256(file) for file in files},
    }
    write_json(folder / "candidate.json", description)


def load(folder: Path) -> SparkFitted:
    """Read a model; the pipeline itself is read when it is first used, by the Spark that runs then.

    Args:
        folder: Where ``save`` wrote it.

    Raises:
        VouchError: A file is missing, damaged, or was added.
    """
    path = folder / "candidate.json"
    description = read_json(path)
    try:
        candidate = SparkCandidate.model_validate(description["candidate"])
        seen, shares = tuple(description["seen"]), tuple(description["shares"])
        digests, names = dict(description["sha256"]), tuple(description["classes"])
    except (KeyError, TypeError, ValueError) as error:
        raise VouchError(f"{path}: no description of a model: {error}", "run tune again") from None
    check_files(folder, digests)
    for file in sorted((folder / PIPELINE).rglob("*")):
        if file.is_file() and str(file.relative_to(folder)) not in digests:
            raise VouchError(f"{file}: is not of this model", "run tune again")
    return SparkFitted(candidate, seen, shares, folder, names)
