"""The project running for good: real server, worker, schedules, events, people."""

import csv
import json
import shutil
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.operate.serving import Up, wait_for
from tests.project import BIN, ENVIRONMENT, copy_checkout, dvc, shrink, vouch
from vouch.core.files import read_json
from vouch.operate import processes
from vouch.operate.folders import REST
from vouch.project.stages import STAGES
from vouch.registry.promotions import history
from vouch.sources.paysim import simulate

MARKUP = "case,[/b],](javascript:alert(1))\n1,2,3\n"
MINUTELY = "* * * * *"


def edit(path: Path, change) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def serve():
    """Start ``vouch up`` in a project; what still runs at the end is stopped."""
    started: list[Up] = []

    def start(project: Path) -> Up:
        started.append(Up(project))
        return started[-1].ready()

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop()


def schedule(project: Path, name: str) -> None:
    """Let a deployment run every minute."""

    def change(content):
        (found,) = (d for d in content["deployments"] if d["name"] == name)
        found["schedules"] = [{"slug": "minutely", "cron": MINUTELY, "timezone": "UTC"}]

    edit(project / "prefect.yaml", change)


@pytest.fixture
def from_the_rule(tmp_path):
    """A project that knows the rule's labels only; its first model did not beat the rule."""
    project = copy_checkout(tmp_path / "project")
    shrink(project, rows=50_000)

    def change(params):
        params["label"]["fraud"]["use"] = ["rule", "reviewer"]
        params["collect"]["fraud"]["retrain_after"] = 600
        params["evaluate"]["fraud"]["min_positives"] = 1

    edit(project / "params.yaml", change)
    source = project / "data/sources/simulated.yaml"
    source.write_text(source.read_text().replace("capacity: 100", "capacity: 1000"))
    done = vouch(project, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    assert history(project / ".vouch", "fraud-simulated") == []
    return project


@pytest.fixture
def up(from_the_rule, serve):
    """The project, up, its feedback running every minute."""
    schedule(from_the_rule, "feedback-fraud")
    return serve(from_the_rule)


@pytest.mark.slow
def test_a_schedule_collects_and_the_next_version_learns_from_what_people_said(from_the_rule, up):
    project, inbox = from_the_rule, from_the_rule / "data/inbox/fraud/reviews"
    decide(project, 600, inbox / "cases.csv")
    wait_for((inbox / "done/cases.csv").exists)
    (batch,) = (project / "data/labels/fraud/reviews").glob("*.parquet")
    # the collected file's event triggered it: the schedule is weekly
    wait_for(lambda: called(up, "retraining", "COMPLETED"))
    made = read_json(project / "data/register/fraud/registration.json")
    assert made["reviews"] == [batch.stem] and made["version"] == 2
    lineage = vouch(project, "lineage", "fraud-simulated:2").stdout
    assert batch.stem in lineage and "reviewer-01" in lineage
    # people alone know the truth: so few decisions cannot tell yet, and the next cases ask more
    assert made["gate"]["missing"] > 0 and history(project / ".vouch", "fraud-simulated") == []
    (cases,) = (project / "data/outbox/fraud/cases").glob("*.csv")
    assert "holdout" in set(pd.read_csv(cases)["part"])
    # the server serves a run by hand
    by_hand = vouch(project, "run", "fraud", "--json", "run.json")
    assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [o["status"] for o in outcomes] == ["unchanged"] * len(STAGES)
    assert up.runs("training", "COMPLETED")
    refused = vouch(project, "reset", "--yes")
    assert refused.returncode == 1 and "vouch up serves" in refused.stderr
    assert up.stop() == 0 and processes.marked(project) == []


def called(up: Up, flow: str, state: str) -> list[dict[str, object]]:
    """The runs of a flow that an event started; a schedule may fall into the test."""
    return [run for run in up.runs(flow, state) if run["created_by"]["type"] == "AUTOMATION"]


def decide(project: Path, n: int, to: Path) -> None:
    """Put cases out, let simulated people answer them, and hand the file in at once."""
    for words in (
        ["enqueue", "fraud", "-n", str(n), "--out", "cases.csv"],
        ["simulate", "reviewers", "fraud", "cases.csv", "--out", "decided.csv"],
    ):
        done = vouch(project, *words)
        assert done.returncode == 0, done.stderr
    to.parent.mkdir(parents=True)
    (project / "decided.csv").rename(to)


@pytest.mark.slow
def test_a_person_approves_in_the_page_and_the_log_keeps_who_and_why(fresh_project, serve):
    project = fresh_project

    def ask_a_person(params):
        params["register"]["fraud"]["gate"] = "approval"
        params["evaluate"]["fraud"]["min_positives"] = 1

    edit(project / "params.yaml", ask_a_person)
    up = serve(project)
    for _ in range(2):  # the next training waits for nobody, and does not ask again
        done = flow(project, "retraining", '{"usecase": "fraud"}')
        assert done.returncode == 0, done.stdout + done.stderr
        assert "waits for a person" in done.stdout
    (run,) = wait_for(lambda: up.runs("approval", "PAUSED"))
    resume = f"flow_runs/{run['id']}/resume"
    answer = {"decision": "promote", "who": "ada", "reason": ""}
    assert up.api(resume, {"run_input": answer})["status"] == "REJECT"
    answer["reason"] = "looked at the flagged cases"
    assert up.api(resume, {"run_input": answer})["status"] == "ACCEPT"
    assert len(wait_for(lambda: up.runs("approval", "COMPLETED"))) == 1
    (entry,) = history(project / ".vouch", "fraud-simulated")
    assert (entry.who, entry.why, entry.kind) == ("ada", answer["reason"], "manual")
    assert up.stop() == 0


@pytest.mark.slow
def test_files_are_scored_once_and_reviews_that_cannot_be_read_stay(project):
    made = subprocess.run(
        [str(BIN / "vouch"), "simulate", "payments", "--rows", "10000", "--out", "new.csv"],
        cwd=project,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    assert made.returncode == 0
    inbox = project / "data/inbox/fraud/score"
    inbox.mkdir(parents=True)
    (project / "new.csv").rename(inbox / "new.csv")
    request = json.dumps({"usecase": "fraud", "model": "challenger"})
    time.sleep(REST + 1)
    first = flow(project, "scoring", request)
    assert first.returncode == 0, first.stdout + first.stderr
    scores = project / "data/outbox/fraud/scores/new.csv"
    with scores.open() as file:
        assert len(list(csv.DictReader(file))) == 10_000
    before = scores.stat().st_mtime_ns
    assert "nothing new to score" in flow(project, "scoring", request).stdout
    assert scores.stat().st_mtime_ns == before
    reviews = project / "data/inbox/fraud/reviews"
    decide(project, 20, reviews / "good.csv")
    (reviews / "broken.csv").write_text(MARKUP)
    time.sleep(REST + 1)
    failed = flow(project, "feedback", '{"usecase": "fraud", "n": 3}')
    assert failed.returncode == 1 and "broken.csv" in failed.stderr
    assert "[/b]" in failed.stdout and "Traceback" not in failed.stdout + failed.stderr
    assert (reviews / "broken.csv").exists() and (reviews / "done/good.csv").exists()
    assert "column" in (reviews / "broken.csv.error.txt").read_text()
    assert list((project / "data/outbox/fraud/cases").glob("*.csv"))  # the cases went out anyway


@pytest.mark.slow
def test_a_file_whose_columns_are_markup_keeps_none_from_being_scored(project):
    inbox = project / "data/inbox/fraud/score"
    made = ["simulate", "payments", "--rows", "10000", "--out", str(inbox / "good.csv")]
    inbox.mkdir(parents=True)
    assert vouch(project, *made).returncode == 0
    (inbox / "a[b].csv").write_text(MARKUP)
    time.sleep(REST + 1)
    failed = flow(project, "scoring", '{"usecase": "fraud", "model": "challenger"}')
    assert failed.returncode == 1 and "a[b].csv" in failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr
    assert [path.name for path in (project / "data/outbox/fraud/scores").glob("*.csv")] == [
        "good.csv"
    ]


def flow(project, name, request):
    return subprocess.run(
        [str(BIN / "python"), "-m", "flows", name, request],
        cwd=project,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_texts_run_through_prefect_too(tmp_path):
    project = copy_checkout(tmp_path / "project")
    shrink(project, usecases=("sentiment",))
    done = vouch(project, "run", "sentiment", "--json", "run.json", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [o["stage"] for o in outcomes] == [s.name for s in STAGES]
    assert {o["status"] for o in outcomes} == {"ran"}
    assert (project / "data/report/sentiment/report.html").stat().st_size


@pytest.fixture
def from_files(fresh_project):
    """A project of files instead of simulated rows, in which only the first is in force."""
    rows = simulate(10_000, 1).to_pandas()
    late = rows["step"] > rows["step"].quantile(0.8)
    rows[~late].to_csv(fresh_project / "first.csv", index=False)
    rows[late].to_csv(fresh_project / "second.csv", index=False)
    edit(fresh_project / "params.yaml", lambda p: p["collect"]["fraud"].update(retrain_after=50))
    words = ("--source", "paysim", "--path", "first.csv", "--no-prefect")
    done = vouch(fresh_project, "run", "fraud", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return fresh_project


@pytest.mark.slow
def test_dropped_rows_are_scored_and_asked_about_and_nobody_runs_a_command(from_files, serve):
    project, inbox = from_files, from_files / "data/inbox/fraud/rows"
    up = serve(project)
    inbox.mkdir(parents=True)
    (inbox / "bad[b].csv").write_text(MARKUP)
    shutil.copy(project / "second.csv", inbox)
    wait_for((inbox / "done/second.csv").exists)
    note = inbox / "bad[b].csv.error.txt"
    wait_for(note.exists)
    assert "[/b]" in note.read_text() and (inbox / "bad[b].csv").exists()
    wait_for(lambda: called(up, "intake", "FAILED"))  # for the bad file
    assert read_json(project / "data/bronze/fraud/ingest.json")["lines"] == 10_000
    (inbox / "bad[b].csv").unlink()
    shutil.copy(project / "second.csv", inbox / "again.csv")
    wait_for((inbox / "done/again.csv").exists)
    wait_for(lambda: called(up, "intake", "COMPLETED"))
    assert not note.exists()
    assert read_json(project / "data/bronze/fraud/ingest.json")["lines"] == 10_000
    scored = pd.read_csv(project / "data/outbox/fraud/new_rows.csv")
    gold = pd.read_parquet(project / "data/gold/fraud/train.parquet", columns=["id"])
    assert len(scored) > 1000 and set(scored["id"]) < set(gold["id"])
    # the rows that were taken called for the day's cases; what people say of them is learned from
    (cases,) = wait_for(lambda: list((project / "data/outbox/fraud/cases").glob("*.csv")))
    parts = pd.read_csv(cases)["part"].value_counts()
    assert parts["new"] > 10 and parts["training"] > 10
    wait_for(lambda: called(up, "feedback", "COMPLETED"))
    decided = project / "data/inbox/fraud/reviews/decided.csv"
    decided.parent.mkdir(parents=True)
    answer = ("simulate", "reviewers", "fraud", str(cases), "--out", "decided.csv")
    assert vouch(project, *answer).returncode == 0
    (project / "decided.csv").rename(decided)
    wait_for(lambda: called(up, "retraining", "COMPLETED"))
    made = read_json(project / "data/register/fraud/registration.json")
    assert made["version"] == 2 and len(made["reviews"]) == 1
    assert up.stop() == 0
    assert "up to date" in dvc(project, "status").stdout
