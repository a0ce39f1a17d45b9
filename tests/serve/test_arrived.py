"""Rows that came since the last training: scored by the champion, and put before people."""

import csv
import io
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tests.project import copy_checkout, shrink, vouch
from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.project.intake import take
from vouch.registry.versions import find
from vouch.review.enqueue import enqueue
from vouch.serve.arrived import score_arrived, write_arrived
from vouch.sources.paysim import simulate
from vouch.usecases.fraud.models import load

STATE = Path(".vouch")


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Path:
    """A trained project to whose data a second file has come."""
    root = copy_checkout(tmp_path_factory.mktemp("grown") / "project")
    shrink(root)
    rows = simulate(10_000, 1).to_pandas()
    late = rows["step"] > rows["step"].quantile(0.8)
    rows[~late].to_csv(root / "first.csv", index=False)
    rows[late].to_csv(root / "second.csv", index=False)
    run = ("run", "fraud", "--source", "paysim", "--path", "first.csv", "--no-prefect")
    done = vouch(root, *run)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(root / "data/gold/fraud/train.parquet", root / "before.parquet")
    with chdir(root):  # DVC finds paths from the present folder
        console = Console(file=io.StringIO())
        assert take(Path(), "fraud", [Path("second.csv")], console).files
    return root


@pytest.fixture
def root(grown, tmp_path, monkeypatch) -> Path:
    shutil.copytree(grown, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return Path()


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_what_the_last_training_did_not_have_is_scored_as_the_champion_would(root):
    arrived = score_arrived(root, STATE, "fraud")
    train = pd.read_parquet("data/gold/fraud/train.parquet").set_index("id")
    before = set(pd.read_parquet("before.parquet", columns=["id"])["id"])
    assert set(arrived.rows["id"]) == set(train.index) - before
    assert len(arrived.rows) > 1000
    assert str(arrived.version) == "fraud-paysim:1"
    fitted = load(arrived.version.model)
    expected = fitted.predict(train.loc[arrived.rows["id"]].reset_index())
    assert np.array_equal(arrived.rows[["score_0", "score_1"]].to_numpy(), expected)


def test_neither_the_holdout_nor_what_is_kept_for_the_next_is_scored(root):
    arrived = score_arrived(root, STATE, "fraud")
    silver = pd.read_parquet("data/silver/fraud/rows.parquet", columns=["id", "payer"])
    gold = pd.read_parquet("data/gold/fraud/train.parquet", columns=["id"])
    elsewhere = set(silver["id"]) - set(gold["id"])
    assert elsewhere and elsewhere.isdisjoint(arrived.rows["id"])


def test_how_unlike_the_learned_rows_each_is_can_be_asked_for(root):
    plain, arrived = (score_arrived(root, STATE, "fraud", each) for each in (False, True))
    assert "novelty" not in plain.rows and arrived.rows["novelty"].between(0, 1).all()
    pd.testing.assert_frame_equal(arrived.rows.drop(columns="novelty"), plain.rows)
    told = enqueue(root, STATE, "fraud", 40, Path("cases.csv"))
    rows = read("cases.csv")
    assert told["by_stream"]["novelty"] in (7, 8)  # a quarter of those not drawn at random
    unlike = [row["entity"] for row in rows if row["why"].startswith("it is unlike")]
    late = arrived.rows["time"] > arrived.rows["time"].max() - pd.Timedelta(days=3)
    parts = (arrived.rows, arrived.rows[late])  # a share comes from the last days first
    assert set(unlike) <= {id for part in parts for id in part.nlargest(40, "novelty")["id"]}


def test_new_rows_like_what_people_found_are_asked_about_unless_their_truth_came(root):
    path = "data/gold/fraud/train.parquet"
    gold = pd.read_parquet(path)
    late = gold.index[gold["time"] > gold["time"].max() - pd.Timedelta(days=3)]
    gold.loc[late[::2], "label_source"] = "rule"  # whose chargebacks did not come yet
    found = late[gold.loc[late, "type_payment"] == 1][::5]
    gold.loc[found, "label"], gold.loc[found, "label_source"] = 1, "reviewer"
    gold.to_parquet(path)
    told = enqueue(root, STATE, "fraud", 40, Path("cases.csv"))
    like = [row["entity"] for row in read("cases.csv") if row["why"].startswith("people found")]
    assert told["by_stream"]["similar"] == len(like) >= 1
    rows = gold.set_index("id").loc[like]
    assert set(rows["label_source"]) == {"rule"}
    assert set(rows.index) <= set(gold["id"][late])


def test_the_file_has_every_row_the_surest_first(root):
    out = Path("data/outbox/fraud/new_rows.csv")
    written = write_arrived(root, STATE, "fraud", out)
    rows = pd.read_csv(out)
    assert len(rows) == written["rows"] == sum(written["predicted"].values())
    assert list(rows) == ["id", "time", "prediction", "score_genuine", "score_fraud", "model"]
    assert rows["score_fraud"].is_monotonic_decreasing
    assert set(rows["model"]) == {"fraud-paysim:1"}
    assert (rows["prediction"] == "fraud").sum() == written["predicted"]["fraud"]


def test_people_are_asked_about_both_parts_and_a_case_says_which(root):
    told = enqueue(root, STATE, "fraud", 40, Path("cases.csv"))
    rows, new = read("cases.csv"), set(score_arrived(root, STATE, "fraud").rows["id"])
    assert told["by_part"]["new"] >= 15  # half of those not drawn at random
    assert told["by_part"] == dict(pd.Series([row["part"] for row in rows]).value_counts())
    assert all((row["entity"] in new) == (row["part"] == "new") for row in rows)
    assert all(row["reasons"] and row["amount"] for row in rows)
    drawn = [row for row in rows if row["why"].startswith("drawn at random")]
    assert len(drawn) == 10 and {row["part"] for row in drawn} <= {"new", "training"}


def test_a_model_of_other_columns_is_refused_by_name(root):
    path = Path("data/gold/fraud/train.parquet")
    lost = read_json(find(STATE, "fraud-paysim", "1").model / "candidate.json")["features"][-1]
    pd.read_parquet(path).drop(columns=lost).to_parquet(path)
    with pytest.raises(VouchError, match=f"no column '{lost}', which fraud-paysim:1"):
        score_arrived(root, STATE, "fraud")


def test_rows_that_cannot_be_scored_leave_the_other_cases(root, monkeypatch):
    def refuse(*args):
        raise VouchError("no column 'x'", "train anew")

    monkeypatch.setattr("vouch.review.enqueue.cases.score_arrived", refuse)
    told = enqueue(root, STATE, "fraud", 4, Path("cases.csv"))
    assert told["by_part"] == {"training": 4}
    assert "no column 'x' (train anew)" in told["warnings"][0]


def test_without_a_model_nothing_is_scored(fresh_project):
    assert score_arrived(fresh_project, fresh_project / STATE, "fraud") is None
    out = fresh_project / "new_rows.csv"
    assert write_arrived(fresh_project, fresh_project / STATE, "fraud", out) is None
    assert not out.exists()
