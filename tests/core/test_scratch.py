"""Private folders do not outlive their process by more than a run."""

import signal
import subprocess
import sys
from pathlib import Path

from vouch.core.scratch import scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from vouch.core.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "labels.parquet").write_text("plain")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def folders(state: Path) -> list[Path]:
    return [path for path in (state / "tmp").iterdir() if path.is_dir()]


def test_a_folder_is_its_owners_alone_and_gone_afterwards(tmp_path):
    with scratch(tmp_path) as folder:
        (folder / "inside").mkdir()
        assert folder.parent == tmp_path / "tmp"
        assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}
    assert folders(tmp_path) == []


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert [path.name for path in folders(tmp_path)[0].iterdir()] == ["labels.parquet"]
    with scratch(tmp_path) as first, scratch(tmp_path) as second:
        assert sorted(folders(tmp_path)) == sorted([first, second])
    assert folders(tmp_path) == []


def test_a_link_in_the_folder_is_not_followed(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp/link").symlink_to(tmp_path / "theirs")
    with scratch(tmp_path):
        assert (tmp_path / "theirs").is_dir()
