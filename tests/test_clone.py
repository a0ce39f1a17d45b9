"""Raw files are DVC's like everything else: a checkout keeps them, a clone gets them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.kills import payments
from tests.project import copy_checkout, dvc, shrink, vouch
from vouch.project import versions
from vouch.sources.manifest import keep


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("old", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_raw_files_survive_checkout_and_collection_of_the_cache(fresh_project, tmp_path, old):
    payments(20, seed=0).to_csv(tmp_path / "p.csv", index=False)
    keep(fresh_project / "data/raw/paysim", tmp_path / "p.csv")
    if old:  # as older projects hid them
        with (fresh_project / ".gitignore").open("a") as file:
            file.write("/data/raw/*/\n")
    versions.add(fresh_project, Path("data/raw/paysim"))
    before = {p.name: p.read_bytes() for p in (fresh_project / "data/raw/paysim").iterdir()}
    assert len(before) == 2
    for words in (("checkout",), ("push",), ("gc", "-w", "-f"), ("pull",)):
        assert "paysim" not in dvc(fresh_project, *words).stderr  # nothing else was made yet
        after = {p.name: p.read_bytes() for p in (fresh_project / "data/raw/paysim").iterdir()}
        assert after == before
    shutil.rmtree(fresh_project / "data/raw/paysim")
    dvc(fresh_project, "checkout")
    assert {p.name for p in (fresh_project / "data/raw/paysim").iterdir()} == set(before)
    seen = subprocess.run(
        ["git", "status", "--short", "-uall", "data/raw"],
        cwd=fresh_project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "paysim.dvc" in seen and "paysim/" not in seen


@pytest.mark.slow
def test_a_clone_elsewhere_pulls_and_reproduces_every_hash(tmp_path):
    project = copy_checkout(tmp_path / "project")
    shrink(project, trials=1)
    payments(3000, seed=0).to_csv(tmp_path / "p.csv", index=False)
    words = ("--source", "paysim", "--path", str(tmp_path / "p.csv"), "--no-prefect")
    done = vouch(project, "run", "fraud", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    git(project, "add", "-A")
    git(project, "commit", "-qm", "trained")
    clone = tmp_path / "other place/clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    remote = str(project / ".vouch/dvc-remote")
    assert dvc(clone, "remote", "modify", "--local", "local", "url", remote).returncode == 0
    pulled = dvc(clone, "pull")
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert "up to date" in dvc(clone, "status").stdout
    again = dvc(clone, "repro")
    assert again.returncode == 0 and "Running stage" not in again.stdout, again.stderr
    lock = (project / "dvc.lock").read_bytes()
    assert (clone / "dvc.lock").read_bytes() == lock
    # without the key nothing of the holdout can be opened, and no other takes its place
    for stage in ("ingest", "extract"):
        refused = dvc(clone, "repro", "-f", "-s", f"{stage}@fraud")
        assert refused.returncode and "holdout.key: no such file" in refused.stderr
    # without the ledger a clone would be a fresh budget
    shutil.copy(project / ".vouch/holdout.key", clone / ".vouch/holdout.key")
    refused = dvc(clone, "repro", "-f", "-s", "extract@fraud")
    assert refused.returncode and "missing ledger: data/holdouts.json" in refused.stderr
    # made anew by the same code, key and ledger, every stage comes to the same bytes
    shutil.copy(project / ".vouch/vouch.db", clone / ".vouch/vouch.db")
    made = dvc(clone, "repro", "-f", "-s", *(f"{s}@fraud" for s in MADE_ANEW))
    assert made.returncode == 0, made.stdout + made.stderr
    assert (clone / "dvc.lock").read_bytes() == lock


MADE_ANEW = ("ingest", "validate", "label", "extract", "explain")
