"""Embeddings: one text at a time, each once, kept by content, whatever the encoder reads."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from tests.usecases.sentiment.tiny_encoder import write_encoder
from vouch.core.errors import VouchError
from vouch.engine.encoders import Reading
from vouch.usecases.sentiment.embeddings import BATCH, Encoder

TEXTS = ["i love it", "", "the meeting is at noon", "i love it", "x" * 5_000]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


def test_a_text_is_the_mean_of_its_words_at_length_1(place):
    ids = Tokenizer.from_file(str(place / "tokenizer.json")).encode("i love it").ids
    session = InferenceSession(str(place / "model.onnx"), providers=["CPUExecutionProvider"])
    one = {"attention_mask": np.array([[1]])}
    states = [session.run(None, {"input_ids": np.array([[i]]), **one})[0][0, 0] for i in ids]
    mean = np.mean(states, axis=0)
    (vector,) = Encoder(place).embed(["i love it"])
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.text(max_size=30) | st.sampled_from(TEXTS), max_size=8))
def test_a_text_alone_or_among_others_kept_or_not_is_the_same_to_the_bit(place, tmp_path, texts):
    alone, kept = Encoder(place), Encoder(place, tmp_path / "kept.db", 2)
    wanted = [alone.embed([text])[0] for text in texts]
    for encoder in (alone, kept, kept):
        vectors = encoder.embed(texts)
        assert vectors.shape == (len(texts), 8)
        for vector, expected in zip(vectors, wanted, strict=True):
            np.testing.assert_array_equal(vector, expected)
    np.testing.assert_allclose(np.linalg.norm(kept.embed(TEXTS), axis=1), 1, rtol=1e-6)


def test_the_first_token_a_prefix_and_tweets_are_read_as_declared(tmp_path):
    plain = Encoder(write_encoder(tmp_path / "plain"))
    first = Encoder(write_encoder(tmp_path / "first", reading=Reading(pooling="first")))
    vectors = first.embed(["i love it", "never again, terrible"])
    np.testing.assert_array_equal(vectors[0], vectors[1])  # [CLS] has one vector here
    prefixed = Encoder(write_encoder(tmp_path / "prefixed", reading=Reading(prefix="love it ")))
    np.testing.assert_array_equal(prefixed.embed(["noon"]), plain.embed(["love it noon"]))
    tweets = Encoder(write_encoder(tmp_path / "tweets", reading=Reading(cleaned=True)))
    text = "love &amp; peace @somebody https://t.co/abc"
    np.testing.assert_array_equal(tweets.embed([text]), plain.embed(["love & peace @user http"]))
    short = Encoder(write_encoder(tmp_path / "short", reading=Reading(longest=3)))
    np.testing.assert_array_equal(short.embed(["love it at noon"]), plain.embed(["love it"]))


def test_each_distinct_text_is_embedded_once_and_progress_is_shown(place, tmp_path):
    reports = []
    encoder = Encoder(place, tmp_path / "kept.db", 1, lambda *state: reports.append(state))
    encoder.embed([f"text {number % 300}" for number in range(900)])
    assert [(done, total) for done, total, _ in reports] == [
        (BATCH, 300),
        (2 * BATCH, 300),
        (300, 300),
    ]
    assert "tiny" in reports[0][2]
    encoder.embed([f"text {number}" for number in range(301)])
    assert reports[3:] == [(1, 1, reports[0][2])]


def test_encoders_do_not_share_what_is_kept(tmp_path):
    one = Encoder(write_encoder(tmp_path / "one"), tmp_path / "kept.db")
    other = Encoder(write_encoder(tmp_path / "other", seed=1), tmp_path / "kept.db")
    assert one.identity != other.identity
    assert not np.array_equal(one.embed(["love"]), other.embed(["love"]))


@pytest.mark.parametrize("fault", ["no database", "cut off", "garbled inside"])
def test_a_damaged_file_of_embeddings_is_begun_anew(fault, place, tmp_path):
    cache, texts = tmp_path / "kept.db", [f"text {number}" for number in range(500)]
    expected = Encoder(place, cache).embed(texts)
    whole = cache.read_bytes()
    cache.write_bytes(
        {
            "no database": b"x" * 5_000,
            "cut off": whole[: len(whole) // 2],
            "garbled inside": whole[:4_096] + b"\xff" * (len(whole) - 4_096),
        }[fault]
    )
    np.testing.assert_array_equal(Encoder(place, cache).embed(texts), expected)
    with sqlite3.connect(cache) as store:
        assert store.execute("SELECT count(*) FROM embedding").fetchone() == (500,)


KILLED = """
import os, sys
from pathlib import Path
from vouch.usecases.sentiment.embeddings import BATCH, Encoder
def progress(done, total, message):
    if done >= 2 * BATCH:
        os.kill(os.getpid(), 9)
place, cache = map(Path, sys.argv[1:])
Encoder(place, cache, 2, progress).embed([f"text {n}" for n in range(5 * BATCH)])
"""


def test_a_killed_run_goes_on_where_it_was(place, tmp_path):
    cache = tmp_path / "kept.db"
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(place), str(cache)], env=os.environ, check=False
    )
    assert run.returncode == -9
    with sqlite3.connect(cache) as store:
        assert store.execute("SELECT count(*) FROM embedding").fetchone() == (2 * BATCH,)
    reports = []
    encoder = Encoder(place, cache, 2, lambda *state: reports.append(state))
    texts = [f"text {number}" for number in range(5 * BATCH)]
    np.testing.assert_array_equal(encoder.embed(texts), Encoder(place).embed(texts))
    assert reports[-1][:2] == (3 * BATCH, 3 * BATCH)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(VouchError, match=r"no file 'model\.onnx'"):
        Encoder(Path(tmp_path)).embed(["text"])


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("content", ["", "{}", "neither"])
def test_files_that_are_no_encoder_are_named(tmp_path, file, content):
    place = write_encoder(tmp_path / "tiny")
    (place / file).write_text(content)
    with pytest.raises(VouchError, match=rf"{re.escape(file)}: cannot embed texts: \S"):
        Encoder(place).check()


def test_a_tokenizer_of_another_model_is_an_error(tmp_path):
    place = write_encoder(tmp_path / "tiny")
    words = {"[UNK]": 0, "text": 10_000}  # the table ends long before
    Tokenizer(WordLevel(words, unk_token="[UNK]")).save(str(place / "tokenizer.json"))
    with pytest.raises(VouchError, match=r"model\.onnx: cannot embed texts") as error:
        Encoder(place).check()
    assert "ONNX export" in error.value.hint


def test_the_real_encoders_tell_texts_apart(installed_encoders):
    near, far = "what a lovely day", "the train was late again and i am furious"
    for name in ("e5-small-v2", "bge-small-en-v1.5"):
        encoder = Encoder(installed_encoders / name)
        same, close, other = encoder.embed(["such a wonderful day", near, far])
        assert same @ close > same @ other
        assert encoder.dimensions == 384
