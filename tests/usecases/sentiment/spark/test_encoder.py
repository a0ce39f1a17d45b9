"""An encoder within Spark reads texts as scikit-learn's does, and each text once."""

import json
import os
import sqlite3
import subprocess
import sys
from html.entities import name2codepoint

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.ml.feature import SQLTransformer
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer, Whitespace

from tests.usecases.sentiment.tiny_encoder import write_bert, write_encoder
from vouch.core.errors import VouchError
from vouch.engine.encoders import Reading
from vouch.usecases.sentiment.cleaning import clean
from vouch.usecases.sentiment.embeddings import TWEETS, Encoder
from vouch.usecases.sentiment.spark.encoder import BLOCK, SparkEncoder
from vouch.usecases.sentiment.spark.reading import statement

pytestmark = pytest.mark.slow

ODD = [
    "",
    " ",
    "i love it",
    "😍❤️ ok",
    "née café",
    "a\tb\nc",
    r"it\u2019s \u201cso\u201d, C:\users \\ \n",
    'he said "no" {"text": 1}',
    "AT&amp;T &lt;3 &amp;amp;lt; <b>bold</b> <3 it&#39;s",
    "@bob @user, a@b.c see https://t.co/x!? t.co/y www.z.com",
    "i’m “so” … — done",
    "great! " * 200,
    "good\u00a0day 10\u202f000\u2007%",
    "a\ufeffb c\ufffdd e\x0bf\x0cg h\x85i j\u2028k",
    "don&#x27;t &#128514; &eacute;&hearts; it&#8217;s &#146;so&#146; &nbsp;&unheard; &#38;#39;",
    "&#xd83d;&#xde00; &#55357; &#0; a&#1;b &#x110000; &#9 &amp;#39;",
    r"I\u2019m so \ud83d",
    r"\ude00 \ud83d\ude00 \ud83d\ud83d\ude00 \ud83d\u0041 http://x.y/\ud83dz \u0000 \\ud83d",
    "A B É",
    "o" * 150,
    "o" * 100 + " " + "o" * 101 + " " + "中" * 120 + " " + "😍" * 101,
    "🫠 a🫠b",  # of Unicode 14, younger than Java 17
    "أإآ ガ が क़ \u0915\u093c שׁ ИйЇ ΣΑΣ İI",  # letters that are one with a mark
]
PIECES = [
    *("love", "hate", "@bob ", "http://x.y/z", "&amp;", "&lt;", "’", "“", "…", "😍", "🫠", "A"),
    *(r"\u2019", r"\ud83d", r"\ude00", "&#x27;", "&#8217;", "&eacute;", "\u00a0", "\ufeff"),
    "o" * 150,
]
TEXTS = st.lists(st.sampled_from([*PIECES, " ", "\n", *"abzé019.,!?#&<>\"'\\/_-"]), max_size=20)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_bert(
        tmp_path_factory.mktemp("encoders") / "tiny",
        reading=Reading(prefix="query: ", longest=40, cleaned=True),
    )


@pytest.mark.parametrize(
    "reading",
    [
        Reading(prefix="query: ", longest=96, cleaned=True),
        Reading(pooling="first", cleaned=True),
        Reading(longest=8),
        Reading(prefix="it's: "),
    ],
)
def test_vectors_are_scikit_learns_before_they_have_length_1(spark_nlp, tmp_path, reading):
    place = write_bert(tmp_path / "tiny", reading=reading)
    texts = [text for text in ODD if reading.cleaned or "\\u" not in text]
    vectors = SparkEncoder(place).embed(texts)
    np.testing.assert_allclose(unit(vectors), Encoder(place).embed(texts), rtol=0, atol=1e-5)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(TEXTS, min_size=30, max_size=60))
def test_any_text_is_read_as_scikit_learns_encoder_reads_it(spark_nlp, place, parts):
    texts = ["".join(part) for part in parts]
    vectors = SparkEncoder(place).embed(texts)
    np.testing.assert_allclose(unit(vectors), Encoder(place).embed(texts), rtol=0, atol=1e-5)


