"""DVC's small files under a kill between opening and writing."""

import subprocess
import sys
import time

import psutil
import pytest
import yaml

from tests.project import BIN, ENVIRONMENT, dvc, vouch
from vouch.project import whole

KILLED = """
import os, signal
from dvc.utils.serialize import _yaml
from ruamel.yaml import YAML
YAML.dump = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
_yaml.dump_yaml("dvc.lock", {"schema": "2.0", "stages": {}})
"""
LISTED = """
import json, os, signal
from dvc import rwlock
from dvc.fs import localfs
json.dump = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with rwlock.rwlock(os.getcwd(), localfs, "repro", [], ["a"], False):
    pass
"""


@pytest.mark.parametrize(("code", "name"), [(KILLED, "dvc.lock"), (LISTED, "rwlock")])
def test_a_kill_inside_a_write_leaves_the_file_as_it_was(tmp_path, code, name):
    before = '{"read": {}, "write": {}}'
    (tmp_path / name).write_text(before)
    command = f"from vouch.project import whole; whole.install(){code}"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=False)
    assert done.returncode == -9
    assert (tmp_path / name).read_text() == before


def test_dvc_is_changed_even_if_it_was_imported_before():
    code = (
        "import dvc.rwlock, dvc.utils.serialize as s;"
        "from vouch.project import whole; whole.install();"
        "print(s._yaml._dump_data.__module__, s._common._dump_data.__module__,"
        "dvc.rwlock._edit_rwlock.__module__)"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said == [whole.__name__] * 3


def test_every_python_of_the_environment_is_changed():
    code = "import dvc.rwlock; print(dvc.rwlock._edit_rwlock.__module__)"
    said = subprocess.run(
        [BIN / "python", "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT
    ).stdout
    assert said.strip() == whole.__name__, "make setup installs vouch-dvc.pth"


def test_a_damaged_list_of_files_in_use_does_not_stop_a_bare_dvc(project):
    (project / ".dvc/tmp/rwlock").write_text('{"write": {')
    done = dvc(project, "repro")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("keep", [0, 700])
def test_a_damaged_lock_file_is_brought_back_by_a_run(project, keep):
    path = project / "dvc.lock"
    whole_one = path.read_bytes()
    path.write_bytes(whole_one[:keep])
    done = vouch(project, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    # the stages before the champion is asked about
    before, now = (yaml.safe_load(text)["stages"] for text in (whole_one, path.read_bytes()))
    names = [f"{stage}@fraud" for stage in ("ingest", "validate", "label", "extract", "tune")]
    assert [now[name] for name in names] == [before[name] for name in names]
    assert "up to date" in dvc(project, "status").stdout


def test_a_killed_process_that_nobody_waited_for_blocks_no_file():
    code = "import os, sys, dvc.rwlock; there = dvc.rwlock.psutil.pid_exists; "
    code += "print(there(int(sys.argv[1])), there(os.getpid()))"
    killed = subprocess.Popen(["sleep", "60"])
    killed.kill()
    for _ in range(100):
        if psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    assert psutil.pid_exists(killed.pid)
    done = subprocess.run(
        [sys.executable, "-c", code, str(killed.pid)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
    assert not whole.alive(killed.pid)
    killed.wait()
    assert not whole.alive(killed.pid)
