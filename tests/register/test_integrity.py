"""The digests of versions' files: outside their folder, compared before anything is read."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from vouch import damage, tracking
from vouch.errors import VouchError
from vouch.files import read_json, sha256, write_json
from vouch.register import champion, integrity
from vouch.register.integrity import listing, record_files, recorded, verify
from vouch.register.life import promote
from vouch.register.registry import find

NAME = "fraud-shop"


@pytest.fixture
def folder(project):
    """The files of the only version, which is champion."""
    project.register()
    return find(project.state, NAME, "champion").folder


def execute(state, statement):
    with create_engine(f"sqlite:///{state}/vouch.db").begin() as connection:
        return connection.execute(text(statement))


def forget(state):
    """Make the store as it was before it had the table, and the process as if just begun."""
    execute(state, "DROP TABLE model_files")
    integrity._verify.cache_clear()


def origins(state):
    return {row.origin for row in execute(state, "SELECT origin FROM model_files")}


def test_every_file_of_a_version_is_recorded_with_its_digest(project, folder):
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert {"MLmodel", "vouch/candidate.json", "evidence/lineage.json"} <= files.keys()
    expected = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert recorded(project.state, NAME, 1) == expected
    assert origins(project.state) == {"registered"}


def test_a_file_replaced_together_with_the_digest_beside_it_is_refused_before_it_is_read(
    project, folder, monkeypatch
):
    model = folder / "vouch"
    described = read_json(model / "candidate.json")
    other = project.with_seed(2).path("tune/model")
    expected, (name,) = sha256(model / "candidate.json"), {p.name for p in model.glob("*.ubj")}
    shutil.copy(other / name, model / name)
    write_json(model / "candidate.json", described | read_json(other / "candidate.json"))
    monkeypatch.setattr("vouch.register.registry.read_json", pytest.fail)
    for read in (
        lambda: champion(project.state, NAME),
        lambda: find(project.state, NAME, "1").model,
        lambda: find(project.state, NAME, "1").predictions,
        lambda: find(project.state, NAME, "1").lineage,
        lambda: find(project.state, NAME, "1").evidence("extract.json"),
    ):
        with pytest.raises(VouchError, match="is not as registered") as error:
            read()
        message = str(error.value)
        assert f"{NAME}:1" in message and str(model / "candidate.json") in message
        assert expected in message and sha256(model / "candidate.json") in message
        assert "backup" in error.value.hint and "vouch promote fraud" in error.value.hint


def remove(folder):
    (folder / "vouch/candidate.json").unlink()
    return "got: no such file"


def add(folder):
    (folder / "vouch/more.bin").write_bytes(b"more")
    return "expected: no such file"


def link(folder):
    (folder / "vouch/linked").symlink_to(folder / "evidence")
    return "cannot be read"


def keep_times(folder):
    path = folder / "vouch/candidate.json"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"xgboost", b"xgbooss"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return "expected: [0-9a-f]{64}; got: [0-9a-f]{64}"


@pytest.mark.parametrize("change", [remove, add, link, keep_times])
def test_a_missing_extra_or_changed_file_is_named(project, folder, change):
    message = change(folder)
    with pytest.raises(VouchError, match=message):
        champion(project.state, NAME)


def test_a_damaged_version_is_not_registered_again_as_if_it_were_whole(project, folder):
    (folder / "evidence/extract.json").write_text("{}")
    with pytest.raises(VouchError, match=r"extract\.json is not as registered"):
        project.register()


def test_a_version_that_mlflow_served_is_still_as_registered(project, folder, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.uri(project.state))
    mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    assert (folder / "registered_model_meta").exists()
    assert champion(project.state, NAME) == folder / "vouch"


def test_a_version_from_before_the_table_is_adopted_once(project, folder):
    forget(project.state)
    assert champion(project.state, NAME) == folder / "vouch"
    assert recorded(project.state, NAME, 1) == listing(folder)
    assert origins(project.state) == {"adopted"}
    (folder / "MLmodel").write_text("another")
    with pytest.raises(VouchError, match="MLmodel is not as registered"):
        champion(project.state, NAME)


@pytest.mark.parametrize("name", ["vouch/candidate.json", "evidence/predictions.parquet"])
def test_a_version_that_differs_from_its_lineage_is_not_adopted(project, folder, name):
    forget(project.state)
    (folder / name).write_text("{}")
    with pytest.raises(VouchError, match="is not as its lineage says"):
        champion(project.state, NAME)
    assert recorded(project.state, NAME, 1) == {}


def test_a_version_without_its_model_is_not_adopted(project, folder):
    forget(project.state)
    shutil.rmtree(folder / "vouch")
    with pytest.raises(VouchError, match="vouch: cannot be read"):
        champion(project.state, NAME)


def test_a_run_killed_before_the_digests_were_written_resumes(project, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vouch.register.registry.record_files", die)
        with pytest.raises(KeyboardInterrupt):
            project.register()
    assert project.register()["version"] == 1
    assert recorded(project.state, NAME, 1) == listing(find(project.state, NAME, "1").folder)


def test_a_file_left_by_a_killed_run_is_no_part_of_the_version(project, monkeypatch):
    from mlflow import MlflowClient

    def die(client, model_id, _local):
        left = Path(client.get_logged_model(model_id).artifact_location.removeprefix("file://"))
        left.mkdir(parents=True)
        (left / "part-0123.parquet").write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_model_artifacts", die)
        with pytest.raises(KeyboardInterrupt):
            project.register()
    project.register()
    names = {path.name for path in find(project.state, NAME, "1").folder.iterdir()}
    assert "MLmodel" in names and "part-0123.parquet" not in names


def test_a_version_made_anew_under_a_number_of_before_has_its_own_digests(project, folder):
    tracking.client(project.state).delete_registered_model(NAME)
    other = project.with_seed(2)
    assert other.register("disabled")["version"] == 1
    version = find(project.state, NAME, "1")
    assert recorded(project.state, NAME, 1) == listing(version.folder) != listing(folder)


@pytest.mark.parametrize(
    "change", ["UPDATE model_files SET sha256 = ''", "DELETE FROM model_files"]
)
def test_the_database_refuses_to_change_the_digests(tmp_path, change):
    record_files(tmp_path, NAME, 1, {"a": "0" * 64}, "registered")
    with pytest.raises(DatabaseError, match="append-only"):
        execute(tmp_path, change)


CONTENTS = st.dictionaries(
    st.sampled_from(["a", "b.json", "in/a", "in/deep/c", "registered_model_meta2"]),
    st.binary(max_size=8),
    min_size=1,
)


@settings(max_examples=40, deadline=None)
@given(before=CONTENTS, after=CONTENTS)
def test_a_folder_passes_only_with_exactly_the_bytes_that_were_registered(
    tmp_path_factory, before, after
):
    """The oracle compares the contents themselves."""
    root = tmp_path_factory.mktemp("files")
    _write(root / "before", before)
    record_files(root, NAME, 1, listing(root / "before"), "registered")
    verify(root, NAME, 1, root / "before")
    shutil.rmtree(root / "before")
    _write(root / "before", after)
    if before == after:
        verify(root, NAME, 1, root / "before")
    else:
        with pytest.raises(VouchError, match="not as registered"):
            verify(root, NAME, 1, root / "before")


def _write(folder, contents):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_an_altered_version_becomes_no_champion(project, folder):
    (folder / "MLmodel").write_text("other")
    with pytest.raises(VouchError, match="MLmodel is not as registered"):
        promote(project.state, NAME, "1", "a trial")


def test_doctor_finds_a_champion_with_another_file(project, folder):
    assert list(damage.champions(project.root)) == []
    (folder / "evidence/lineage.json").write_text("{}")
    (finding,) = damage.champions(project.root)
    assert "evidence/lineage.json is not as registered" in str(finding)
