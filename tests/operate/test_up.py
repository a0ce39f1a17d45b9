"""``vouch up`` with real servers: refused, stopped, killed."""

import signal
import socket

import psutil
import pytest

from tests.operate.serving import Up, free_ports, wait_for
from tests.project import vouch
from vouch.core.errors import VouchError
from vouch.operate import loopback, processes
from vouch.operate import up as up_module


def test_a_taken_port_is_told_before_anything_is_started(fresh_project):
    prefect = str(free_ports(1)[0])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = str(listening.getsockname()[1])
        done = vouch(fresh_project, "up", "--page-port", port, "--prefect-port", prefect)
    assert done.returncode == 1
    assert f"--page-port: something listens on port {port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (fresh_project / ".prefect").exists()


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="ctrl-c"),
        pytest.param(signal.SIGTERM, id="sigterm", marks=pytest.mark.slow),
    ],
)
def test_ended_while_it_starts_it_leaves_nothing(fresh_project, number):
    up = Up(fresh_project)
    wait_for(up.servers)
    assert processes.marked(fresh_project)
    assert up.stop(number) == 0
    assert "stopped" in up.said() and "Traceback" not in up.said()
    assert processes.marked(fresh_project) == []
    assert not (fresh_project / ".prefect/up.json").exists()


def test_a_page_that_ends_between_two_looks_takes_nothing_along(tmp_path):
    (tmp_path / ".prefect").mkdir()
    servers = {}
    for name in (*up_module.REVIVED, "worker"):
        servers[name] = processes.start(tmp_path, name, ["python", "-c", "exit('ended')"], {})
        servers[name].wait()
        with pytest.raises(VouchError, match=f"{name} ended with 1: ended"):
            up_module._check(tmp_path, {name: servers[name]})
    with pytest.raises(VouchError, match="worker ended with 1"):
        up_module._check(tmp_path, servers, revived=up_module.REVIVED)
    del servers["worker"]
    up_module._check(tmp_path, servers, revived=up_module.REVIVED)


@pytest.mark.slow
def test_a_page_that_ends_comes_back_and_another_server_takes_all_along(fresh_project):
    up = Up(fresh_project).ready()
    again = vouch(fresh_project, "up")
    assert again.returncode == 1 and "serves this project already" in again.stderr
    for name, what, port in (("review", "the review page", 2), ("page", "the pages", 1)):
        before = up.servers()[name]
        psutil.Process(before).kill()
        wait_for(lambda what=what: f"started {what} again" in up.said())
        address = f"http://127.0.0.1:{up.ports[port]}/health"
        wait_for(lambda address=address: not loopback.trouble(address))
        assert f"{what} ended with -9: " in up.said() and f"{name}.ended.log" in up.said()
        assert up.servers()[name] != before and up.process.poll() is None
    psutil.Process(up.servers()["worker"]).kill()
    assert up.process.wait(120) == 1
    assert "worker ended with -9" in up.said() and "worker.log" in up.said()
    assert processes.marked(fresh_project) == []


@pytest.mark.slow
def test_what_a_kill_leaves_the_next_one_ends(project):
    up = Up(project).ready()
    asked_run = {"state": {"type": "SCHEDULED"}, "parameters": {"request": {"usecase": "fraud"}}}
    asked = {"deployments": {"name": {"any_": ["training-fraud"]}}}
    (deployment,) = up.api("deployments/filter", asked)
    up.api(f"deployments/{deployment['id']}/create_flow_run", asked_run)
    wait_for(lambda: up.runs("training", "RUNNING"))
    up.process.kill()
    up.process.wait()
    before = {process.pid for process in processes.marked(project)}
    assert before
    found = vouch(project, "doctor")
    assert found.returncode == 1 and "servers that a kill left" in found.stdout
    after = Up(project).ready()
    assert "processes that a killed run or vouch up left" in after.said()
    mine = {process.pid for process in processes.marked(project)}
    assert set(after.servers().values()) <= mine and not before & mine
    assert after.runs("training", "RUNNING", "PENDING") == []
    assert after.stop() == 0 and processes.marked(project) == []