def test_the_names_of_html_4_are_undone(spark_nlp):
    texts = [f"a&{name};b &amp;{name};" for name in name2codepoint]
    table = spark_nlp.createDataFrame(pd.DataFrame({"row": range(len(texts)), "text": texts}))
    read = SQLTransformer(statement=statement(Reading(cleaned=True))).transform(table).toPandas()
    words = BertNormalizer(), BertPreTokenizer()
    for text, own in zip(texts, read.sort_values("row")["encoder_text"], strict=True):
        either = [words[0].normalize_str(one) for one in (own, clean(text, TWEETS))]
        parted = [[word for word, _ in words[1].pre_tokenize_str(one)] for one in either]
        assert parted[0] == parted[1], text


def test_encoders_of_one_session_are_not_mixed_up(spark_nlp, tmp_path):
    places = [write_bert(tmp_path / f"tiny-{seed}", seed) for seed in range(3)]
    own = [Encoder(place).embed(["i love it"]) for place in places]
    for _ in range(2):  # the second time each is there
        for place, expected in zip(places, own, strict=True):
            vector = unit(SparkEncoder(place).embed(["i love it"]))
            np.testing.assert_allclose(vector, expected, rtol=0, atol=1e-5)


def test_each_distinct_text_is_embedded_once_and_kept(spark_nlp, place, tmp_path):
    reports = []
    encoder = SparkEncoder(place, tmp_path / "kept.db", 2, lambda *state: reports.append(state))
    encoder.check()
    assert reports == []  # one text is no progress
    texts = [f"text {number % 30}" for number in range(90)]
    vectors = encoder.embed(texts)
    assert reports == [(30, 30, "texts embedded by tiny")]
    np.testing.assert_array_equal(encoder.embed(texts), vectors)
    assert len(reports) == 1
    again = Encoder(place, tmp_path / "kept.db")  # scikit-learn's are others
    np.testing.assert_allclose(np.linalg.norm(again.embed(texts), axis=1), 1, rtol=1e-6)
    with sqlite3.connect(tmp_path / "kept.db") as store:
        assert store.execute("SELECT count(*) FROM embedding").fetchone() == (60,)


KILLED = """
import os, sys
from pathlib import Path
from vouch.usecases.sentiment.spark.encoder import BLOCK, SparkEncoder
from vouch.usecases.sentiment.spark.session import driver, session
def progress(done, total, message):
    if done >= 2 * BLOCK:
        os.kill(driver(), 9)
        os.kill(os.getpid(), 9)
place, cache = map(Path, sys.argv[1:])
with session():
    SparkEncoder(place, cache, 2, progress).embed([f"text {n}" for n in range(3 * BLOCK)])
"""


def test_a_killed_run_goes_on_where_it_was(spark_nlp, place, tmp_path):
    cache = tmp_path / "kept.db"
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(place), str(cache)], env=os.environ, check=False
    )
    assert run.returncode == -9
    with sqlite3.connect(cache) as store:
        assert store.execute("SELECT count(*) FROM embedding").fetchone() == (2 * BLOCK,)
    reports = []
    encoder = SparkEncoder(place, cache, 2, lambda *state: reports.append(state))
    vectors = encoder.embed([f"text {number}" for number in range(3 * BLOCK)])
    assert vectors.shape == (3 * BLOCK, 8)
    assert [state[:2] for state in reports] == [(BLOCK, BLOCK)]


def test_files_that_spark_cannot_read_are_named(spark_nlp, tmp_path):
    words = write_encoder(tmp_path / "words")
    with pytest.raises(VouchError, match=r"tokenizer\.json: is no vocabulary of word pieces"):
        SparkEncoder(words).check()
    broken = write_bert(tmp_path / "broken")
    (broken / "model.onnx").write_text("neither")
    with pytest.raises(VouchError, match=r"model\.onnx: cannot embed texts: \S"):
        SparkEncoder(broken).check()
    (broken / "tokenizer.json").write_text("{}")
    with pytest.raises(VouchError, match=r"tokenizer\.json: cannot embed texts"):
        SparkEncoder(broken).check()
    (broken / "model.onnx").unlink()
    with pytest.raises(VouchError, match=r"no file 'model\.onnx'"):
        SparkEncoder(broken).check()


@pytest.mark.parametrize(
    "parts",
    [
        {"normalizer": BertNormalizer(lowercase=False)},
        {"normalizer": BertNormalizer(strip_accents=False)},
        {"normalizer": BertNormalizer(handle_chinese_chars=False)},
        {"normalizer": Lowercase()},
        {"pre_tokenizer": Whitespace()},
    ],
)
def test_words_that_spark_makes_otherwise_are_refused(tmp_path, parts):
    place = write_bert(tmp_path / "tiny", **parts)
    with pytest.raises(
        VouchError, match=r"tokenizer\.json: does not part and lower words"
    ) as error:
        SparkEncoder(place).check()
    assert "uncased BERT" in error.value.hint


