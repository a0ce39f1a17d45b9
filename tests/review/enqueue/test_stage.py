import csv
import json
import shutil
import signal
import subprocess
import sys
from datetime import datetime

import pandas as pd
import pytest
import yaml

from tests.project import vouch
from vouch.core.errors import VouchError
from vouch.results.context import Context
from vouch.review.collect import collect
from vouch.review.enqueue import enqueue
from vouch.review.enqueue.stage import KILLED, again, withdraw
from vouch.review.queue import Queue
from vouch.sources.declaration import load_declaration
from vouch.usecases import find

STATE = ".vouch"


def put(project, n, name="cases.csv"):
    return enqueue(project, project / STATE, "fraud", n, project / name)


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_cases_come_from_training_rows_with_facts_and_reasons(project):
    told = put(project, 8)
    rows = read(project / "cases.csv")
    assert told["by_stream"] == {"disagreement": 2, "margin": 2, "random": 2, "value": 2}
    assert told["model"] == "fraud-simulated:1"
    train = pd.read_parquet(project / "data/gold/fraud/train.parquet").set_index("id")
    amounts = train.loc[[row["entity"] for row in rows], "amount"]  # fails for a holdout row
    assert [float(row["amount"]) for row in rows] == pytest.approx(amounts.tolist())
    assert all(row["reasons"] for row in rows)
    assert "label" not in rows[0]


def test_a_case_keeps_what_its_row_stood_among(project):
    put(project, 8)
    source = load_declaration(project / "data/sources/simulated.yaml")
    cases = Queue(project / STATE, "fraud", "simulated").all()
    silver, ids = project / "data/silver/fraud/rows.parquet", [case.entity for case in cases]
    contexts = find("fraud").context(source, silver, ids)
    for case, context in zip(cases, contexts, strict=True):
        assert Context.model_validate(case.context) == context
        assert context.amount == pytest.approx(case.facts["amount"])
        assert context.rule and context.headline and context.flow.edges


def test_a_case_is_never_put_out_twice(project):
    put(project, 20)
    put(project, 30, "more.csv")
    cases = [row["entity"] for name in ("cases.csv", "more.csv") for row in read(project / name)]
    assert len(cases) == len(set(cases)) == 50


def test_a_day_has_a_capacity(project):
    path = project / "data/sources/simulated.yaml"
    path.write_text(path.read_text().replace("capacity: 100", "capacity: 12"))
    put(project, 10)
    told = put(project, 10, "more.csv")
    assert told["cases"] == 2
    assert "2 cases of the day's 12" in told["warnings"][0]
    spent = put(project, None, "none.csv")
    assert spent["cases"] == 0
    assert spent["warnings"] == [
        "0 cases of the day's 12 (capacity in data/sources/simulated.yaml) are left"
    ]
    assert not (project / "none.csv").exists()


def test_a_lost_file_is_written_again(project):
    put(project, 6)
    first = (project / "cases.csv").read_text()
    (project / "cases.csv").unlink()
    again(project, project / STATE, "fraud", project / "cases.csv")
    assert sorted((project / "cases.csv").read_text().splitlines()) == sorted(first.splitlines())


def test_without_cases_there_is_no_file(project):
    again(project, project / STATE, "fraud", project / "cases.csv")
    assert not (project / "cases.csv").exists()


def test_what_is_taken_back_may_be_chosen_again(project):
    put(project, 6)
    before = {row["entity"] for row in read(project / "cases.csv")}
    assert withdraw(project, project / STATE, "fraud") == 6
    put(project, 6, "more.csv")
    assert {row["entity"] for row in read(project / "more.csv")} == before


def test_a_write_that_fails_leaves_the_cases_to_be_written_again(project, monkeypatch):
    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr("vouch.review.enqueue.stage.write_cases", full)
    with pytest.raises(OSError, match="disk full"):
        put(project, 5)
    monkeypatch.undo()
    assert again(project, project / STATE, "fraud", project / "cases.csv")["cases"] == 5


DIES = """
import os, signal, sys
from pathlib import Path
from vouch.review import enqueue
from vouch.review.enqueue import pending, stage

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

place, name, before = sys.argv[1:]
target = {"put": stage.Queue, "write_cases": stage, "forget": pending.Pending}[name]
real = getattr(target, name)
setattr(target, name, die if before == "before" else lambda *a: (real(*a), die()))
root = Path(place)
stage.enqueue(root, root / ".vouch", "fraud", 5, root / "cases.json")
"""


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("write_cases", "after"),
        *(
            pytest.param(name, moment, marks=pytest.mark.slow)
            for name in ("put", "write_cases", "forget")
            for moment in ("before", "after")
            if (name, moment) != ("write_cases", "after")
        ),
    ],
)
def test_after_a_kill_the_same_call_ends_what_was_begun(project, name, moment):
    done = subprocess.run([sys.executable, "-c", DIES, project, name, moment], check=False)
    assert done.returncode == -signal.SIGKILL
    if (name, moment) == ("forget", "after"):  # it had ended, but for saying so
        with pytest.raises(VouchError, match="is there already"):
            put(project, 5, "cases.json")
    else:
        put(project, 5, "cases.json")
    written = {task["data"]["case"] for task in json.loads((project / "cases.json").read_text())}
    assert (project / "cases.xml").exists() and len(written) == 5
    assert written == {case.case for case in Queue(project / STATE, "fraud", "simulated").all()}
    assert KILLED not in put(project, 5, "more.csv")["warnings"]


