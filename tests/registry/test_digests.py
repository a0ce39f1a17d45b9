import subprocess
import sys
from pathlib import Path

import yaml

from vouch.registry.digests import digests, dvc_digest, git_commit


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_digests_are_those_dvc_itself_records(tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "inner/b.csv").write_bytes(b"x,y\r\n1,2\r\n")
    (tmp_path / "file.bin").write_bytes(bytes(range(256)))
    dvc = [str(Path(sys.executable).parent / "dvc")]
    subprocess.run([*dvc, "init", "-q", "--no-scm"], cwd=tmp_path, check=True)
    subprocess.run([*dvc, "add", "-q", "folder", "file.bin"], cwd=tmp_path, check=True)
    for name in ("folder", "file.bin"):
        recorded = yaml.safe_load((tmp_path / f"{name}.dvc").read_text())["outs"][0]["md5"]
        assert dvc_digest(tmp_path / name) == recorded
    assert list(digests(tmp_path, [tmp_path / "file.bin"])) == ["file.bin"]


def test_commit_and_whether_the_code_is_what_it_says(tmp_path):
    assert git_commit(tmp_path) == "none"
    git(tmp_path, "init", "-q")
    assert git_commit(tmp_path) == "none"
    for name in ("params.yaml", "dvc.lock"):
        (tmp_path / name).write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_commit(tmp_path) == commit
    (tmp_path / "dvc.lock").write_text("b")  # the pipeline's own writing
    assert git_commit(tmp_path) == commit
    (tmp_path / "params.yaml").write_text("b")
    assert git_commit(tmp_path) == f"{commit}-dirty"
