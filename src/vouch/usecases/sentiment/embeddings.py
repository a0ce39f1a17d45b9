"""Sentence embeddings from any ONNX export given by its folder: never needed by default.

The folder holds ``model.onnx`` (token states in its first output) and ``tokenizer.json``. Token
states are averaged over the mask and brought to length 1 (Reimers and Gurevych 2019,
Sentence-BERT: sentence embeddings using siamese BERT-networks).
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import sha256

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
LONGEST = 128  # tokens read of a text
BATCH = 512  # texts between two writes to the cache


@dataclass(frozen=True)
class Encoder:
    """An ONNX export that embeds texts.

    Attributes:
        folder: Holds ``model.onnx`` and ``tokenizer.json``.
        cache: An SQLite file of embeddings by text; None keeps none.
        threads: Texts embedded side by side.
    """

    folder: Path
    cache: Path | None = None
    threads: int = 1

    @cached_property
    def digest(self) -> str:
        """Digest of both files, 64 hexadecimal digits.

        Raises:
            VouchError: One is missing.
        """
        for name in (MODEL, TOKENIZER):
            if not (self.folder / name).is_file():
                raise VouchError(
                    f"{self.folder}: no file {name!r} in it",
                    "give the folder of an ONNX export with its tokenizer",
                )
        both = sha256(self.folder / MODEL) + sha256(self.folder / TOKENIZER)
        return hashlib.sha256(both.encode()).hexdigest()

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
        _ = self.digest
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = InferenceSession(
            str(self.folder / MODEL), options, providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        return tokenizer, session, frozenset(field.name for field in session.get_inputs())

    @cached_property
    def dimensions(self) -> int:
        """Numbers of an embedding."""
        return len(self._embed("text"))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Embed texts, each by itself.

        One at a time: the result of a quantised model depends on what else is in the batch, and
        a text must get the same scores alone and among others.

        Returns:
            Shape (texts, dimensions), rows of length 1.

        Raises:
            VouchError: A file or a package is missing.
        """
        vectors = np.empty((len(texts), self.dimensions))
        for start in range(0, len(texts), BATCH):
            vectors[start : start + BATCH] = self._through_cache(texts[start : start + BATCH])
        return vectors

    def _through_cache(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.cache is None:
            return self._fresh(texts)
        keys = [hashlib.sha256((self.digest + t).encode()).digest() for t in texts]
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(self.cache, timeout=60) as store:
            store.execute("CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, value BLOB)")
            placeholders = ",".join("?" * len(keys))
            cached = dict(
                store.execute(f"SELECT * FROM embedding WHERE key IN ({placeholders})", keys)
            )
            missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in cached}
            fresh = self._fresh(list(missing.values()))
            new = {k: row.tobytes() for k, row in zip(missing, fresh, strict=True)}
            store.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?)", new.items())
        store.close()
        stored = cached | new
        return np.stack([np.frombuffer(stored[key], np.float32) for key in keys])

    def _fresh(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with ThreadPoolExecutor(self.threads) as pool:
            rows = list(pool.map(self._embed, texts))
        return np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def _embed(self, text: str) -> NDArray[np.float32]:
        tokenizer, session, input_names = self._parts
        encoding = tokenizer.encode(text)
        values = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        inputs = {name: np.array([values[name]], np.int64) for name in input_names & values.keys()}
        states = session.run(None, inputs)[0][0]
        mean: NDArray[np.float32] = states.mean(axis=0, dtype=np.float32)
        return mean / (np.linalg.norm(mean) or np.float32(1.0))

    def copy(self, folder: Path) -> None:
        """Copy both files to a folder, made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MODEL, TOKENIZER):
            shutil.copyfile(self.folder / name, folder / name)
