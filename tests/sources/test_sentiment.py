"""The use case sentiment through its first stages, in a project whose inputs have it."""

import os
from pathlib import Path

import duckdb
import pytest

from tests.project import copy_checkout, vouch
from vouch.core.files import read_json
from vouch.project.inputs import choose

REAL = os.environ.get("VOUCH_REAL_DATA", "")
STAGES = ("ingest", "validate", "label")
FILES = {
    "tweeteval": ("sentiment/tweeteval_val.csv", 2_000, 2_000),
    "airline": ("sentiment/airline_tweets.csv", 14_640, 14_640),
    "crypto": ("crypto/crypto_tweets.csv", 1_199, 0),
}


def run(root: Path) -> dict:
    for stage in STAGES:
        done = vouch(root, "stage", stage, "sentiment")
        assert done.returncode == 0, done.stdout + done.stderr
    return {
        "ingest": read_json(root / "data/bronze/sentiment/ingest.json"),
        "validate": read_json(root / "data/silver/sentiment/validate.json"),
        "label": read_json(root / "data/labels/sentiment/issued/label.json"),
    }


@pytest.mark.slow  # a run of the whole pipeline goes the same way with fewer rows
def test_generated_tweets_become_labelled_rows(tmp_path):
    root = copy_checkout(tmp_path / "project")
    source = root / "data/sources/tweets.yaml"
    source.write_text(source.read_text().replace("rows: 20000", "rows: 1000"))
    choose(root, "sentiment", "tweets")
    told = run(root)
    assert (told["ingest"]["rows"], told["ingest"]["rejects"]) == (1_000, 0)
    assert told["validate"]["counts"]["silver"] + told["validate"]["counts"]["quarantine"] == 1_000
    by_source = told["label"]["by_source"]
    assert by_source.keys() == {"rule", "given"}
    assert all(sum(row["by_class"].values()) == row["issues"]
               for row in by_source.values())  # fmt: skip
    rows = duckdb.sql(f"DESCRIBE FROM '{root}/data/silver/sentiment/rows.parquet'").fetchall()
    assert {name for name, *_ in rows} >= {"id", "time", "text", "author", "asset", "label"}
    assert "true_label" not in {name for name, *_ in rows}


@pytest.mark.skipif(not REAL, reason="VOUCH_REAL_DATA is not set: no real tweets to read")
@pytest.mark.parametrize("name", FILES)
def test_real_tweets_are_read_whole(tmp_path, name):
    root = copy_checkout(tmp_path / "project")
    file, rows, labelled = FILES[name]
    choose(root, "sentiment", name, path=Path(REAL) / file)
    told = run(root)
    assert (told["ingest"]["lines"], told["ingest"]["rejects"]) == (rows, 0)
    assert told["validate"]["counts"]["in"] == rows
    assert told["label"]["by_source"].get("given", {}).get("issues", 0) == labelled
