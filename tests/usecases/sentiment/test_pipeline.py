"""From generated tweets to a registered model and its report, through the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from tests.browser import check_layout
from tests.project import dvc, vouch
from tests.usecases.sentiment.tiny_encoder import install, write_encoder
from vouch.cli import app
from vouch.core.files import read_json
from vouch.engine.encoders import Reading
from vouch.project.encoders import note
from vouch.registry.versions import CHAMPION, find
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.models import load

NAMES = ["id", "prediction", "score_negative", "score_neutral", "score_positive"]
TEXTS = ["I love it 😍", "", 'two\nlines, "quoted"', "never again", "👩‍👩‍👧👍🏽", "x " * 5_000]


def asked(project, *words):
    """Run a command in the project, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_run_ends_with_a_model_and_a_report(tweets_project):
    made = read_json(tweets_project / "data/register/sentiment/registration.json")
    assert (made["name"], made["version"]) == ("sentiment-tweets", 1)
    evaluation = read_json(tweets_project / "data/evaluate/sentiment/evaluation.json")
    measured, told = evaluation["out_of_fold"]["truth"], evaluation["holdout"]
    assert evaluation["metric"] == "macro_recall"
    assert told["rule_comparison"]["rival"] == "rule"
    assert ("macro_recall" in told["truth"]) == told["rule_comparison"]["promote"]
    assert "accuracy" not in told["truth"]
    assert measured["macro_recall"]["interval"][0] > 0.4 > measured["chance"]
    assert measured["slices"]
    page = (tweets_project / "data/report/sentiment/report.html").read_text()
    assert all(said in page for said in ("macro-recall against truth", "The surest mistakes"))
    assert all(name in page for name in CLASSES)


def test_a_second_run_changes_nothing_and_dvc_agrees(tweets_project, tmp_path):
    asked(tweets_project, "run", "sentiment", "--no-prefect", "--json", str(tmp_path / "o.json"))
    outcomes = read_json(tmp_path / "o.json")
    assert {outcome["status"] for outcome in outcomes} == {"unchanged"}
    assert len(outcomes) == 9
    assert "up to date" in dvc(tweets_project, "status").stdout


def test_people_get_a_days_texts_and_then_no_more(tweets_project, tmp_path):
    project = shutil.copytree(tweets_project, tmp_path / "project", symlinks=True)
    first = asked(project, "enqueue", "sentiment", "-n", "200", "--out", "tasks.json")
    assert "200 cases (150 margin, 50 random) -> tasks.json" in first
    assert "0 cases: more.csv is not written" in asked(
        project, "enqueue", "sentiment", "--out", "more.csv"
    )


def test_the_holdout_answers_and_the_life_of_a_model_is_told(tweets_project, tmp_path):
    out = asked(tweets_project, "holdout", "ask", "sentiment", "--metric", "accuracy")
    assert "accuracy against truth: 0." in out
    again = asked(tweets_project, "holdout", "ask", "sentiment", "--metric", "accuracy")
    assert again == out
    asked(tweets_project, "holdout", "status", "--json", str(tmp_path / "s.json"))
    (status,) = read_json(tmp_path / "s.json")
    assert (status["usecase"], status["source"]) == ("sentiment", "tweets")
    assert status["spent"] == 1 + ("with noise" in out)  # free where the training estimate holds
    assert "sentiment-tweets" in asked(tweets_project, "lineage", "sentiment-tweets:1")
    told = compared(tweets_project, "1", "champion", tmp_path / "c.json")
    rows = read_json(tweets_project / "data/gold/sentiment/extract.json")["rows"]["train"]
    assert (told["a"], told["b"]) == ("sentiment-tweets:1", "sentiment-tweets:1")
    assert told["decisions"]["rows_in_both"] == rows
    assert told["decisions"]["decided_differently"] == 0
    assert not any(told[part] for part in ("data", "labels", "metrics", "parameters"))


