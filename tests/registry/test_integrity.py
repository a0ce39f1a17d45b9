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

from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256, write_json
from vouch.project import damage
from vouch.registry import integrity
from vouch.registry.integrity import Identity, listing, origin, record_files, recorded, verify
from vouch.registry.life import promote
from vouch.registry.lineage import trace
from vouch.registry.versions import find
from vouch.stages.register import champion

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
    for table in ("model_files", "adoptions"):
        execute(state, f"DROP TABLE {table}")
    integrity.compared.clear()


def identity(state):
    return find(state, NAME, "1").identity


def origins(state):
    return {row.origin for row in execute(state, "SELECT origin FROM model_files")}


def test_every_file_of_a_version_is_recorded_with_its_digest(project, folder):
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert {"MLmodel", "vouch/candidate.json", "evidence/lineage.json"} <= files.keys()
    expected = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert recorded(project.state, identity(project.state)) == expected
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
    monkeypatch.setattr("vouch.core.results.read_json", pytest.fail)
    for read in (
        lambda: champion(project.state, NAME),
        lambda: find(project.state, NAME, "1").model,
        lambda: find(project.state, NAME, "1").predictions,
        lambda: find(project.state, NAME, "1").lineage,
        lambda: find(project.state, NAME, "1").extracted,
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
    assert recorded(project.state, identity(project.state)) == listing(folder)
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
    assert recorded(project.state, identity(project.state)) == {}


def test_a_version_without_its_model_is_not_adopted(project, folder):
    forget(project.state)
    shutil.rmtree(folder / "vouch")
    with pytest.raises(VouchError, match="vouch: cannot be read"):
        champion(project.state, NAME)


def test_a_run_killed_before_the_digests_were_written_resumes(project, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vouch.registry.versions.record_files", die)
        with pytest.raises(KeyboardInterrupt):
            project.register()
    assert project.register()["version"] == 1
    assert recorded(project.state, identity(project.state)) == listing(
        find(project.state, NAME, "1").folder
    )


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


def test_a_version_made_anew_under_a_number_of_before_is_another_one(project, folder):
    """The log's champion 1 is gone; the new version 1 has its own digests and is not champion."""
    tracking.client(project.state).delete_registered_model(NAME)
    before = listing(folder)
    other = project.with_seed(2)
    made = other.register("disabled")
    assert made["version"] == 1 and not made["gate"]["promoted"]
    version = find(project.state, NAME, "1")
    assert recorded(project.state, version.identity) == listing(version.folder) != before
    assert "champion" not in version.aliases
    assert champion(project.state, NAME) is None
    assert "Version 1, the champion, is no longer in MLflow" in " ".join(made["gate"]["reasons"])
    with pytest.raises(
        VouchError, match=r"1 is the champion, but MLflow no longer has it \(model m-"
    ):
        find(project.state, NAME, "champion")
    entry, new = promote(project.state, NAME, "1", "the new one")
    assert new and entry.model_id == version.model_id
    assert champion(project.state, NAME) == find(project.state, NAME, "1").model


def test_a_version_made_by_hand_is_refused(project, folder):
    """Its folder is a copy of a registered one with another model in it and its own lineage."""
    mlflow = tracking.client(project.state)
    copied = project.root / "copied"
    shutil.copytree(folder, copied)
    mlflow.create_model_version(NAME, source=copied.as_uri())
    with pytest.raises(VouchError, match=f"{NAME}:2: vouch did not register it") as error:
        _ = find(project.state, NAME, "2").folder
    assert "delete that version" in error.value.hint
    with pytest.raises(VouchError, match="did not register it"):
        promote(project.state, NAME, "2", "a trial")
    hits = trace(project.root, project.state, sha256(project.path("raw.csv")))["versions"]
    assert [hit["version"] for hit in hits] == [f"{NAME}:1", f"{NAME}:2"]
    assert "did not register it" in hits[1]["problem"]


def test_a_servers_version_may_be_a_colleagues_and_is_adopted(project, folder, monkeypatch):
    forget(project.state)
    execute(project.state, "CREATE TABLE adoptions (id INTEGER PRIMARY KEY, model_ids, at)")
    execute(project.state, "INSERT INTO adoptions VALUES (1, '[]', '2024-01-01 00:00:00')")
    which = identity(project.state)
    with pytest.raises(VouchError, match="did not register it"):
        verify(project.state, which, folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:1")
    verify(project.state, which, folder)
    assert origin(project.state, which) == "adopted"


OLD = {
    "model_files": "id INTEGER PRIMARY KEY, name, version, path, sha256, origin, at",
    "promotions": "id INTEGER PRIMARY KEY, name, from_version, to_version, kind, who, why, "
    "reasons, at",
}
"""The tables' columns before a logged model's name stood in them."""


def test_a_store_of_an_older_release_opens_and_answers(project, folder):
    """Digests and promotions by number alone still hold, and new ones join them."""
    digests = listing(folder)
    for table, columns in OLD.items():
        names = columns.replace("id INTEGER PRIMARY KEY", "id")
        execute(project.state, f"CREATE TABLE old AS SELECT {names} FROM {table}")
        execute(project.state, f"DROP TABLE {table}")
        execute(project.state, f"CREATE TABLE {table} ({columns})")
        execute(project.state, f"INSERT INTO {table} SELECT * FROM old")
        execute(project.state, "DROP TABLE old")
    execute(project.state, "UPDATE model_files SET version = 1")
    execute(project.state, "DROP TABLE adoptions")
    integrity.compared.clear()
    assert champion(project.state, NAME) == folder / "vouch"
    assert recorded(project.state, identity(project.state)) == digests
    (folder / "MLmodel").write_text("another")
    with pytest.raises(VouchError, match="MLmodel is not as registered"):
        champion(project.state, NAME)
    assert project.with_seed(2).register("disabled")["version"] == 2
    promote(project.state, NAME, "2", "better")
    assert find(project.state, NAME, "champion").number == 2


@pytest.mark.parametrize(
    "change", ["UPDATE model_files SET sha256 = ''", "DELETE FROM model_files"]
)
def test_the_database_refuses_to_change_the_digests(tmp_path, change):
    record_files(tmp_path, NAME, "m-1", {"a": "0" * 64}, "registered")
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
    which = Identity(NAME, 1, "m-1")
    record_files(root, NAME, "m-1", listing(root / "before"), "registered")
    verify(root, which, root / "before")
    shutil.rmtree(root / "before")
    _write(root / "before", after)
    if before == after:
        verify(root, which, root / "before")
    else:
        with pytest.raises(VouchError, match="not as registered"):
            verify(root, which, root / "before")


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
