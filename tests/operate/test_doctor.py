"""A machine's troubles, made real in a small project."""

import json
import shutil
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from tests.project import ROOT, vouch
from tests.usecases.sentiment.tiny_encoder import install, write_encoder
from vouch.core import tracking
from vouch.engine.encoders import Reading
from vouch.operate import processes
from vouch.operate.doctor import examine
from vouch.operate.record import Ports
from vouch.project.training import alone
from vouch.project.trial import TRIALS, Trial


@pytest.fixture
def healthy(fresh_project):
    shutil.copy(ROOT / "requirements.lock", fresh_project)
    return fresh_project


def states(root, ports=None):
    return {finding.name: finding for finding in examine(root, ports or free())}


def free():
    with socket.socket() as one, socket.socket() as two:
        probes = (one, two)
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        given = [probe.getsockname()[1] for probe in probes]
    return Ports(prefect=given[0], page=given[1])


def test_a_healthy_project_has_nothing_wrong(healthy):
    found = states(healthy)
    assert [name for name, f in found.items() if f.state == "wrong"] == []
    assert found["packages"].said.endswith("as pinned")


def test_another_version_and_a_missing_package_are_named(healthy):
    lock = healthy / "requirements.lock"
    lock.write_text("duckdb==0.1.0 \\\n    --hash=sha256:0\nno-such-thing==1.0\n")
    said = states(healthy)["packages"]
    assert said.state == "wrong" and said.hint == "make setup"
    assert "duckdb is" in said.said and "no-such-thing is not installed" in said.said


def test_a_pin_for_another_machine_is_not_missed(healthy):
    lock = healthy / "requirements.lock"
    lock.write_text("pywin32==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n")
    assert states(healthy)["packages"].state == "ok"


@pytest.mark.parametrize("content", ["schema: '2.0'\nstages: [", "stages: 3\n"])
def test_a_damaged_dvc_lock_is_wrong(healthy, content):
    (healthy / "dvc.lock").write_text(content)
    finding = states(healthy)["dvc.lock"]
    assert finding.state == "wrong" and "git checkout" in finding.hint


def test_a_python_without_the_hook_is_wrong(healthy, monkeypatch):
    plain = Path(sys.base_prefix) / "bin/python3"
    monkeypatch.setattr("sys.executable", str(plain))
    finding = states(healthy)["whole files"]
    assert finding.state == "wrong" and finding.hint == "make setup"


def test_a_taken_port_is_wrong(healthy):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ports = free().model_copy(update={"prefect": listening.getsockname()[1]})
        found = states(healthy, ports)
    assert found["port of prefect"].state == "wrong" and found["port of page"].state == "ok"


@pytest.mark.parametrize(("engine", "state"), [("duckdb", "note"), ("spark", "wrong")])
def test_java_is_only_missed_where_spark_is_chosen(healthy, monkeypatch, engine, state):
    monkeypatch.setenv("JAVA_HOME", str(healthy / "nowhere"))
    inputs = healthy / "data/inputs.yaml"
    inputs.write_text(inputs.read_text().replace("engine: duckdb", f"engine: {engine}"))
    assert states(healthy)["Java"].state == state


def test_encoders_are_named_missed_by_few_and_wrong_where_damaged(healthy, tmp_path, monkeypatch):
    assert (missed := states(healthy)["encoders"]).state == "note"
    assert missed.hint == "make encoders"
    place = write_encoder(tmp_path / "encoders/e5-small-v2", reading=Reading())
    install(monkeypatch, place)
    assert "e5-small-v2@" in states(healthy)["encoders"].said
    (place / "model.onnx").write_text("")
    damaged = states(healthy)["encoders"]
    assert damaged.state == "wrong" and "model.onnx" in damaged.said
    assert damaged.hint.startswith("make encoders")


def test_servers_that_a_kill_left_are_ended(healthy):
    processes.start(healthy, "prefect", ["python", "-c", "import time; time.sleep(600)"], {})
    found = states(healthy)["servers"]
    assert found.state == "wrong"
    found.fix()
    assert states(healthy)["servers"].state == "ok" and processes.marked(healthy) == []


def test_files_that_a_kill_left_on_trial_are_named_and_those_at_work_are_not(healthy):
    assert states(healthy)["trials"].state == "ok"
    Trial(choice=None, remembered={}, raw={}).write(healthy / TRIALS / "fraud.json")
    finding = states(healthy)["trials"]
    assert finding.state == "wrong" and finding.hint == "vouch run fraud"
    with alone(healthy, Console()):
        assert states(healthy)["trials"].state == "ok"


def test_dvcs_list_of_the_dead_is_cleared_and_the_living_stay(healthy):
    listed = healthy / ".dvc/tmp/rwlock"
    listed.parent.mkdir(parents=True)
    alive, dead = {"pid": 1, "cmd": "dvc"}, {"pid": 2**22 + 1, "cmd": "dvc"}
    listed.write_text(json.dumps({"a": {"read": [dead]}, "b": {"write": alive, "read": []}}))
    found = states(healthy)["locks"]
    assert found.state == "wrong" and found.said.endswith(": a")
    found.fix()
    assert list(json.loads(listed.read_text())) == ["b"]
    listed.write_text('{"a": {"re')
    states(healthy)["locks"].fix()
    assert not listed.exists() and states(healthy)["locks"].state == "ok"


def test_a_search_left_running_is_closed(healthy):
    client = tracking.client(healthy / ".vouch")
    run = client.create_run(tracking.experiment(healthy / ".vouch", "fraud")).info.run_id
    found = states(healthy)["searches"]
    assert found.state == "wrong" and run in found.said
    found.fix()
    assert client.get_run(run).info.status == "KILLED"
    assert states(healthy)["searches"].state == "ok"


@pytest.mark.slow
def test_a_prefect_run_left_running_is_closed_by_the_command(project):
    (project / "data/report/fraud/report.html").unlink()
    assert vouch(project, "run", "fraud").returncode == 0
    with closing(sqlite3.connect(project / ".prefect/prefect.db")) as database:
        # what a kill leaves: the database says RUNNING, and no process is there
        database.execute("UPDATE flow_run SET state_type = 'RUNNING', state_name = 'Running'")
        database.commit()
    done = vouch(project, "doctor", "--json", "found.json")
    found = {f["name"]: f for f in json.loads((project / "found.json").read_text())}
    assert done.returncode == 1 and found["runs"]["state"] == "wrong"
    assert "--fix" in found["runs"]["hint"]
    vouch(project, "doctor", "--fix", "--json", "found.json")
    found = {f["name"]: f for f in json.loads((project / "found.json").read_text())}
    assert found["runs"]["state"] == "ok"
