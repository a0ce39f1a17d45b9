"""MLflow's store in any folder."""

import sqlite3
import subprocess
from contextlib import closing

import pytest
from sqlalchemy import MetaData

from benchmarks.kills import payments
from tests.project import BIN, ENVIRONMENT, copy_checkout, dvc, shrink, vouch
from vouch.core import tracking
from vouch.core.database import open_database

ODD = "a?b#c%20d [x]*"


def test_both_databases_are_in_the_folder_whatever_it_is_called(tmp_path):
    state = tmp_path / ODD / ".vouch"
    open_database(state, MetaData()).dispose()
    tracking.client(state).search_registered_models()
    assert [path.name for path in tmp_path.iterdir()] == [ODD]
    for database in (state / "vouch.db", tracking.database(state)):
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_mlflow_makes_no_folder_of_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracking.client(tmp_path / ODD / ".vouch").search_registered_models()
    assert [path.name for path in tmp_path.iterdir()] == [ODD]


INTERRUPTED = """
import os, sys
from pathlib import Path
from sqlalchemy import Engine, event
from vouch.core import tracking
from vouch.core.database import sqlite
state, statements, apart = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "apart"
written = 0
@event.listens_for(Engine, "before_cursor_execute")
def end(connection, cursor, statement, values, context, many):
    global written
    written += statement.lstrip().startswith(("CREATE", "ALTER", "INSERT", "UPDATE", "DROP"))
    if written > statements:
        os._exit(9)
if apart:
    tracking.prepare(state)
else:  # as MLflow itself makes them
    from mlflow.store.db import utils
    state.mkdir()
    utils._initialize_tables(sqlite(tracking.database(state)))
"""


@pytest.mark.parametrize("way", ["apart", pytest.param("in place", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "statements", [60, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 5, 20, 120))]
)
def test_a_store_whose_making_was_killed_is_made_anew(tmp_path, statements, way):
    state = tmp_path / ".vouch"
    words = [str(BIN / "python"), "-c", INTERRUPTED, str(state), str(statements), way]
    assert subprocess.run(words, check=False, env=ENVIRONMENT).returncode == 9
    assert tracking.database(state).exists() == (way == "in place")
    run = tracking.client(state).create_run(tracking.experiment(state, "fraud"))
    assert tracking.client(state).get_run(run.info.run_id)


def test_a_store_that_holds_something_is_never_made_anew(tmp_path):
    state = tmp_path / ".vouch"
    tracking.experiment(state, "fraud")
    with closing(sqlite3.connect(tracking.database(state))) as store:
        store.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        store.commit()
    tracking.prepare(state)
    with closing(sqlite3.connect(tracking.database(state))) as store:
        names = store.execute("SELECT name FROM experiments").fetchall()
    assert ("fraud",) in names


@pytest.mark.slow
def test_a_project_in_an_odd_folder_runs_end_to_end_and_stays_in_it(tmp_path):
    project = copy_checkout(tmp_path / "beside" / ODD)
    shrink(project, trials=1)
    table = tmp_path / "p [1]*.csv"
    payments(3000, seed=0).to_csv(table, index=False)
    payments(10, seed=1).to_csv(tmp_path / "p 1x.csv", index=False)  # what the name would match
    for words in (
        ("run", "fraud", "--source", "paysim", "--path", str(table)),
        ("score", "fraud", "--path", str(table), "--model", "challenger", "--out", "scores.csv"),
        ("lineage", "fraud-paysim:challenger"),
    ):
        done = vouch(project, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert len((project / "scores.csv").read_text().splitlines()) == 3001
    assert "up to date" in dvc(project, "status").stdout
    assert [path.name for path in project.parent.iterdir()] == [ODD]
    for name in (".prefect/prefect.db", ".vouch/vouch.db", ".vouch/mlflow.db"):
        assert (project / name).read_bytes().startswith(b"SQLite format 3")
    assert not list(project.glob("file:*"))