@pytest.mark.slow
def test_two_versions_are_compared(tweets_project, tmp_path):
    project = shutil.copytree(tweets_project, tmp_path / "project", symlinks=True)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["tune"]["sentiment"]["algorithms"] = ["linear_svm"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    done = vouch(project, "run", "sentiment", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    told = compared(project, "1", "2", tmp_path / "c.json")
    assert (told["a"], told["b"]) == ("sentiment-tweets:1", "sentiment-tweets:2")
    assert told["decisions"]["decided_differently"] > 0
    assert told["metrics"]
    assert told["parameters"]


def compared(project, one, other, path):
    names = [f"sentiment-tweets:{version}" for version in (one, other)]
    asked(project, "compare", *names, "--json", str(path))
    return read_json(path)


def scored(project, path, *words):
    out = path.with_name("scores.csv")
    told = asked(project, "score", "sentiment", "--path", str(path), "--out", str(out), *words)
    return pd.read_csv(out, float_precision="round_trip", dtype={"id": str}), told


@pytest.fixture(scope="module")
def model(tweets_project):
    return load(find(tweets_project / ".vouch", "sentiment-tweets", CHAMPION).model)


def test_a_file_of_ids_and_texts_is_scored_row_by_row(tweets_project, model, tmp_path):
    """All but the empty text, which no model learns from either."""
    path = tmp_path / "new.csv"
    rows = pd.DataFrame({"id": [f"9{n}" for n in range(len(TEXTS))][::-1], "text": TEXTS})
    rows.to_csv(path, index=False)
    words = ("--source", "tweeteval", "--model", "sentiment-tweets:champion")
    found, told = scored(tweets_project, path, *words)
    assert list(found.columns) == [*NAMES, "reason"]
    assert list(found["id"]) == list(rows["id"])
    assert "5 of 6 rows scored" in told
    assert found.loc[TEXTS.index(""), NAMES[1:]].isna().all()
    assert list(found["reason"].notna()) == [text == "" for text in TEXTS]
    there = rows["text"] != ""
    scores = found.loc[there, NAMES[2:]].to_numpy()
    np.testing.assert_array_equal(scores, model.predict(rows[there]))
    alone = np.array([model.predict_one(text) for text in rows["text"][there]])
    np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-12)
    assert list(found["prediction"][there]) == [CLASSES[n] for n in scores.argmax(axis=1)]
    labelled = rows.assign(label="neutral")
    labelled.to_csv(path, index=False)
    pd.testing.assert_frame_equal(scored(tweets_project, path, *words)[0], found)


def test_a_row_that_cannot_be_read_keeps_its_place(tweets_project, model, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("id,text,label\n1,gm,neutral\n2,gn,rather good\n3,never again,negative\n")
    words = ("--source", "tweeteval", "--model", "sentiment-tweets:champion")
    found, told = scored(tweets_project, path, *words)
    assert list(found["id"]) == ["1", "2", "3"]
    assert found.loc[1, NAMES[1:]].isna().all()
    assert found.loc[1, "reason"].startswith("label: 'rather good' is not a label")
    assert "2 of 3 rows scored" in told
    wanted = model.predict(pd.DataFrame({"text": ["gm", "never again"]}))
    np.testing.assert_array_equal(found.loc[[0, 2], NAMES[2:]].to_numpy(float), wanted)


def test_tweets_as_the_source_has_them_are_scored_without_their_labels(tweets_project, tmp_path):
    train = pd.read_parquet(tweets_project / "data/gold/sentiment/train.parquet").head(20)
    path = tmp_path / "new.csv"
    columns = ["id", "time", "text", "author", "asset", "followers", "retweets"]
    train[columns].to_csv(path, index=False)
    found, _ = scored(tweets_project, path)
    assert list(found["id"]) == list(train["id"])
    assert found[NAMES[2:]].sum(axis=1).to_numpy() == pytest.approx(1)


def test_the_report_is_readable_at_every_width(tweets_project, tmp_path):
    page = (tweets_project / "data/report/sentiment/report.html").read_text()
    assert check_layout(page, tmp_path) > 10


def test_an_encoder_that_comes_makes_the_search_stale_and_nothing_else(
    tweets_project, tmp_path, monkeypatch
):
    project = Path(shutil.copytree(tweets_project, tmp_path / "project", symlinks=True))
    assert note(project) == []
    place = write_encoder(tmp_path / "encoders/e5-small-v2", reading=Reading(cleaned=True))
    install(monkeypatch, place)
    assert note(project) == ["sentiment"]
    assert set(json.loads(dvc(project, "status", "--json").stdout)) == {"tune@sentiment"}
    monkeypatch.delenv("VOUCH_ENCODERS")
    monkeypatch.setenv("VOUCH_ENCODERS", str(tmp_path / "none"))
    assert note(project) == ["sentiment"]
    assert "up to date" in dvc(project, "status").stdout
