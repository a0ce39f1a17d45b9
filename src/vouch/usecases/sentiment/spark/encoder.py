"""Sentence encoders within Spark's pipelines, of the same files that scikit-learn's models read.

Spark NLP's ``UAEEmbeddings`` runs any BERT of an ONNX file on whole texts, and averages the states
of all tokens or takes the first one's, as the encoders were trained. (``BertEmbeddings`` keeps the
first piece of each word only, and neither mark around the text.)
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.progress import silent
from vouch.engine.encoders import MODEL, TOKENIZER
from vouch.usecases.sentiment.embeddings import LONGEST, Encoder
from vouch.usecases.sentiment.spark.reading import READ, statement
from vouch.usecases.sentiment.spark.session import running

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BLOCK = 2_000  # texts between two writes to the cache: what a kill costs, half a minute
DOCUMENT, EMBEDDINGS = "encoder_document", "embeddings"
FINISHED, VECTOR = "finished_embeddings", "vector"
PACKED = "UAE_onnx"  # Spark NLP's name of the model in what it saves, a zip archive
ANNOTATOR, FINISHER = "UAEEmbeddings", "EmbeddingsFinisher"
SPECIAL = ("[CLS]", "[SEP]", "[UNK]")
NO_PIECES = f"is no vocabulary of word pieces with {', '.join(SPECIAL)}"
POOLING = {"mean": "avg", "first": "cls"}
# the one way in which Spark NLP's tokenizer makes words
UNCASED = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": True,
    "lowercase": True,
}
TYPE = "sentence_embeddings"
AGAIN = "vouch run again: what was embedded is kept"
Floats = NDArray[np.float32]
_annotators: dict[tuple[str, str], Any] = {}  # by session and identity


@dataclass(frozen=True)
class SparkEncoder(Encoder):
    """An ONNX export of a BERT that embeds texts on Spark.

    Its vectors are those of :class:`vouch.usecases.sentiment.embeddings.Encoder` before they are
    brought to length 1; of quantised models they differ by what their runtimes round.
    """

    @cached_property
    def statement(self) -> str:
        """The SQL that makes what it reads of a text."""
        return statement(self.reading)

    def stages(self) -> list[Any]:
        """Return the stages from a column ``text`` to its embedding, Spark NLP's annotation.

        Raises:
            VouchError: A file is missing or holds no BERT with a vocabulary of word pieces.
        """
        from pyspark.ml.feature import SQLTransformer
        from sparknlp.base import DocumentAssembler

        running()  # stages are Java's
        assembler = DocumentAssembler().setInputCol(READ).setOutputCol(DOCUMENT)
        return [SQLTransformer(statement=self.statement), assembler, self._annotator()]

    def _annotator(self) -> Any:
        """Return what embeds, read once a session: each holds the encoder in memory."""
        session = running().sparkContext.applicationId
        for key in [key for key in _annotators if key[0] != session]:
            del _annotators[key]
        if (session, self.identity) not in _annotators:
            _annotators[session, self.identity] = self._read_model()
        return _annotators[session, self.identity]

    def _read_model(self) -> Any:
        """Read the encoder into an annotator.

        Spark NLP hands every file it is given to the executors as ``model.onnx``, of which a
        session can have one, but a file that it saved itself by a name of its own. So it is given
        an empty one, saves that, and reads the encoder in its place.
        """
        from sparknlp.annotator import UAEEmbeddings

        place = self.cache.parent if self.cache else _local()
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="encoder-", dir=place) as name:
            folder, saved = Path(name).resolve(), Path(name).resolve() / "saved"
            self._lay_out(folder)
            empty = UAEEmbeddings.loadSavedModel(folder.as_uri(), running())
            empty.write().overwrite().save(saved.as_uri())
            with ZipFile(saved / PACKED, "w") as packed:
                packed.write(self.folder / MODEL, MODEL)
            (saved / f".{PACKED}.crc").unlink(missing_ok=True)  # the empty one's
            loaded = UAEEmbeddings.load(saved.as_uri())
        loaded.setInputCols([DOCUMENT]).setOutputCol(EMBEDDINGS).setStorageRef(self.identity)
        loaded.setPoolingStrategy(POOLING[self.reading.pooling]).setCaseSensitive(False)
        # one at a time: in a batch it would average what shorter texts are filled up with
        return loaded.setBatchSize(1).setMaxSentenceLength(self.reading.longest)

    def _lay_out(self, folder: Path) -> None:
        """Write the word pieces, and link an empty model, as Spark NLP looks for them."""
        (folder / "assets").mkdir()
        pieces = "".join(f"{piece}\n" for piece in self._pieces)
        (folder / "assets/vocab.txt").write_text(pieces, "utf-8")
        empty = _local() / MODEL
        empty.touch()  # executors look for it as long as the session lasts
        (folder / MODEL).symlink_to(empty)

    @cached_property
    def _tokenizer(self) -> dict[str, Any]:
        _ = self.identity  # says which file is missing
        with self._naming(TOKENIZER):
            content: dict[str, Any] = json.loads((self.folder / TOKENIZER).read_text("utf-8"))
            _ = content["model"]["vocab"]
            return content

    @cached_property
    def _pieces(self) -> list[str]:
        """The word pieces in the order of their numbers, 0 first."""
        model = self._tokenizer["model"]
        numbers = model["vocab"]
        if model.get("type") != "WordPiece" or not isinstance(numbers, dict):
            raise self._unreadable(NO_PIECES)
        pieces = sorted(numbers, key=numbers.__getitem__)
        numbered = [numbers[piece] for piece in pieces] == list(range(len(pieces)))
        if not numbered or not {*SPECIAL} <= {*pieces}:
            raise self._unreadable(NO_PIECES)
        if not _uncased(self._tokenizer):
            raise self._unreadable("does not part and lower words as an uncased BERT does")
        return pieces

    def _unreadable(self, reason: str) -> VouchError:
        return VouchError(
            f"{self.folder / TOKENIZER}: {reason}: Spark NLP cannot read it",
            "give the ONNX export of an uncased BERT, or run without --engine spark",
        )

    def check(self) -> None:
        """Embed a text; see :meth:`vouch.usecases.sentiment.embeddings.Encoder.check`."""
        _ = self._pieces
        with self._naming(MODEL), _java():
            _ = self.dimensions

    def keep(self, texts: Sequence[str]) -> None:
        """Embed texts into the cache, so that what fails is one error and not one a trial.

        Raises:
            VouchError: Spark cannot embed them, or its Java ended.
        """
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            with _java():
                self.embed(texts)
        except (Py4JError, PySparkException) as error:
            reason = " ".join(str(error).split())[:LONGEST]
            message = f"{self.name}: Spark cannot embed the texts: {reason}"
            raise VouchError(message, f"see Spark's messages above and {AGAIN}") from None

    def _read(self, text: str) -> str:
        return text  # it is cleaned on Spark

    @cached_property
    def maker(self) -> str:
        """What a text's embedding depends on: Spark NLP, what is read of a text, and the files."""
        return f"spark-nlp {version('spark-nlp')}\n{self.statement}\n{self.identity}"

    def _embed(self, text: str) -> Floats:
        (part,) = replace(self, progress=silent)._fresh([text])
        return part[text]

    def _fresh(self, texts: Sequence[str]) -> Iterator[dict[str, Floats]]:
        """Embed texts; yield those of a block together."""
        from pyspark.ml import PipelineModel

        model = PipelineModel(self.stages()) if texts else None
        for start in range(0, len(texts), BLOCK):
            part = texts[start : start + BLOCK]
            assert model is not None
            table = model.transform(_table(part)).select("row", _numbers())
            rows = table.toPandas().sort_values("row")
            yield dict(zip(part, np.array(rows["numbers"].tolist(), np.float32), strict=True))
            self.progress(start + len(part), len(texts), f"texts embedded by {self.name}")