def test_cases_of_a_killed_run_go_into_the_next_file_whatever_its_name(project):
    subprocess.run([sys.executable, "-c", DIES, project, "write_cases", "before"], check=False)
    result = put(project, 3, "other.csv")
    assert result["cases"] == 5 and "killed run" in result["warnings"][0]
    assert put(project, 3, "more.csv")["cases"] == 3


@pytest.mark.parametrize("count", [2, 5])
def test_what_people_decided_of_a_killed_runs_file_is_not_asked_again(project, count):
    subprocess.run([sys.executable, "-c", DIES, project, "write_cases", "after"], check=False)
    tasks = json.loads((project / "cases.json").read_text())
    (project / "cases.json").unlink()
    for task in tasks[:count]:
        choice = {"type": "choices", "from_name": "decision", "value": {"choices": ["fraud"]}}
        task["annotations"] = [{"completed_by": "ada", "result": [choice]}]
    (project / "decided.json").write_text(json.dumps(tasks))
    assert collect(project, project / STATE, "fraud", project / "decided.json")["new"] == count
    decided = {task["data"]["case"] for task in tasks[:count]}
    put(project, 3, "more.csv")
    again = {row["case"] for row in read(project / "more.csv")}
    assert len(again) == 3 and not again & decided
    assert (again < {task["data"]["case"] for task in tasks}) == (count == 2)


def test_rows_that_went_into_a_new_holdout_are_never_chosen(project):
    path = project / "data/gold/fraud/train.parquet"
    train = pd.read_parquet(path).sort_values("id")
    kept = train.iloc[: len(train) // 2]
    kept.to_parquet(path)
    put(project, 40)
    assert {row["entity"] for row in read(project / "cases.csv")} <= set(kept["id"])


def test_rows_that_are_no_longer_there_are_named_and_nothing_is_out(project):
    path = project / "data/silver/fraud/rows.parquet"
    rows = pd.read_parquet(path)
    rows.head(10).to_parquet(path)
    with pytest.raises(VouchError, match=r"rows\.parquet: no row '"):
        put(project, 40)
    path.unlink()
    with pytest.raises(VouchError, match=r"rows\.parquet: no such file"):
        put(project, 40)
    rows.to_parquet(path)
    assert put(project, 40)["cases"] == 40


def test_a_folder_that_cannot_be_made_is_an_error_and_nothing_is_out(project):
    (project / "file").write_text("no folder")
    with pytest.raises(VouchError, match=r"--out: .*(Not a directory|File exists)"):
        put(project, 5, "file/cases.csv")
    with pytest.raises(VouchError, match=r"--out: .*(Not a directory|File exists)"):
        put(project, 5, "file/more/cases.csv")
    assert again(project, project / STATE, "fraud", project / "cases.csv")["cases"] == 0


def test_without_a_model_it_says_so(project):
    shutil.rmtree(project / "data/register")
    with pytest.raises(VouchError, match="no model is registered yet"):
        put(project, 5)


def test_less_than_one_case_is_an_error(project):
    with pytest.raises(VouchError, match="-n: got 0"):
        put(project, 0)


def test_the_command_says_what_it_chose(project):
    done = vouch(project, "enqueue", "fraud", "-n", "4", "--out", "c.csv", "--json", "c.json")
    assert done.returncode == 0, done.stderr
    assert "4 cases (1 disagreement, 1 margin, 1 random, 1 value) -> c.csv" in done.stdout
    assert (project / "c.json").exists()
    paged = vouch(project, "enqueue", "fraud", "-n", "2")
    assert paged.returncode == 0 and "2 cases (" in paged.stdout, paged.stderr
    assert "-> the review page" in paged.stdout
    lost = vouch(project, "enqueue", "fraud", "--again")
    assert lost.returncode == 1
    assert "--out is missing" in lost.stderr


def test_some_cases_go_before_two_people_within_the_capacity(project):
    params = project / "params.yaml"
    sections = yaml.safe_load(params.read_text())
    sections["enqueue"]["fraud"]["overlap"] = 0.5
    params.write_text(yaml.safe_dump(sections))
    assert put(project, 30)["cases"] == 20
    queue = Queue(project / STATE, "fraud", "simulated")
    asked = queue.asked()
    twice = [case for case, count in asked.items() if count == 2]
    assert len(asked) == 20 and 3 <= len(twice) <= 10
    assert queue.count_since(datetime(2020, 1, 1)) == 20 + len(twice)
    rows = read(project / "cases.csv")
    assert len({row["case"] for row in rows}) == len(rows) == 20
