"""The project running for good: real server, worker, schedules, events, people."""

import csv
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.operate.serving import Up, wait_for
from tests.project import BIN, ENVIRONMENT, copy_checkout, shrink, vouch
from vouch.files import read_json
from vouch.operate import processes
from vouch.register.promotions import history
from vouch.stages import STAGES

MINUTELY = "* * * * *"


def edit(path: Path, change) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def schedule(project: Path, name: str) -> None:
    """Let a deployment run every minute."""

    def change(content):
        (found,) = (d for d in content["deployments"] if d["name"] == name)
        found["schedules"] = [{"slug": "minutely", "cron": MINUTELY, "timezone": "UTC"}]

    edit(project / "prefect.yaml", change)


def decide(cases: Path, to: Path) -> int:
    """Answer every case as a person would."""
    with cases.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {"decision": "fraud", "reviewer": "ada", "comment": ""}
    to.parent.mkdir(parents=True)
    with to.with_suffix(".part").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    to.with_suffix(".part").rename(to)
    return len(rows)


@pytest.fixture
def up(project):
    """The trained project, up, feedback every minute; five decisions are enough to retrain."""
    schedule(project, "feedback-fraud")
    edit(project / "params.yaml", lambda c: c["collect"]["fraud"].update({"retrain_after": 5}))
    started = Up(project)
    yield started.ready()
    if started.process.poll() is None:
        started.stop()


@pytest.mark.slow
def test_a_schedule_fires_and_a_collected_file_triggers_the_retraining(project, tmp_path, up):
    done = vouch(project, "enqueue", "fraud", "-n", "12", "--out", str(tmp_path / "cases.csv"))
    assert done.returncode == 0, done.stderr
    inbox = project / "data/inbox/fraud/reviews"
    decided = decide(tmp_path / "cases.csv", inbox / "cases.csv")
    wait_for((inbox / "done/cases.csv").exists)
    (batch,) = (project / "data/labels/fraud/reviews").glob("*.parquet")
    # the collected file's event triggered it: the schedule is weekly
    run = wait_for(lambda: up.runs("retraining", "COMPLETED"))[0]
    assert run["created_by"]["type"] == "AUTOMATION"
    made = read_json(project / "data/register/fraud/registration.json")
    assert made["reviews"] == [batch.stem] and made["version"] == 2
    assert decided == 12 and not list(inbox.glob("*.csv"))
    # the day's next cases went out, and the server serves a run by hand
    assert list((project / "data/outbox/fraud/cases").glob("*.csv"))
    by_hand = vouch(project, "run", "fraud", "--json", "run.json")
    assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [o["status"] for o in outcomes] == ["unchanged"] * len(STAGES)
    assert up.runs("training", "COMPLETED")
    refused = vouch(project, "reset", "--yes")
    assert refused.returncode == 1 and "vouch up serves" in refused.stderr
    assert up.stop() == 0 and processes.marked(project) == []


@pytest.mark.slow
def test_a_person_approves_in_the_page_and_the_log_keeps_who_and_why(project):
    def ask_a_person(params):
        params["register"]["fraud"]["gate"] = "approval"
        params["evaluate"]["fraud"]["min_positives"] = 1

    edit(project / "params.yaml", ask_a_person)
    up = Up(project).ready()
    done = subprocess.Popen(
        [str(BIN / "python"), "-m", "flows", "retraining", '{"usecase": "fraud"}'],
        cwd=project,
        env=ENVIRONMENT,
    )
    (run,) = wait_for(lambda: up.runs("retraining", "PAUSED"))
    resume = f"flow_runs/{run['id']}/resume"
    answer = {"decision": "promote", "who": "ada", "reason": ""}
    assert up.api(resume, {"run_input": answer})["status"] == "REJECT"
    answer["reason"] = "looked at the flagged cases"
    assert up.api(resume, {"run_input": answer})["status"] == "ACCEPT"
    assert done.wait(120) == 0
    (entry,) = history(project / ".vouch", "fraud-simulated")
    assert (entry.who, entry.why, entry.kind) == ("ada", answer["reason"], "manual")
    assert up.stop() == 0


@pytest.mark.slow
def test_files_are_scored_once_and_reviews_that_cannot_be_read_stay(project):
    made = subprocess.run(
        [str(BIN / "vouch"), "simulate", "payments", "--rows", "500", "--out", "new.csv"],
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
    first = flow(project, "scoring", request)
    assert first.returncode == 0, first.stdout + first.stderr
    scores = project / "data/outbox/fraud/scores/new.csv"
    with scores.open() as file:
        assert len(list(csv.DictReader(file))) == 500
    before = scores.stat().st_mtime_ns
    assert "nothing new to score" in flow(project, "scoring", request).stdout
    assert scores.stat().st_mtime_ns == before
    reviews = project / "data/inbox/fraud/reviews"
    reviews.mkdir(parents=True)
    (reviews / "broken.csv").write_text("no,such,columns\n1,2,3\n")
    failed = flow(project, "feedback", '{"usecase": "fraud", "n": 3}')
    assert failed.returncode == 1 and "broken.csv" in failed.stderr
    assert (reviews / "broken.csv").exists()
    assert list((project / "data/outbox/fraud/cases").glob("*.csv"))  # the cases went out anyway


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
