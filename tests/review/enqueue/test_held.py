"""People alone know the truth: cases of the holdout, what they prove, and what learns from them."""

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.project import vouch
from vouch.core.files import sha256
from vouch.holdout.keeper import model_digest
from vouch.results.evaluate import Evaluation
from vouch.results.label import Labelled
from vouch.results.register import Registration
from vouch.review.enqueue import enqueue
from vouch.review.queue import Queue


@pytest.fixture(scope="module")
def alone(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained project, in which nobody but people tells the truth."""
    project = tmp_path_factory.mktemp("alone") / "project"
    shutil.copytree(trained_project, project, symlinks=True)
    params = project / "params.yaml"
    assert "    - chargeback\n" in params.read_text()
    params.write_text(params.read_text().replace("    - chargeback\n", "", 1))
    run(project)
    return project


def run(project: Path) -> None:
    done = vouch(project, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def result(project: Path, kind, place: str):
    return kind.read(project / "data" / place)


def test_no_chargeback_is_used_where_they_are_not_in_force(alone):
    labelled = result(alone, Labelled, "labels/fraud/issued/label.json")
    assert not labelled.by_source["chargeback"]["in_force"]
    train = pd.read_parquet(alone / "data/gold/fraud/train.parquet")
    assert train["truth"].isna().all() and train["truth_known_at"].isna().all()
    assert set(train["label_source"]) == {"rule"}
    risk = [name for name in train if "fraud" in name or "known" in name]
    assert (train[[n for n in risk if train[n].dtype == "float32"]].fillna(0) == 0).all(axis=None)
    evaluated = result(alone, Evaluation, "evaluate/fraud/evaluation.json")
    assert evaluated.kind == "rule" and evaluated.holdout["truth"]["rows"] == 0
    gate = result(alone, Registration, "register/fraud/registration.json").gate
    assert not gate["better"] and gate["missing"]
    assert "vouch enqueue" in gate["reasons"][0]


def test_people_are_asked_about_the_holdout_blindly_and_nothing_learns_from_it(alone):
    cases = alone / "cases.csv"
    told = enqueue(alone, alone / ".vouch", "fraud", 40, cases)
    assert told["by_part"] == {"holdout": 20, "training": 20}
    rows = [row for row in read(cases) if row["part"] == "holdout"]
    assert {(row["prediction"], row["score"], row["reasons"]) for row in rows} == {("", "", "")}
    train = set(pd.read_parquet(alone / "data/gold/fraud/train.parquet", columns=["id"])["id"])
    assert not train & {row["entity"] for row in rows}
    queued = Queue(alone / ".vouch", "fraud", "simulated").all()
    assert [bool(case.context["rule"]) for case in queued] == [not case.blind for case in queued]
    assert all(case.context["headline"] for case in queued)
    wanted = pd.read_parquet(alone / "data/silver/fraud/rows.parquet").set_index("id")
    assert all(float(r["amount"]) == pytest.approx(wanted.amount[r["entity"]]) for r in rows)
    only = cases.with_name("held.csv")
    with only.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            row | {"decision": ("genuine", "fraud")[place < 5], "reviewer": "ada"}
            for place, row in enumerate(rows)
        )
    before = learned(alone)
    collected = vouch(alone, "collect", "fraud", "held.csv")
    assert collected.returncode == 0 and "20 on rows of the holdout" in collected.stdout
    run(alone)
    assert learned(alone) == before
    word = result(alone, Evaluation, "evaluate/fraud/evaluation.json").holdout["truth"]["people"]
    assert (word["drawn"], word["decided"], word["decisions"]) == (20, 20, 20)
    # what one person's word leaves open goes before a second one, blind again
    again = enqueue(alone, alone / ".vouch", "fraud", 8, alone / "more.csv")
    assert again["by_part"]["holdout"] == 4
    more = [row for row in read(alone / "more.csv") if row["part"] == "holdout"]
    assert {row["entity"] for row in more} & {row["entity"] for row in rows}
    assert {row["score"] for row in more} == {""}


def learned(project: Path) -> list[str]:
    """Return digests of the model, what it learned from and what it is measured on."""
    files = [project / f"data/gold/fraud/{name}" for name in ("train.parquet", "holdout.sealed")]
    return [*map(sha256, files), model_digest(project / "data/tune/fraud/model")]
