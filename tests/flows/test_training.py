"""The flow on a real Prefect server."""

import json
import sqlite3
from contextlib import closing

import psutil
import pytest

from tests.project import dvc, vouch
from vouch.project.stages import STAGES


def recorded(project, query):
    """Ask Prefect's own database, which outlives the run's server."""
    with closing(sqlite3.connect(project / ".prefect/prefect.db")) as database:
        return [value for (value,) in database.execute(query)]


def test_the_flow_finds_what_the_bare_run_did_unchanged_and_shows_it(project):
    (project / "data/report/fraud/report.html").unlink()
    done = vouch(project, "run", "fraud", "--json", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [o["stage"] for o in outcomes] == [s.name for s in STAGES]
    assert [o["status"] for o in outcomes] == ["unchanged"] * 8 + ["restored"]
    assert "up to date" in dvc(project, "status").stdout
    assert recorded(project, "SELECT state_type FROM flow_run") == ["COMPLETED"]
    artifacts = set(recorded(project, "SELECT key FROM artifact"))
    shown = ("validation", "leaderboard", "precision-recall", "roc", "cost", "gate", "report")
    assert artifacts >= {f"fraud-{name}" for name in shown}


def test_where_nothing_has_to_run_no_server_is_started(project):
    done = vouch(project, "run", "fraud", "--json", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [(o["stage"], o["status"]) for o in outcomes] == [(s.name, "unchanged") for s in STAGES]
    assert "model   fraud-simulated version 1" in done.stdout
    assert not (project / ".prefect").exists()


@pytest.mark.slow
def test_runs_of_one_command_share_one_server(project):
    (project / "data/report/fraud/report.html").unlink()
    done = vouch(project, "run", "fraud", "fraud", "--json", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [o["stage"] for o in outcomes] == [s.name for s in STAGES] * 2
    assert recorded(project, "SELECT state_type FROM flow_run") == ["COMPLETED"] * 2


def test_a_file_is_for_one_use_case(project):
    done = vouch(project, "run", "fraud", "sentiment", "--source", "tweets")
    assert done.returncode == 1
    assert "--source belongs to one use case, not to fraud and sentiment" in done.stderr
    assert "vouch run fraud --source tweets" in done.stderr


def test_a_users_mistake_ends_the_flow_without_a_traceback(project):
    done = vouch(project, "run", "fraud", "--source", "paysin")
    assert done.returncode == 1
    assert "did you mean 'paysim'" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_file_on_which_the_flow_fails_is_not_in_force(project):
    names = ("type,amount,nameOrig", "oldbalanceOrg,newbalanceOrig", "nameDest,oldbalanceDest")
    header = f"step,{','.join(names)},newbalanceDest"
    (project / "bad.csv").write_text(f"{header}\nx,PAYMENT,many,C1,1,0,M1,0,0\n")
    before = (project / "data/inputs.yaml").read_text()
    done = vouch(project, "run", "fraud", "--source", "paysim", "--path", "bad.csv")
    assert done.returncode == 1 and "none of its" in done.stderr, done.stdout + done.stderr
    assert "put back as they were" in done.stdout
    assert (project / "data/inputs.yaml").read_text() == before
    names = [f"{stage.name}@fraud" for stage in STAGES]
    assert "up to date" in dvc(project, "status", *names).stdout


def test_no_server_is_left_behind(project):
    vouch(project, "run", "fraud", "--source", "paysin")
    commands = [
        p.info["cmdline"]
        for p in psutil.process_iter(["cmdline", "cwd"])
        if p.info["cwd"] == str(project)
    ]
    assert commands == []
