import socket
import time

import psutil
import pytest

from vouch.errors import VouchError
from vouch.operate import processes

FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import time; print('born', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
time.sleep(600)
"""


def wait_for(there):
    deadline = time.monotonic() + 20
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_all_of_a_project_ends_a_child_of_its_own_session_and_one_that_will_not(tmp_path):
    (tmp_path / ".prefect").mkdir()
    started = processes.start(tmp_path, "family", ["python", "-c", FAMILY], {})
    wait_for(lambda: "born" in processes.log(tmp_path, "family").read_text())
    other = tmp_path / "other"
    assert len(processes.marked(tmp_path)) == 2 and processes.marked(other) == []
    assert processes.end_marked(tmp_path, patience=0.5) >= 2
    assert processes.marked(tmp_path) == [] and not psutil.pid_exists(started.pid)


def test_a_port_that_something_listens_on_is_named_with_its_option():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with pytest.raises(VouchError, match=f"--mlflow-port.*{port}") as error:
            processes.check_ports({"--mlflow-port": port})
        assert "--mlflow-port N" in error.value.hint
    processes.check_ports({"--mlflow-port": port})


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(VouchError, match="is no port"):
        processes.check_ports({"--page-port": port})


def test_two_servers_cannot_share_a_port():
    with pytest.raises(VouchError, match="both are 4200"):
        processes.check_ports({"--prefect-port": 4200, "--page-port": 4200})
