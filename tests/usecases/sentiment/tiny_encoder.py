"""A real encoder of a few kilobytes: a table of word vectors as an ONNX graph, with a tokenizer.

The graph is written in ONNX's own format (protobuf), field by field, so that no test needs the
network or the package ``onnx``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer, Whitespace
from tokenizers.processors import TemplateProcessing

from tests.usecases.sentiment.conftest import SAID
from vouch.core.files import sha256, write_json
from vouch.engine import encoders
from vouch.engine.encoders import Artifact, Reading

WIDTH = 8
FLOAT, INT64 = 1, 7


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number: int, content: int | bytes | str) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


def value(name: str, kind: int, dimensions: list[str]) -> bytes:
    shape = b"".join(field(1, field(2, each)) for each in dimensions)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def onnx(table: np.ndarray, inputs: tuple[str, ...] = ("input_ids", "attention_mask")) -> bytes:
    """Return a model whose token states are the rows of a table."""
    node = field(1, "table") + field(1, "input_ids") + field(2, "last_hidden_state")
    sizes = b"".join(field(1, size) for size in table.shape)
    weights = sizes + field(2, FLOAT) + field(8, "table") + field(9, table.tobytes())
    graph = field(1, node + field(4, "Gather")) + field(2, "tiny") + field(5, weights)
    for name in inputs:
        graph += field(11, value(name, INT64, ["texts", "tokens"]))
    graph += field(12, value("last_hidden_state", FLOAT, ["texts", "tokens", "width"]))
    return field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph)


def write_encoder(place: Path, seed: int = 0, reading: Reading | None = None) -> Path:
    """Write an encoder that tells the generated texts' classes apart; return its folder."""
    words = sorted({w for texts in SAID.values() for t in texts for w in t.lower().split()})
    vocabulary = {"[UNK]": 0, "[CLS]": 1, **{word: n + 2 for n, word in enumerate(words)}}
    random = np.random.default_rng(seed)
    table = random.normal(0, 0.3, (len(vocabulary), WIDTH)).astype(np.float32)
    for label, texts in SAID.items():
        for word in {w for text in texts for w in text.lower().split()}:
            table[vocabulary[word], label] += 2
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 1)])
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(onnx(table))
    tokenizer.save(str(place / "tokenizer.json"))
    if reading:
        write_json(place / "encoder.json", reading.model_dump())
    return place


def write_bert(
    place: Path,
    seed: int = 0,
    reading: Reading | None = None,
    normalizer: Any = None,
    pre_tokenizer: Any = None,
) -> Path:
    """Write an encoder with BERT's inputs and word pieces; return its folder.

    Its pieces are the generated texts' words, and single characters: no text is unknown.
    """
    words = sorted({w for texts in SAID.values() for t in texts for w in t.lower().split()})
    characters = [chr(code) for code in range(33, 127) if not chr(code).isupper()] + [*"’“”…—é😍❤"]
    pieces = ["[PAD]", *words, *(f"##{each}" for each in characters), *characters]
    pieces = [*dict.fromkeys(pieces), "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    table = np.random.default_rng(seed).normal(0, 0.3, (len(pieces), WIDTH)).astype(np.float32)
    for label, texts in SAID.items():
        for word in {w for text in texts for w in text.lower().split()}:
            table[vocabulary[word], label] += 2
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer or BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizer or BertPreTokenizer()
    marks = [(mark, vocabulary[mark]) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    place.mkdir(parents=True)
    model = onnx(table, ("input_ids", "attention_mask", "token_type_ids"))
    (place / "model.onnx").write_bytes(model)
    tokenizer.save(str(place / "tokenizer.json"))
    if reading:
        write_json(place / "encoder.json", reading.model_dump())
    return place


def install(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Let an encoder be the one that is fetched, and be there."""
    patch.setenv(encoders.FOLDER, str(place.parent))
    digests = [sha256(place / name) for name in (encoders.MODEL, encoders.TOKENIZER)]
    artifact = Artifact(place.name, place.name, "", "", *digests, Reading())
    patch.setattr(encoders, "ARTIFACTS", (artifact,))