def _uncased(tokenizer: dict[str, Any]) -> bool:
    """Whether words are made as Spark NLP makes them, the only way it can."""
    normalizer = dict(tokenizer.get("normalizer") or {})
    if normalizer.get("strip_accents", "") is None:  # then it follows lowercase
        normalizer["strip_accents"] = normalizer.get("lowercase")
    before = (tokenizer.get("pre_tokenizer") or {}).get("type")
    return normalizer == UNCASED and before == "BertPreTokenizer"


@contextmanager
def _java() -> Iterator[None]:
    """Tell a Java that ended from one that raises an error."""
    from py4j.protocol import Py4JError, Py4JJavaError

    try:
        yield
    except Py4JJavaError:
        raise
    except (Py4JError, ConnectionError, EOFError) as error:
        message = f"engine: Spark's Java ended as texts were embedded ({type(error).__name__})"
        raise VouchError(message, f"see that memory is free and {AGAIN}") from None


def _local() -> Path:
    """Return the session's own folder, which lasts as long."""
    context = running().sparkContext
    name = context.getConf().get("spark.local.dir")
    if not name or not Path(name).is_dir():  # a cluster's may name several, or an executor's
        name = _folder(context.applicationId).name
    return Path(name).resolve()


@cache
def _folder(session: str) -> "tempfile.TemporaryDirectory[str]":
    """Return a folder for a session that has none of its own; it goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="vouch-")


def _table(texts: Sequence[str]) -> "DataFrame":
    rows = pd.DataFrame({"row": np.arange(len(texts)), "text": texts})
    return running().createDataFrame(rows, "row long, text string")


def _numbers() -> "Column":
    from pyspark.sql import functions

    return functions.col(EMBEDDINGS)[0]["embeddings"].alias("numbers")


def finishing() -> list[Any]:
    """Return the stages from Spark NLP's annotation to a vector of length 1."""
    from pyspark.ml.feature import SQLTransformer
    from sparknlp.base import EmbeddingsFinisher

    finisher = EmbeddingsFinisher().setInputCols([EMBEDDINGS]).setOutputCols([FINISHED])
    select = SQLTransformer(statement=f"SELECT *, {FINISHED}[0] AS {VECTOR} FROM __THIS__")
    return [finisher.setOutputAsVector(True), select]


def kept(identity: str) -> "tuple[Column, Column]":
    """Return what an encoder's stages would make of a column ``numbers``, kept embeddings.

    Args:
        identity: The encoder's.

    Returns:
        Spark NLP's annotation, and the vector.
    """
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions

    numbers = functions.col("numbers")
    annotation = functions.struct(
        functions.lit(TYPE).alias("annotatorType"),
        functions.lit(0).alias("begin"),
        functions.lit(0).alias("end"),
        functions.lit("").alias("result"),
        functions.create_map(functions.lit("sentence"), functions.lit("0")).alias("metadata"),
        numbers.alias("embeddings"),
    )
    about = {"annotatorType": TYPE, "ref": identity}
    annotations = functions.array(annotation).alias(EMBEDDINGS, metadata=about)
    return annotations, array_to_vector(numbers).alias(VECTOR)
