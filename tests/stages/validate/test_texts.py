"""What is expected of texts, run by Great Expectations on rows written by hand."""

import json
from datetime import datetime, timedelta

import duckdb
import pytest
import yaml

from vouch.sources.declaration import load_declaration
from vouch.stages.validate import validate
from vouch.stages.validate.params import ValidateParams
from vouch.usecases.suite import derive_suite

START = datetime(2024, 1, 1)
COLUMNS = {
    "no": {"role": "id"},
    "when": {"role": "time", "optional": True},
    "words": {"role": "text"},
    "who": {"role": "author", "optional": True},
    "fans": {"role": "followers", "optional": True},
    "mood": {"role": "label", "optional": True},
    "sure": {"role": "label_confidence", "optional": True},
}
TYPES = {
    "label": "TINYINT",
    "followers": "DOUBLE",
    "label_confidence": "DOUBLE",
    "time": "TIMESTAMP",
}
ALIKE = "this is how markets work and nobody will ever tell you otherwise my friend {}"


def run(folder, rows, columns=("time", "author", "followers", "label", "label_confidence")):
    """Validate rows of a text and other values; each one's id is its number."""
    rule = {"name": "vader", "lexicon": "vader"}
    declared = {"name": "talk", "usecase": "sentiment", "format": "csv", "columns": COLUMNS}
    (folder / "talk.yaml").write_text(yaml.safe_dump({**declared, "rule": rule}))
    suite = derive_suite(load_declaration(folder / "talk.yaml"))
    (folder / "talk.json").write_text(json.dumps(suite))
    standard = {"time": START, "author": "ann", "followers": 1, "label": 1, "label_confidence": 0.5}
    full = [
        {"id": f"{n:03}", **{c: standard[c] for c in columns}, **row, "source": "talk", "file": "f",
         "line": n, "arrived_at": START + timedelta(days=9), "row_hash": f"h{n}"}
        for n, row in enumerate(rows, 1)
    ]  # fmt: skip
    (folder / "rows.json").write_text(json.dumps(full, default=str))
    fixed = {"line": "BIGINT", "arrived_at": "TIMESTAMP"} | TYPES
    types = {name: fixed.get(name, "VARCHAR") for name in full[0]}
    duckdb.sql(
        f"""COPY (SELECT * FROM read_json('{folder}/rows.json', columns = {types})
                  ORDER BY id) TO '{folder}/bronze.parquet' (FORMAT parquet)"""
    )
    out = {"rows": "silver", "quarantine": "quarantine"}
    return dict(
        validate(
            declaration=folder / "talk.yaml",
            suite=folder / "talk.json",
            bronze=folder / "bronze.parquet",
            **{name: folder / f"{file}.parquet" for name, file in out.items()},
            summary=folder / "validate.json",
            page=folder / "page.html",
            params=ValidateParams(),
        )
    )


def read(folder, name, what):
    return duckdb.sql(f"SELECT {what} FROM '{folder}/{name}.parquet' ORDER BY ALL").fetchall()


def failed(summary):
    return {e["notes"] or e["title"]: e["failed"] for e in summary["expectations"] if e["failed"]}


def test_what_no_text_can_be_is_quarantined(tmp_path):
    fine = [
        {"text": t, "label": n % 3} for n, t in enumerate(("🚀🚀", "none", "عولا", "x" * 10_000))
    ]
    wrong = [
        {"text": "x" * 10_001},
        {"text": "RT @bob: https://t.co/a &amp; <br>"},
        {"text": "a", "label": 7},
        {"text": "b", "label_confidence": 1.5},
        {"text": "c", "followers": -1},
        {"text": "d", "time": None},
    ]
    counts = run(tmp_path, [*fine, *wrong])["counts"]
    assert counts == {"in": 10, "silver": 4, "superseded": 0, "duplicates": 0, "quarantine": 6}
    told = dict(read(tmp_path, "quarantine", "id, expectation"))
    expected = (
        "text: value lengths",
        "without handles",
        "label: values to be in set",
        "label_confidence: values",
        "followers",
        "time: values to not be null",
    )
    for number, column in enumerate(expected, 5):
        assert column in told[f"{number:03}"]


def test_copies_scripts_and_rare_classes_are_told_and_kept(tmp_path):
    rows = [
        {"text": f"number {'abcdefghijklmnopqrstuvwxyz'[n]}", "label": 1 + n % 2} for n in range(22)
    ]
    rows += [
        {"text": "same"},
        {"text": "same"},
        {"text": ALIKE.format("ann")},
        {"text": "RT @ann: " + ALIKE.format("https://t.co/1")},
        {"text": "всё растёт", "label": 0},
    ]
    summary = run(tmp_path, rows)
    assert summary["counts"]["silver"] == len(rows)
    assert failed(summary) == {
        "text of no earlier id": 1,
        "text not nearly one of an earlier id": 1,
        "text mostly of Latin letters": 1,
        "label of a class of at least 5%": 1,
    }


def test_a_missing_class_is_told(tmp_path):
    summary = run(tmp_path, [{"text": "a", "label": 1}, {"text": "b", "label": 2}])
    assert any("label: distinct values to contain" in w for w in summary["warnings"])


def test_optional_columns_that_did_not_come_are_not_checked(tmp_path):
    summary = run(tmp_path, [{"text": "a"}, {"text": "b"}], columns=())
    assert summary["counts"]["silver"] == 2
    assert sum("not checked" in warning for warning in summary["warnings"]) == 7
    assert read(tmp_path, "silver", "known_at") == [(START + timedelta(days=9),)] * 2


@pytest.mark.parametrize("name", ["tweets", "tweeteval", "airline", "tweets_csv", "crypto"])
def test_every_source_of_texts_expects_something_of_them(name):
    from tests.project import ROOT

    suite = derive_suite(load_declaration(ROOT / f"data/sources/{name}.yaml"))
    assert sum("text" in str(e["kwargs"]) for e in suite["expectations"]) >= 6
