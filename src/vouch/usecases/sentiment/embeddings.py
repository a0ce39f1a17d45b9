"""Sentence embeddings from any ONNX export given by its folder: never needed by default.

The folder holds ``model.onnx`` (token states in its first output) and ``tokenizer.json``, and may
say in ``encoder.json`` how it reads a text (:class:`vouch.engine.encoders.Reading`). Token states
are averaged over the mask, or the first one is taken, and brought to length 1 (Reimers and Gurevych
2019, Sentence-BERT: sentence embeddings using siamese BERT-networks).
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.engine.encoders import MODEL, READING, TOKENIZER, Reading, identity, mend, reading
from vouch.usecases.sentiment.cleaning import Cleaning, clean

KEPT = Path("cache/embeddings.db")
"""Embeddings by text, among what costs only time to delete, in the project's state folder."""
BATCH = 128  # texts between two writes to the cache: what a kill costs, a second
LONGEST = 300  # characters kept of a library's error
LOOKUP = 30_000  # SQLite takes so many values in one question
TWEETS = Cleaning(timestamps="keep")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Encoder:
    """An ONNX export that embeds texts.

    Attributes:
        folder: Holds ``model.onnx`` and ``tokenizer.json``.
        cache: An SQLite file of embeddings by text; None keeps none.
        threads: Texts embedded side by side.
        progress: Called as texts are embedded, in texts.
    """

    folder: Path
    cache: Path | None = None
    threads: int = 1
    progress: Progress = silent

    @property
    def name(self) -> str:
        """What people call it."""
        return self.folder.name

    @cached_property
    def identity(self) -> str:
        """Its name and the digest of its files, ``name@64 hexadecimal digits``.

        Raises:
            VouchError: One is missing.
        """
        return identity(self.folder)

    @cached_property
    def reading(self) -> Reading:
        """How it reads a text."""
        return reading(self.folder)

    @cached_property
    def _parts(self) -> tuple[Any, Any, frozenset[str]]:
        """The tokenizer, the session, and the inputs it takes."""
        try:
            from onnxruntime import InferenceSession, SessionOptions
            from tokenizers import Tokenizer
        except ImportError as error:
            raise VouchError(
                f"embeddings need a package that is not installed: {error.name}",
                "pip install 'vouch[embeddings]'",
            ) from None
        _ = self.identity  # says which file is missing
        options = SessionOptions()
        # threads run side by side, each in one text: within a short text they would wait
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        with self._naming(MODEL):
            session = InferenceSession(
                str(self.folder / MODEL), options, providers=["CPUExecutionProvider"]
            )
        with self._naming(TOKENIZER):
            tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.reading.longest)
        return tokenizer, session, frozenset(field.name for field in session.get_inputs())

    @contextmanager
    def _naming(self, file: str) -> Iterator[None]:
        """Turn what a file does to a library into an error that names it."""
        try:
            yield
        except (VouchError, OSError):  # a package that lacks, a disk that is full: not the file's
            raise
        except Exception as error:  # both libraries raise their own kinds, and bare ones
            reason = " ".join(str(error).split())[:LONGEST]
            message = f"{self.folder / file}: cannot embed texts: {reason}"
            raise VouchError(message, mend(self.folder)) from None

    @cached_property
    def dimensions(self) -> int:
        """Numbers of an embedding."""
        return len(self._embed("text"))

    def check(self) -> None:
        """Embed a text, so that an encoder that cannot is one error and not one a trial.

        Raises:
            VouchError: A file or a package is missing, or the files are no encoder.
        """
        _ = self._parts
        with self._naming(MODEL):
            _ = self.dimensions

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed texts, each distinct one once and by itself.

        One at a time: the result of a quantised model depends on what else is in the batch, and
        a text must get the same scores alone and among others.

        Returns:
            Shape (texts, dimensions), rows of length 1.

        Raises:
            VouchError: A file or a package is missing.
        """
        read = [self._read(text) for text in texts]
        if len(read) == 1 and self.cache is None:
            return self._embed(read[0])[None]
        vectors = self._vectors(list(dict.fromkeys(read)))
        return np.stack([vectors[text] for text in read]) if read else self._none()

    def _none(self) -> Floats:
        return np.empty((0, self.dimensions), np.float32)

    def _read(self, text: str) -> str:
        return self.reading.prefix + (clean(text, TWEETS) if self.reading.cleaned else text)

    def _vectors(self, texts: list[str]) -> dict[str, Floats]:
        """Return the vector of each distinct text: kept ones, and new ones as they are kept."""
        if self.cache is None:
            return {text: vector for part in self._fresh(texts) for text, vector in part.items()}
        keys = {self._key(text): text for text in texts}
        with _open(self.cache, [*keys]) as (store, kept):
            vectors = {keys[key]: np.frombuffer(value, np.float32) for key, value in kept}
            for part in self._fresh([text for text in texts if text not in vectors]):
                _keep(store, [(self._key(text), v.tobytes()) for text, v in part.items()])
                vectors |= part
        return vectors

    @cached_property
    def maker(self) -> str:
        """What a text's embedding depends on: the runtime, which rounds, and the files."""
        return f"onnxruntime {version('onnxruntime')}\n{self.identity}"

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.maker}\n{text}".encode()).digest()

    def _fresh(self, texts: Sequence[str]) -> Iterator[dict[str, Floats]]:
        """Embed texts; yield those of a batch together."""
        with ThreadPoolExecutor(self.threads) as pool:
            for start in range(0, len(texts), BATCH):
                part = texts[start : start + BATCH]
                yield dict(zip(part, pool.map(self._embed, part), strict=True))
                done = start + len(part)
                self.progress(done, len(texts), f"texts embedded by {self.name}")

    def _embed(self, text: str) -> Floats:
        tokenizer, session, input_names = self._parts
        encoding = tokenizer.encode(text)
        values = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        inputs = {name: np.array([values[name]], np.int64) for name in input_names & values.keys()}
        states = session.run(None, inputs)[0][0]
        first = self.reading.pooling == "first"
        pooled = states[0] if first else states.mean(axis=0, dtype=np.float32)
        vector: Floats = pooled / (np.linalg.norm(pooled) or np.float32(1.0))
        return vector

    def copy(self, folder: Path) -> None:
        """Copy its files to a folder, made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MODEL, TOKENIZER, READING):
            if (self.folder / name).exists():
                shutil.copyfile(self.folder / name, folder / name)


Pairs = list[tuple[bytes, bytes]]


@contextmanager
def _open(path: Path, keys: Sequence[bytes]) -> Iterator[tuple[sqlite3.Connection, Pairs]]:
    """Open a file of embeddings, and read those of some keys; a damaged file is begun anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        store, kept = _read(path, keys)
    except sqlite3.OperationalError:  # in use for long, or a disk that is full: not its fault
        raise
    except sqlite3.DatabaseError:
        store, kept = _begun_anew(path, keys)
    with closing(store):
        yield store, kept


def _begun_anew(path: Path, keys: Sequence[bytes]) -> tuple[sqlite3.Connection, Pairs]:
    with FileLock(path.with_suffix(".lock")):
        try:
            return _read(path, keys)  # another process may have done it meanwhile
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            return _read(path, keys)


def _read(path: Path, keys: Sequence[bytes]) -> tuple[sqlite3.Connection, Pairs]:
    store = sqlite3.connect(path, timeout=60)
    try:
        store.execute("CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, value BLOB)")
        return store, [*_kept(store, keys)]
    except sqlite3.Error:
        store.close()
        raise


def _keep(store: sqlite3.Connection, pairs: Pairs) -> None:
    try:
        with store:
            store.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?)", pairs)
    except sqlite3.OperationalError:  # a full disk, say
        raise
    except sqlite3.DatabaseError:  # damaged where nothing was read: what is new is not kept
        return


def _kept(store: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(keys), LOOKUP):
        part = keys[start : start + LOOKUP]
        places = ",".join("?" * len(part))
        yield from store.execute(f"SELECT * FROM embedding WHERE key IN ({places})", part)
