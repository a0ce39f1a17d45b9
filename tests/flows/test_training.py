"""The flow on a real Prefect server."""

import json
import subprocess

import psutil
import pytest

from flows.server import environment
from tests.project import BIN, ENVIRONMENT, dvc, vouch
from vouch.stages import STAGES


@pytest.fixture
def prefect_cli(project):
    def call(*words: str) -> str:
        done = subprocess.run(
            [str(BIN / "prefect"), *words],
            cwd=project,
            env=ENVIRONMENT | environment(project),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return call


def test_flow_finds_what_the_bare_run_did_unchanged_and_shows_it(project, prefect_cli):
    done = vouch(project, "run", "fraud", "--json", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads((project / "run.json").read_text())
    assert [o["stage"] for o in outcomes] == [s.name for s in STAGES]
    assert {o["status"] for o in outcomes} == {"unchanged"}
    assert "up to date" in dvc(project, "status").stdout
    runs = json.loads(prefect_cli("flow-run", "ls", "-o", "json"))
    assert [run["state_type"] for run in runs] == ["COMPLETED"]
    artifacts = prefect_cli("artifact", "ls")
    for key in ("fraud-validation", "fraud-leaderboard", "fraud-gate", "fraud-report"):
        assert key in artifacts


def test_a_users_mistake_ends_the_flow_without_a_traceback(project):
    done = vouch(project, "run", "fraud", "--source", "paysin")
    assert done.returncode == 1
    assert "did you mean 'paysim'" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_no_server_is_left_behind(project):
    vouch(project, "run", "fraud", "--source", "paysin")
    assert not (project / ".prefect/vouch-server.json").exists()
    commands = [
        p.info["cmdline"]
        for p in psutil.process_iter(["cmdline", "cwd"])
        if p.info["cwd"] == str(project)
    ]
    assert commands == []
