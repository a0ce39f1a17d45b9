"""Versions of a project that was copied or moved."""

import shutil
import sqlite3
from contextlib import closing

from tests.stages.register.conftest import Project
from vouch.core import tracking
from vouch.core.files import sha256
from vouch.registry import versions as registry
from vouch.usecases.fraud import models

NAME = "fraud-shop"


def tree(folder):
    """Digest all files but SQLite's own, which come and go with a connection."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".db-wal", ".db-shm"))
    return {p.relative_to(folder): sha256(p) for p in files}


def places(state):
    """Return every place of artifacts that MLflow stores."""
    with closing(sqlite3.connect(tracking.database(state))) as store:
        return [
            place
            for table, columns in tracking.LOCATIONS.items()
            for column in columns
            for (place,) in store.execute(f"SELECT {column} FROM {table}")
        ]


def test_a_run_in_a_copy_writes_nothing_into_the_original(project, tmp_path_factory):
    project.register()
    before = tree(project.root)
    copied = Project(tmp_path_factory.mktemp("copied") / "a?b#c%20d [x]*", seed=2)
    shutil.copytree(project.root, copied.root)
    copied.build()
    assert copied.register()["version"] == 2
    assert tree(project.root) == before
    ours = copied.state.as_uri()
    assert len(places(copied.state)) > 6
    assert all(place.startswith(f"{ours}/mlartifacts/") for place in places(copied.state))
    for version in registry.versions(copied.state, NAME):
        assert copied.state in version.folder.parents
    assert [p.name for p in copied.root.parent.iterdir()] == [copied.root.name]


def test_a_moved_project_has_its_versions_and_adds_to_them(project, tmp_path_factory):
    project.register()
    place = tmp_path_factory.mktemp("moved") / "other place"
    project.root.rename(place)
    moved = Project(place, seed=2)
    moved.build()
    moved.register()
    project.root.mkdir()
    one, two = registry.versions(moved.state, NAME)
    assert models.load(one.model).candidate.algorithm == "xgboost"
    assert one.folder.parent.parent == two.folder.parent.parent
    assert list(project.root.iterdir()) == []


def test_places_that_are_not_another_projects_stay(project):
    project.register()
    elsewhere = "s3://bucket/.vouch/mlartifacts/fraud-shop"
    with closing(sqlite3.connect(tracking.database(project.state))) as store:
        store.execute("UPDATE runs SET artifact_uri = ?", [elsewhere])
        store.execute("UPDATE experiments SET artifact_location = 'file:///a/.vouch/mlartifacts/b'")
        store.commit()
    tracking.prepare(project.state)
    assert set(places(project.state)) >= {elsewhere, f"{project.state.as_uri()}/mlartifacts/b"}


def test_the_store_of_a_server_is_left_alone(project, monkeypatch):
    project.register()
    with closing(sqlite3.connect(tracking.database(project.state))) as store:
        store.execute("UPDATE experiments SET artifact_location = 'file:///a/.vouch/mlartifacts/b'")
        store.commit()
    before = places(project.state)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:1")
    tracking.prepare(project.state)
    assert places(project.state) == before