def test_a_vocabulary_of_sentence_pieces_is_refused(tmp_path):
    place = write_bert(tmp_path / "tiny")
    content = json.loads((place / "tokenizer.json").read_text())
    pieces = [["<unk>", 0.0], ["▁love", -1.0]]
    content["model"] = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    (place / "tokenizer.json").write_text(json.dumps(content))
    Tokenizer.from_file(str(place / "tokenizer.json"))  # is one
    with pytest.raises(VouchError, match=r"tokenizer\.json: is no vocabulary of word pieces"):
        SparkEncoder(place).check()


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_encoder(spark_nlp, place, tmp_path):
    (tmp_path / "kept.db").mkdir()
    encoder = SparkEncoder(place, tmp_path / "kept.db")
    encoder.check()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):  # the command names it
        encoder.keep(["i love it"])


LOST = """
import os, sys
from pathlib import Path
from vouch.core.errors import VouchError
from vouch.usecases.sentiment.spark.encoder import BLOCK, SparkEncoder
from vouch.usecases.sentiment.spark.session import driver, session
place, cache = map(Path, sys.argv[1:])
java = None
def progress(done, total, message):
    os.kill(java, 9)
with session():
    java = driver()
    encoder = SparkEncoder(place, cache, 2, progress)
    encoder.check()
    for attempt in (encoder.keep, lambda texts: SparkEncoder(place).check()):
        try:
            attempt([f"text {n}" for n in range(2 * BLOCK)])
        except VouchError as error:
            print(error, "/", error.hint, flush=True)
    os._exit(0)
"""


def test_a_java_that_ends_is_named(place, tmp_path):
    command = [sys.executable, "-c", LOST, str(place), str(tmp_path / "kept.db")]
    run = subprocess.run(command, env=os.environ, check=False, capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if " / " in line]
    assert all(line.startswith("engine: Spark's Java ended") for line in lines), lines
    assert len(lines) == 2, run.stderr
    with sqlite3.connect(tmp_path / "kept.db") as store:
        assert store.execute("SELECT count(*) FROM embedding").fetchone() == (BLOCK,)


JOINED = """
import sys
from pathlib import Path
from pyspark import SparkConf
from pyspark.sql import SparkSession
from vouch.engine import spark
from vouch.usecases.sentiment.spark.encoder import SparkEncoder
place, shared = map(Path, sys.argv[1:])
conf = SparkConf().setAll([("spark.master", "local[1]"), *spark.nlp().items()])
SparkSession.builder.config(conf=conf).getOrCreate()
SparkEncoder(place).check()
assert not (shared / "model.onnx").exists()
(own,) = shared.glob("vouch-*")
assert [file.name for file in own.iterdir()] == ["model.onnx"]
"""


def test_beside_a_session_of_others_files_go_to_a_folder_of_their_own(place, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", JOINED, str(place), str(tmp_path)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert not [*tmp_path.glob("vouch-*")]  # gone with the process


def test_the_real_encoders_read_as_scikit_learns(spark_nlp, installed_encoders):
    for name in ("e5-small-v2", "bge-small-en-v1.5"):
        place = installed_encoders / name
        texts = [text for text in ODD if text.strip()]
        near = (unit(SparkEncoder(place).embed(texts)) * Encoder(place).embed(texts)).sum(axis=1)
        assert near.min() > 0.99  # int8: what the runtimes round is 0.003


def test_what_is_read_is_the_same_word_pieces(spark_nlp, installed_encoders):
    place = installed_encoders / "e5-small-v2"
    encoder, tokenizer = Encoder(place), Tokenizer.from_file(str(place / "tokenizer.json"))
    table = spark_nlp.createDataFrame(pd.DataFrame({"row": range(len(ODD)), "text": ODD}))
    read = SQLTransformer(statement=SparkEncoder(place).statement).transform(table).toPandas()
    for text, own in zip(ODD, read.sort_values("row")["encoder_text"], strict=True):
        assert tokenizer.encode(own).ids == tokenizer.encode(encoder._read(text)).ids, text
