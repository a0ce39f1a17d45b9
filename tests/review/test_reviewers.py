"""Simulated reviewers, measured: do they err as often, and where, as those they are made after?"""

import csv
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from tests.project import ROOT
from vouch.cli import app
from vouch.core.errors import VouchError
from vouch.review.reviewers import KAPPA, PERFECT, class_mix, costs, decide, drawn, fill, team

SIZE = 6_000
NAMES = {2: ("genuine", "fraud"), 3: ("negative", "neutral", "positive")}
COLUMNS = ["case", "entity", "why", "score", "prediction", "decision", "reviewer", "comment"]


def mix(classes, seed=0):
    random = np.random.default_rng(seed)
    truth = random.choice(classes, SIZE, p=class_mix(classes))
    return truth, [f"c{i}" for i in range(SIZE)], [f"e{i}" for i in range(SIZE)]


def answers(reviewer, classes, cost=None, seed=1):
    truth, cases, entities = mix(classes)
    cost = np.full(SIZE, 0.5) if cost is None else cost
    return truth, decide(reviewer, cases, entities, truth, cost, classes, seed)


@pytest.mark.parametrize("classes", [2, 3])
def test_fifty_reviewers_span_the_published_kappas(classes):
    measured = [cohen_kappa_score(*answers(one, classes)) for one in team(50, 1)]
    asked = [one.kappa for one in team(50, 1)]
    assert np.abs(np.array(measured) - asked).max() < 0.1
    assert min(measured) < KAPPA[0] + 0.06
    assert max(measured) > KAPPA[1] - 0.06
    assert np.median(measured) == pytest.approx(np.mean(KAPPA), abs=0.05)


@pytest.mark.parametrize("classes", [2, 3])
def test_hard_cases_are_hard_for_everybody(classes):
    _, _, entities = mix(classes)
    hard = drawn(entities, "1:hard")
    for reviewer in team(10, 3):
        wrong = np.not_equal(*answers(reviewer, classes))
        assert wrong[hard > 0.75].mean() > 1.5 * wrong[hard < 0.25].mean()


def test_costly_errors_are_rarer():
    truth, *_ = mix(2)
    amounts = pd.Series(np.random.default_rng(5).lognormal(11, 1.5, SIZE))
    cost = costs(amounts)
    assert np.median(cost) == pytest.approx(0.5)
    wrong = np.array([np.not_equal(*answers(one, 2, cost)) for one in team(20, 1)]).mean(axis=0)
    for label in (0, 1):
        own = truth == label
        assert wrong[own & (cost > 0.7)].mean() < 0.8 * wrong[own & (cost < 0.3)].mean()


def test_the_contrary_is_said_less_often_than_the_neighbour():
    said = [answers(one, 3) for one in team(10, 1)]
    truth, all_said = np.concatenate([t for t, _ in said]), np.concatenate([s for _, s in said])
    for extreme in (0, 2):
        own = all_said[truth == extreme]
        assert (own == 2 - extreme).sum() == pytest.approx((own == 1).sum() / 2, rel=0.15)


