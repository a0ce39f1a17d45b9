"""Where a version's files come from: the disk, DVC's cache or remote, a model's lineage."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from tests.results import extracted, lineage
from vouch.cli import app
from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.registry import versions as registry
from vouch.registry.digests import dvc_digest
from vouch.studies.diff import diff

ROWS = "data/silver/fraud/rows.parquet"


def run(project, *words):
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(path, amounts):
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"p{n}" for n in range(len(amounts))]
    pd.DataFrame({"id": ids, "amount": amounts}).to_parquet(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with two commits of a stage's output and of a folder of files."""
    from dvc.repo import Repo

    from vouch.project.versions import add, push

    root = tmp_path_factory.mktemp("versions")
    run(root, "git", "init", "-q", "-b", "main")
    Repo.init(str(root))
    run(root, "git", "config", "user.email", "t@example.com")
    run(root, "git", "config", "user.name", "t")
    (root / ".dvc/config").write_text(
        "[core]\n    remote = near\n['remote \"near\"']\n    url = ../remote\n"
    )
    for amounts in ([1.0, 2.0], [1.0, 5.0, 9.0]):
        write(root / ROWS, amounts)
        write(root / "data/raw/shop/one.parquet", amounts[:1])
        write(root / f"data/raw/shop/more{len(amounts)}.parquet", amounts[1:])
        add(root, Path("data/raw/shop"))
        stage = {"cmd": "true", "outs": [ROWS]}
        (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"validate": stage}}))
        Repo(str(root)).commit(force=True)
        run(root, "git", "add", "dvc.lock", "dvc.yaml", "data/raw/shop.dvc", ".dvc/config")
        run(root, "git", "commit", "-qm", f"{len(amounts)} rows")
        push(root)
    return root


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    copied = Path(shutil.copytree(made, tmp_path / "project"))
    monkeypatch.chdir(copied)
    return copied


def counts(project, a, b, **options):
    found = diff(project, project / ".vouch", a, b, **options)["rows"]
    return {kind: found[kind] for kind in ("same", "added", "changed", "removed")}


def test_a_revision_is_compared_with_the_file_as_it_stands(project):
    wanted = {"same": 1, "added": 1, "changed": 1, "removed": 0}
    assert counts(project, f"HEAD~1:{ROWS}", ROWS) == wanted
    assert counts(project, f"HEAD~1:{ROWS}", f"main:{ROWS}") == wanted
    assert counts(project, "main:data/silver", "main:data/silver")["same"] == 3


def test_a_folder_and_a_file_in_it_are_found_in_a_revision(project):
    found = counts(project, "HEAD~1:data/raw/shop", "data/raw/shop", key=("amount",))
    assert found == {"same": 2, "added": 2, "changed": 0, "removed": 0}
    assert counts(project, "main:data/raw/shop/one.parquet", "data/raw/shop/one.parquet")["same"]


def test_what_the_cache_lacks_comes_from_the_remote(project):
    shutil.rmtree(project / ".dvc/cache")
    assert counts(project, f"HEAD~1:{ROWS}", f"HEAD:{ROWS}")["changed"] == 1
    assert counts(project, "HEAD~1:data/raw/shop", "HEAD:data/raw/shop", key=("amount",))["same"]


def test_what_neither_has_is_told(project):
    shutil.rmtree(project / ".dvc/cache")
    shutil.rmtree(project / "remote")
    with pytest.raises(VouchError, match="neither in DVC's cache nor"):
        counts(project, f"HEAD~1:{ROWS}", ROWS)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        (
            "HEAD:data/silver/fraud/row.parquet",
            "DVC tracked nothing there",
            f"did you mean '{ROWS}",
        ),
        ("nowhere:data", "neither a git revision nor a registered model", "REV:path"),
        ("--all:data", "neither a git revision", ""),
        ("data/nowhere.parquet", "no such file", "dvc checkout"),
    ],
)
def test_what_cannot_be_found_is_told(project, name, said, hint):
    with pytest.raises(VouchError, match=said) as caught:
        counts(project, name, ROWS)
    assert hint in caught.value.hint


def test_a_model_versions_table_is_found_by_its_lineage(project, monkeypatch):
    digest = dvc_digest(project / ROWS)
    version = SimpleNamespace(lineage=lineage(digests={ROWS: digest}), extracted=extracted())
    monkeypatch.setattr(registry, "names", lambda state: ["fraud-shop"])
    monkeypatch.setattr(registry, "parse", lambda state, name: version)
    assert counts(project, f"HEAD~1:{ROWS}", "fraud-shop:1", of="silver")["changed"] == 1
    with pytest.raises(VouchError, match="several tables"):
        counts(project, ROWS, "fraud-shop:1")
    with pytest.raises(VouchError, match="does not name"):
        counts(project, ROWS, "fraud-shop:1", of="train")


def test_the_command_prints_and_writes_what_differs(project):
    words = ("data", "diff", f"HEAD~1:{ROWS}", ROWS, "--json", "d.json")
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for said in ("2 rows", "1 added", "1 changed", "amount 2.0 → 5.0"):
        assert said in done.output
    assert read_json(project / "d.json")["columns"]["changed"] == [{"column": "amount", "rows": 1}]
    with pytest.raises(VouchError, match="--of"):
        CliRunner().invoke(app, [*words, "--of", "silber"], catch_exceptions=False)
