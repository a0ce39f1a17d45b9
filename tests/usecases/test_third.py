"""A use case that another package brings: found, run to a registered model, watched by DVC."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.project import BIN, ENVIRONMENT, copy_checkout, shrink
from vouch.core.code import package_digest
from vouch.core.files import read_json

CODE = """
from dataclasses import replace

from vouch.usecases.fraud import USECASE as FRAUD

USECASE = replace(FRAUD, name="churn", classes=("stays", "leaves"), truth="given")
"""
SOURCE = {
    "name": "accounts",
    "usecase": "churn",
    "format": "csv",
    "columns": {
        "account": {"role": "id"},
        "month": {"role": "time"},
        "paid": {"role": "amount"},
        "plan": {"role": "category"},
        "churned": {"role": "label", "values": ["no", "yes"]},
    },
    "rule": {"name": "small", "where": "amount < 5"},
    "truth": {"delay": {"mean": "7d"}},
}


def install(folder: Path) -> Path:
    """Write a package as an installer leaves it: its code, and its entry point."""
    (folder / "vouch_churn").mkdir(parents=True)
    (folder / "vouch_churn/__init__.py").write_text(CODE)
    about = folder / "vouch_churn-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vouch-churn\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[vouch.usecases]\nchurn = vouch_churn:USECASE\n")
    return folder


def accounts(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(5)
    paid = random.gamma(2, 10, rows).round(2)
    plan = random.choice(["free", "team", "firm"], rows)
    leaves = random.random(rows) < np.where((paid < 8) | (plan == "free"), 0.4, 0.03)
    return pd.DataFrame(
        {
            "account": [f"a{number}" for number in range(rows)],
            "month": pd.date_range("2024-01-01", periods=rows, freq="h").astype(str),
            "paid": paid,
            "plan": plan,
            "churned": np.where(leaves, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a use case from outside, after one run; read it, never change it."""
    folder = tmp_path_factory.mktemp("third")
    site, project = install(folder / "site"), copy_checkout(folder / "project")
    shrink(project)
    params = yaml.safe_load((project / "params.yaml").read_text())
    for stage in params.values():
        stage["churn"] = stage["fraud"]
    params["label"]["churn"] = {"use": ["rule", "given", "reviewer"]}
    params["extract"]["churn"] = {"groups": ["amount", "category", "time"]}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    (project / "data/sources/accounts.yaml").write_text(yaml.safe_dump(SOURCE))
    accounts(3000).to_csv(folder / "accounts.csv", index=False)
    words = ("--source", "accounts", "--path", str(folder / "accounts.csv"), "--no-prefect")
    done = vouch(project, site, "run", "churn", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def vouch(project: Path, site: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = ENVIRONMENT | {"PYTHONPATH": str(site)}
    command = [str(BIN / "vouch"), *words]
    return subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.slow
def test_it_runs_to_a_registered_model_and_a_report(project):
    registered = read_json(project / "data/register/churn/registration.json")
    assert registered["name"] == "churn-accounts"
    evaluation = read_json(project / "data/evaluate/churn/evaluation.json")
    assert evaluation["out_of_fold"]["truth"]["roc_auc"]["value"] > 0.6
    page = (project / "data/report/churn/report.html").read_text()
    assert "Churn on accounts" in page and "leaves" in page


@pytest.mark.slow
def test_dvc_depends_on_the_packages_digest(project):
    chosen = yaml.safe_load((project / "data/inputs.yaml").read_text())["usecases"]["churn"]
    assert chosen["code"] == "data/usecases/churn.txt"
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    for stage in ("ingest", "tune", "report"):
        paths = {dependency["path"] for dependency in lock[f"{stage}@churn"]["deps"]}
        assert "data/usecases/churn.txt" in paths
        assert not any(path.startswith("src/vouch/usecases/fraud") for path in paths)
    site = project.parent / "site"
    again = vouch(project, site, "run", "churn", "--no-prefect")
    assert again.returncode == 0 and again.stdout.count("unchanged") == 9, again.stdout


def test_a_packages_digest_follows_its_code_and_templates(tmp_path, monkeypatch):
    package = tmp_path / "some_usecase"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1")
    monkeypatch.syspath_prepend(tmp_path)
    first = package_digest("some_usecase")
    (package / "notes.pyc").write_text("compiled")
    assert package_digest("some_usecase") == first
    (package / "page.html").write_text("<p>")
    assert package_digest("some_usecase") != first


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("USECASE = 1", "is no UseCase called 'churn'"),
        ("import nothing_of_that_name", "cannot be loaded"),
        (CODE.replace('"churn"', '"other"'), "is no UseCase called 'churn'"),
    ],
)
def test_a_broken_package_is_told_in_two_lines_and_the_others_work(tmp_path, code, message):
    site = install(tmp_path / "site")
    (site / "vouch_churn/__init__.py").write_text(code)
    (tmp_path / "dvc.yaml").touch()
    done = vouch(tmp_path, site, "run", "churn", "--source", "x", "--no-prefect")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert message in " ".join(done.stderr.split()) or "no source" in done.stderr
    if code == "USECASE = 1":
        shown = vouch(tmp_path, site, "--help")
        assert shown.returncode == 0 and "simulate" in shown.stdout