def test_a_decision_depends_on_seed_reviewer_and_case_alone():
    truth, cases, entities = mix(2)
    cost = np.full(SIZE, 0.5)
    first, second = team(2, 1)
    whole = decide(first, cases, entities, truth, cost, 2, 1)
    part = slice(100, 400)
    again = decide(first, cases[part], entities[part], truth[part], cost[part], 2, 1)
    assert (again == whole[part]).all()
    assert (decide(second, cases, entities, truth, cost, 2, 1) != whole).any()
    assert (decide(first, cases, entities, truth, cost, 2, 2) != whole).any()
    assert team(50, 1) == team(50, 1) != team(50, 2)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_perfect_never_err(classes):
    for reviewer in team(3, 1, PERFECT):
        truth, said = answers(reviewer, classes)
        assert (truth == said).all()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Silver of forty payments, one in two versions, one without truth; and a file of cases."""
    silver = pd.DataFrame({"id": [f"e{i:02}" for i in range(40)], "amount": np.arange(40.0)})
    silver["label"] = pd.array([i % 2 for i in range(39)] + [None], dtype="Int8")
    silver["superseded_at"] = pd.NaT
    old = silver.iloc[:1].assign(label=1, superseded_at=pd.Timestamp("2024-01-01"))
    path = tmp_path / "data/silver/fraud/rows.parquet"
    path.parent.mkdir(parents=True)
    pd.concat([old, silver]).to_parquet(path)
    cases = pd.DataFrame("", index=range(40), columns=COLUMNS)
    cases["case"], cases["entity"] = [f"fraud-{i}" for i in range(40)], silver["id"]
    cases.loc[3, ["decision", "reviewer"]] = "fraud", "ann"
    cases.to_csv(tmp_path / "cases.csv", index=False)
    for name in ("inputs.yaml", "sources/simulated.yaml"):
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "data" / name, tmp_path / "data" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["simulate", "reviewers", *words])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_perfect_write_the_truth(project):
    told = run("fraud", "cases.csv", "--out", "decided.csv", "--perfect")
    assert told.exit_code == 0, told.output
    assert "38 decisions on 40 cases" in told.output
    assert "1 left undecided" in told.output
    found = rows(project / "decided.csv")
    assert list(found[0]) == COLUMNS
    assert [row["case"] for row in found] == [f"fraud-{i}" for i in range(40)]
    assert (found[3]["decision"], found[3]["reviewer"]) == ("fraud", "ann")
    assert (found[39]["decision"], found[39]["reviewer"]) == ("", "")
    del found[39], found[3]
    for row in found:
        assert row["decision"] == NAMES[2][int(row["entity"][1:]) % 2]
        assert row["reviewer"].startswith("reviewer-")
        assert row["comment"] == ""


def test_each_case_goes_to_so_many_different_people(project):
    assert run("fraud", "cases.csv", "--out", "a.csv", "--each", "3").exit_code == 0
    found = pd.DataFrame(rows(project / "a.csv"))
    asked = found[~found["case"].isin(["fraud-3", "fraud-39"])]
    assert (asked.groupby("case")["reviewer"].nunique() == 3).all()
    assert len(asked) == 3 * 38
    assert asked["reviewer"].nunique() > 20
    assert run("fraud", "cases.csv", "--out", "b.csv", "--each", "3").exit_code == 0
    assert (project / "a.csv").read_bytes() == (project / "b.csv").read_bytes()
    assert run("fraud", "cases.csv", "--out", "b.csv", "--each", "3", "--seed", "2").exit_code == 0
    assert (project / "a.csv").read_bytes() != (project / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fraud", "none.csv"), "none.csv: no such file"),
        (("froud", "cases.csv"), "no use case 'froud'"),
        (("sentiment", "cases.csv"), "data/silver/sentiment/rows.parquet: no such file"),
        (("fraud", "cases.csv", "--each", "51"), "51 reviewers a case, but there are 50"),
    ],
)
def test_mistakes_are_told(project, words, said):
    told = run(*words, "--out", "decided.csv")
    assert isinstance(told.exception, VouchError)
    assert said in str(told.exception)
    assert not (project / "decided.csv").exists()


def test_a_file_that_holds_no_cases_is_told(project):
    (project / "other.csv").write_text("id,text\n1,hello\n")
    with pytest.raises(VouchError, match="no column 'case'"):
        fill(project, "fraud", project / "other.csv", project / "out.csv", team(2, 1), 1, 1)


def test_without_labels_nobody_knows_the_truth(project):
    path = project / "data/silver/fraud/rows.parquet"
    pd.read_parquet(path).drop(columns="label").to_parquet(path)
    with pytest.raises(VouchError, match="nobody knows the truth"):
        fill(project, "fraud", project / "cases.csv", project / "out.csv", team(2, 1), 1, 1)


def test_a_run_of_more_classes_than_are_declared_is_told(project):
    path = project / "data/silver/fraud/rows.parquet"
    silver = pd.read_parquet(path)
    silver.loc[silver["id"] == "e07", "label"] = 3
    silver.to_parquet(path)
    with pytest.raises(VouchError, match=r"to 3, but .* are 2 .*run is of others") as caught:
        fill(project, "fraud", project / "cases.csv", project / "out.csv", team(2, 1), 1, 1)
    assert caught.value.hint == "run: vouch run fraud"
    assert not (project / "out.csv").exists()
