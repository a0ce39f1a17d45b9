"""Tables of texts: line breaks in quotes, odd characters, words that look like missing values."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError

TWEETS = """
name: tweets
usecase: sentiment
format: csv
columns:
  id: {role: id}
  text: {role: text}
  when: {role: time, optional: true}
  who: {role: author, optional: true}
  likes: {role: followers, optional: true}
  label: {role: label, optional: true}
"""


@pytest.fixture
def tweets(project):
    project.declare(TWEETS)
    return project


def table(*rows, header=("id", "text")):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return out.getvalue()


TEXTS = [
    "two\nlines",
    'said "no", then\n\n"yes"',
    "none",
    "NaN",
    "null",
    "N/A",
    "🚀🚀🚀",
    "עולה עולה ועולה",
    "\u202eright to left\u202c",
    "e\u0301 and é",
    "\ufffd broken elsewhere",
    "👩\u200d👩\u200d👧",
    "x" * 10_000,
    "0",
    "-1",
]


def test_texts_come_through_as_they_are(tweets):
    tweets.give(table(*enumerate(TEXTS)))
    assert tweets.ingest()["rejects"] == 0
    found = dict(tweets.bronze("CAST(id AS INT), text"))
    assert [found[n] for n in range(len(TEXTS))] == TEXTS


def test_a_row_after_a_text_of_two_lines_bears_its_own_line(tweets):
    tweets.give(table((1, "two\nlines"), (2, "one")))
    summary = tweets.ingest()
    assert sorted(tweets.bronze("id, line")) == [("1", 1), ("2", 3)]
    assert (summary["lines"], summary["rows"], summary["rejects"]) == (2, 2, 0)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("a\x00b", "a b"),
        ("a\x07\x1b[31mb", "a  [31mb"),
        ("a\x0bb\x0cc", "a b c"),
        ("a\tb", "a\tb"),
        ("a\u0085b\x7f", "a b"),
        (" \n spaced \u00a0\n", "spaced"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_control_characters_become_spaces_in_every_format(tweets, tmp_path, form, given, read):
    tweets.declare(TWEETS.replace("format: csv", f"format: {form}"))
    if form == "csv":
        tweets.give(table((1, given)))
    elif form == "jsonl":
        tweets.give(json.dumps({"id": "1", "text": given}) + "\n", "a.jsonl")
    else:
        import pandas as pd

        pd.DataFrame({"id": ["1"], "text": [given]}).to_parquet(tmp_path / "t.parquet")
        tweets.give((tmp_path / "t.parquet").read_bytes(), "a.parquet")
    tweets.ingest()
    assert tweets.bronze("text") == [(read,)]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ('2,""', "text: is empty"),
        ("2, ", "text: is empty"),
        ("2,a,b", "has 3 fields, not 2"),
        ('2,"never closed', "a quote is not closed"),
    ],
)
def test_a_bad_record_is_rejected_with_reason_and_line(tweets, rows, reason):
    tweets.give(table((1, "two\nlines")) + f"{rows}\n" + '3,"fine"\n')
    tweets.ingest()
    ((line, told),) = tweets.rejected()
    assert line == 3
    assert told.startswith(reason)
    assert sorted(tweets.bronze("id")) == [("1",), ("3",)]


def test_a_rejected_record_is_kept_as_it_was(tweets):
    tweets.give(table((1, "ok")) + '2,"two\nlines",x\n')
    tweets.ingest()
    found = duckdb.sql(f"SELECT raw FROM read_parquet('{tweets.rejects}')").fetchall()
    assert found == [('2,"two\nlines",x',)]


@pytest.mark.parametrize(
    ("values", "words", "labels"),
    [
        ("", ["negative", "Neutral", "POSITIVE", ""], [0, 1, 2, None]),
        (", values: [bearish, hold, bullish]", ["bullish", "Bearish", "hold"], [2, 0, 1]),
        (", values: [-1, 0, 1]", ["1", "0.0", "-1.0", "+1"], [2, 1, 0, 2]),
        (", values: [0, 2, 4]", ["4", "2", "0"], [2, 1, 0]),
        (", values: [1, 2, 3]", ["3.0", "2.0", "1.0"], [2, 1, 0]),
        (", values: [no, true, 2]", ["2", "TRUE", "No"], [2, 1, 0]),
    ],
)
def test_labels_are_what_is_declared(tweets, values, words, labels):
    tweets.declare(TWEETS.replace("role: label", "role: label" + values))
    rows = [(n, "text", word) for n, word in enumerate(words)]
    tweets.give(table(*rows, header=("id", "text", "label")))
    tweets.ingest()
    found = dict(tweets.bronze("CAST(id AS INT), label"))
    assert [found[n] for n in range(len(words))] == labels


def test_a_label_that_is_none_is_told(tweets):
    tweets.give(table((1, "a", "neutral"), (2, "b", "meh"), header=("id", "text", "label")))
    tweets.ingest()
    assert tweets.rejected() == [(2, "label: 'meh' is not a label (negative, neutral, positive)")]


@pytest.mark.parametrize("values", [("0", "2", "4"), ("-1", "0", "1"), ("1.0", "2.0", "3.0")])
def test_numbers_that_are_not_declared_as_labels_are_an_error(tweets, values):
    rows = [(n, "text", value) for n, value in enumerate((*values, "neutral", "neutral"))]
    tweets.give(table(*rows, header=("id", "text", "label")))
    with pytest.raises(VouchError, match="the label, has numbers") as caught:
        tweets.ingest()
    assert all(value in str(caught.value) for value in values)
    assert "values: [" in caught.value.hint


def test_without_time_nothing_is_invented(tweets):
    tweets.give(table((2, "b"), (1, "a")))
    assert tweets.ingest()["columns"] == ["id", "text"]
    assert tweets.bronze("id") == [("1",), ("2",)]


def test_a_missing_id_is_made_from_the_row(tweets):
    tweets.declare(TWEETS.replace("role: id", "role: id, optional: true"))
    tweets.give(table(("same",), ("same",), ("other",), header=("text",)))
    tweets.give(table((7, "given"), ("", "not given")))
    tweets.ingest()
    ids = [identity for (identity,) in tweets.bronze("id")]
    assert len(set(ids)) == 5
    assert "7" in ids
    assert sorted(i.split("-")[1] for i in ids if i != "7") == ["1", "1", "1", "2"]


def test_a_file_without_texts_is_told(tweets):
    tweets.give("id,text\n\n")
    with pytest.raises(VouchError, match="has a header and no rows"):
        tweets.ingest()


def test_an_author_called_none_is_somebody(tweets):
    tweets.give(table((1, "a", "none"), (2, "b", ""), header=("id", "text", "who")))
    tweets.ingest()
    assert tweets.bronze("author") == [("none",), (None,)]


ANYTHING = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(ANYTHING, min_size=1, max_size=6))
def test_every_record_is_a_row_or_a_reject(tweets, texts):
    tweets.manifest.clear()
    tweets.give(table((0, "fine"), *enumerate(texts, 1)))
    summary = tweets.ingest()
    assert summary["rows"] + summary["rejects"] == len(texts) + 1
    assert all(reason == "text: is empty" for _, reason in tweets.rejected())


SHIPPED = Path(__file__).parents[3] / "data" / "sources" / "tweets_csv.yaml"
WORDS = "[negative, neutral, positive]"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ("[0, 1, 2]", {"0": 0, "1": 1, "2": 2, "1.0": 1, "+2": 2}),
        ("[2, 0, 1]", {"0": 1, "1": 2, "2": 0}),
        ("[-1, 0, 1]", {"-1": 0, "0": 1, "1": 2}),
        ("[0.0, 1.0, 2.0]", {"0": 0, "1": 1, "2.0": 2}),
        ("['0', '2', '4']", {"0": 0, "2": 1, "4": 2}),
    ],
)
def test_numbers_are_labels_as_declared(project, values, labels):
    project.declare(SHIPPED.read_text().replace(WORDS, values))
    project.give(table(*enumerate(labels), header=("id", "label")).replace("id", "text", 1))
    assert project.ingest()["rejects"] == 0
    assert sorted(project.bronze("text, label")) == [
        (str(n), label) for n, label in enumerate(labels.values())
    ]


@pytest.mark.parametrize("values", [f", values: {WORDS}", ""])
@pytest.mark.parametrize("every", [1, 3])
def test_numbers_are_no_labels_where_words_are_declared(project, values, every):
    project.declare(SHIPPED.read_text().replace(f", values: {WORDS}", values))
    rows = [(n, f"text {n}", "neutral" if n % every else n % 2) for n in range(60)]
    project.give(table(*rows, header=("id", "text", "label")))
    with pytest.raises(VouchError, match=r"'label', the label, has numbers \(0, 1\)") as refused:
        project.ingest()
    assert "tweets_csv.yaml give 'label' values: [...]" in refused.value.hint
