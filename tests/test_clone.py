"""Raw files are DVC's like everything else: a checkout keeps them, a clone gets them."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.project import copy_checkout, dvc, shrink, vouch
from vouch import versions
from vouch.sources.inputs import keep


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def paysim(path, rows=3000):
    rng = np.random.default_rng(0)
    fraud = rng.random(rows) < 0.05
    before = rng.uniform(100, 90_000, rows).round(2)
    amount = np.where(fraud, before, (before * rng.random(rows)).round(2))
    columns = {
        "step": np.sort(rng.integers(1, 600, rows)),
        "type": np.where(fraud, "TRANSFER", "PAYMENT"),
        "amount": amount,
        "nameOrig": [f"C{n}" for n in range(rows)],
        "oldbalanceOrg": before,
        "newbalanceOrig": (before - amount).round(2),
        "nameDest": [f"M{n}" for n in rng.integers(0, rows // 4, rows)],
        "oldbalanceDest": 0.0,
        "newbalanceDest": np.where(fraud, 0.0, amount),
        "isFraud": fraud.astype(int),
    }
    pd.DataFrame(columns).to_csv(path, index=False)


@pytest.mark.parametrize("old", [False, True])
def test_raw_files_survive_checkout_and_collection_of_the_cache(fresh_project, tmp_path, old):
    paysim(tmp_path / "p.csv", rows=20)
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
    paysim(tmp_path / "p.csv")
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
    # made anew by the same code and key, every stage comes to the same bytes up to the model
    (clone / ".vouch").mkdir(exist_ok=True)
    shutil.copy(project / ".vouch/holdout.key", clone / ".vouch/holdout.key")
    made = dvc(clone, "repro", "-f", "-s", *(f"{s}@fraud" for s in MADE_ANEW))
    assert made.returncode == 0, made.stdout + made.stderr
    assert (clone / "dvc.lock").read_bytes() == lock


MADE_ANEW = ("ingest", "validate", "label", "extract", "explain")
