import stat
import time

import psutil
import pytest

from vouch.core.errors import VouchError
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
    assert stat.S_IMODE((tmp_path / ".prefect").stat().st_mode) == 0o700
    assert stat.S_IMODE(processes.log(tmp_path, "family").stat().st_mode) == 0o600
    other = tmp_path / "other"
    assert len(processes.marked(tmp_path)) == 2 and processes.marked(other) == []
    assert processes.end_marked(tmp_path, patience=0.5) >= 2
    assert processes.marked(tmp_path) == [] and not psutil.pid_exists(started.pid)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(VouchError, match="is no port"):
        processes.check_ports({"--page-port": port})


def test_two_servers_cannot_share_a_port():
    with pytest.raises(VouchError, match="both are 4200"):
        processes.check_ports({"--prefect-port": 4200, "--page-port": 4200})
