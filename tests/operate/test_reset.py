"""What goes and what stays, in a trained project."""

import gc
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime

import pytest
import yaml
from filelock import FileLock

from tests.project import BIN, ENVIRONMENT, vouch
from vouch.core.errors import VouchError
from vouch.holdout import blind
from vouch.holdout.ledger import Ledger
from vouch.holdout.tables import Base
from vouch.operate.locks import at_work
from vouch.operate.record import Ports, Record
from vouch.operate.reset import PEOPLE, Scope, plan, reset
from vouch.project.versions import GOOD
from vouch.results.holdouts import Holdouts
from vouch.review.capacity import Capacities
from vouch.review.guidelines import Guidelines
from vouch.review.people import People
from vouch.review.queue import Case, Queue
from vouch.review.queue.tables import Base as Cases

GIVEN = (
    "data/raw/paysim/0123456789ab-payments.csv",
    "data/raw/paysim.dvc",
    "data/inbox/fraud/reviews/done/decided.csv",
    "data/inbox/fraud/score/new.csv",
)
DECIDED = (
    "data/labels/fraud/reviews/ab12.parquet",
    "data/labels/fraud/reviews/ab12.parquet.dvc",
    "data/outbox/fraud/cases/2024-05-01.csv",
)
MADE = ("data/gold/fraud", "data/labels/fraud/issued", "dvc.lock", ".vouch/mlflow.db")
LEDGER = (".vouch/holdout.key", "data/holdouts.json")


@pytest.fixture
def used(project):
    for name in (*GIVEN, *DECIDED, "data/outbox/fraud/scores/new.csv", ".prefect/prefect.db"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("people's work")
    case = {
        "case": "fraud-1",
        "usecase": "fraud",
        "origin": "simulated",
        "entity": "1",
        "stream": "random",
        "propensity": 0.5,
        "model": "fraud-simulated:1",
        "scores": [0.5, 0.5],
        "prediction": 0,
        "classes": None,
        "facts": {},
        "reasons": [],
        "poor": False,
        "out_at": datetime(2024, 5, 1),
    }
    Queue(project / ".vouch", "fraud", "simulated").put([Case(**case)], datetime(2024, 5, 1))
    People(project / ".vouch").add("Ann", "reviewer")
    return project


def there(project, names):
    return [name for name in names if (project / name).exists()]


def tables(project):
    with closing(sqlite3.connect(project / ".vouch/vouch.db")) as database:
        asked = "SELECT name FROM sqlite_master WHERE type = 'table'"
        return {name for (name,) in database.execute(asked)}


def test_what_people_gave_and_decided_stays(used):
    assert there(used, MADE) == list(MADE)
    reset(used, Scope())
    assert there(used, (*GIVEN, *DECIDED)) == [*GIVEN, *DECIDED]
    assert there(used, (*MADE, "data/outbox/fraud/scores", ".prefect")) == []
    # the cases that are out can still be collected, and nobody may ask the holdout anew
    assert tables(used) == {*Cases.metadata.tables, *Base.metadata.tables}
    assert there(used, LEDGER) == list(LEDGER) and Ledger(used / ".vouch").verify().faults == ()
    assert len(Ledger(used / ".vouch").log()) == 1
    assert [c.case for c in Queue(used / ".vouch", "fraud", "simulated").all()] == ["fraud-1"]
    assert (used / ".dvc/cache").exists()


def test_decisions_and_raw_files_go_with_their_own_flags(used):
    reset(used, Scope(decisions=True))
    assert there(used, DECIDED) == [] and there(used, GIVEN) == list(GIVEN)
    assert tables(used) == {*PEOPLE, *Base.metadata.tables}
    reset(used, Scope(raw=True, cache=True))
    assert there(used, GIVEN) == [name for name in GIVEN if "inbox" in name]
    assert not (used / ".dvc/cache").exists()


def test_the_first_holdout_is_chosen_again_and_files_that_are_gone_are_not(used):
    path = used / "data/inputs.yaml"
    inputs = yaml.safe_load(path.read_text())
    inputs["usecases"]["fraud"]["generation"] = 3
    filed = inputs["usecases"]["fraud"] | {"files": ["0123456789ab"], "source": "paysim"}
    inputs["remembered"] = {"fraud": {"paysim": filed}}
    path.write_text(yaml.safe_dump(inputs))
    reset(used, Scope())
    inputs = yaml.safe_load(path.read_text())
    assert inputs["usecases"]["fraud"]["generation"] == 3  # as the ledger knows it
    reset(used, Scope(holdouts=True))
    inputs = yaml.safe_load(path.read_text())
    assert inputs["usecases"]["fraud"]["generation"] == 1
    assert inputs["remembered"]["fraud"]["paysim"]["files"] == ["0123456789ab"]
    reset(used, Scope(raw=True))
    assert yaml.safe_load(path.read_text())["remembered"] == {"fraud": {}}


def test_the_ledger_is_forgotten_on_request_and_git_keeps_a_note(used):
    head = Ledger(used / ".vouch").head()
    reset(used, Scope(decisions=True, people=True, holdouts=True))
    assert not (used / ".vouch/vouch.db").exists()
    assert not (used / ".vouch/holdout.key").exists()
    tracked = Holdouts.read(used / "data/holdouts.json")
    assert tracked.head is None and [each.head for each in tracked.forgotten] == [head]


def test_the_ledger_is_not_forgotten_while_a_use_case_is_blind(used):
    blind.begin(used / ".vouch", "fraud", seen=True)
    before = sorted(used.rglob("*"))
    for refused in (plan, reset):
        with pytest.raises(VouchError, match="not forgotten: fraud is blind") as error:
            refused(used, Scope(holdouts=True))
        assert error.value.hint.endswith("vouch blind off fraud")
    assert sorted(used.rglob("*")) == before
    assert there(used, [".vouch/project"])
    reset(used, Scope())  # keeps the ledger, and whose periods are in it
    assert there(used, [".vouch/project"])
    assert blind.status(used / ".vouch", "fraud").blind
    blind.end(used / ".vouch", "fraud", "f" * 64, "none")
    reset(used, Scope(decisions=True, people=True, holdouts=True))
    assert not (used / ".vouch/vouch.db").exists()


def test_people_stay_until_it_is_said_that_they_go(used):
    state, guidelines = used / ".vouch", used / "data/guidelines/fraud.md"
    Capacities(state).set_usual("Ann", 40)
    base = Guidelines(used, state, "fraud").present()
    ours = Guidelines(used, state, "fraud").save("Ours", "Ada", base.version)
    reset(used, Scope(decisions=True))
    assert [person.name for person in People(state).all()] == ["Ann"]
    assert (
        Capacities(state).usual() == {"ann": 40} and Queue(state, "fraud", "simulated").all() == []
    )
    assert [one.author for one in Guidelines(used, state, "fraud").history()] == ["Ada", ""]
    reset(used, Scope(people=True))
    assert People(state).all() == [] and Guidelines(used, state, "fraud").history() == []
    assert guidelines.read_text() == ours.text


def test_the_question_names_what_people_gave_and_what_stays(used):
    done = subprocess.run(
        [str(BIN / "vouch"), "reset", "--decisions"],
        cwd=used,
        input="n\n",
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 1
    assert "stays of the database: the review page's people, the holdouts' ledger" in done.stdout
    asked = "for good, with reviewers' decisions and the cases that are out?"
    assert asked in " ".join(done.stdout.split())
    assert there(used, DECIDED) == list(DECIDED)


def test_it_says_what_and_how_much_and_a_dry_run_removes_nothing(used):
    before = sorted(used.rglob("*"))
    done = vouch(used, "reset", "--dry-run")
    assert done.returncode == 0 and "data/gold/fraud" in done.stdout
    made = used / "data/gold/fraud"
    size = sum(f.stat().st_size for f in made.rglob("*") if f.is_file())
    (part,) = (part for part in plan(used, Scope()) if part.path == made)
    assert part.bytes == size and part.files == len(list(made.iterdir()))
    assert sorted(used.rglob("*")) == before


def test_a_raw_file_that_lives_in_the_cache_keeps_the_cache(used):
    (used / "data/raw/paysim/link.csv").symlink_to(used / ".dvc/cache/files")
    with pytest.raises(VouchError, match=r"link\.csv"):
        plan(used, Scope(cache=True))


def test_decisions_that_live_in_the_cache_keep_the_cache(used):
    link = used / "data/labels/fraud/reviews/cd34.parquet"
    link.symlink_to(used / ".dvc/cache/files")
    with pytest.raises(VouchError, match=r"cd34\.parquet"):
        plan(used, Scope(cache=True))
    with pytest.raises(VouchError, match=r"cd34\.parquet"):
        plan(used, Scope(cache=True, raw=True))
    assert link in {part.path for part in plan(used, Scope(cache=True, decisions=True))}


def test_it_refuses_while_something_is_at_work(used):
    with FileLock(used / ".vouch/locks/run.lock"), pytest.raises(VouchError, match="run is at"):
        reset(used, Scope())
    Record.of_this_process(Ports()).save(used)
    with pytest.raises(VouchError, match="vouch up serves"):
        reset(used, Scope())
    assert there(used, MADE) == list(MADE)


def lock_files(project):
    state = project / ".vouch"
    files = {*state.glob("*.lock"), *state.glob("locks/*.lock")} - {project / GOOD}
    return {path: path.stat().st_ino for path in files}


def test_nothing_may_begin_while_it_removes(used, monkeypatch):
    before, held = lock_files(used), []
    removed = shutil.rmtree

    def look_and_remove(path, *options):
        held.append(set(at_work(used)))
        removed(path, *options)

    monkeypatch.setattr("vouch.operate.reset.shutil.rmtree", look_and_remove)
    reset(used, Scope(decisions=True, raw=True, holdouts=True, cache=True))
    assert held and all(each >= {"run", "server", "fraud.ingest"} for each in held)
    # whoever waits for a lock waits for that very file
    assert lock_files(used).items() >= before.items()


KILLED = """
import os, sys
from pathlib import Path
from vouch.operate import reset
if sys.argv[1] == "first":
    reset.shutil.rmtree = lambda *_: os._exit(9)
    reset.Path.unlink = lambda *_, **__: os._exit(9)
reset.reset(Path(), reset.Scope(raw=True, holdouts=True))
"""


@pytest.mark.parametrize("moment", ["first", "last"])
def test_a_killed_reset_is_ended_by_the_same_command(used, moment, monkeypatch):
    path = used / "data/inputs.yaml"
    inputs = yaml.safe_load(path.read_text())
    inputs["usecases"]["fraud"]["generation"] = 3
    filed = inputs["usecases"]["fraud"] | {"files": ["0123456789ab"], "source": "paysim"}
    inputs["remembered"] = {"fraud": {"paysim": filed}}
    path.write_text(yaml.safe_dump(inputs))
    words = [sys.executable, "-c", KILLED, moment]
    assert subprocess.run(words, cwd=used, env=ENVIRONMENT, check=False).returncode == (
        9 if moment == "first" else 0
    )
    if moment == "last":  # as an earlier release left it, killed before its last write
        path.write_text(yaml.safe_dump(inputs))
    done = vouch(used, "reset", "--raw", "--forget-holdouts", "--yes")
    assert done.returncode == 0, done.stderr
    mended = yaml.safe_load(path.read_text())
    assert mended["usecases"]["fraud"]["generation"] == 1
    assert mended["remembered"] == {"fraud": {}}
    assert there(used, ("data/raw/paysim", *MADE)) == []


@pytest.mark.slow
def test_the_pipeline_runs_again_after_a_reset_to_the_same_model(used):
    for name in (*GIVEN, *DECIDED):
        (used / name).unlink()
    before = {p.name: p.read_bytes() for p in (used / "data/tune/fraud/model").iterdir()}
    assert vouch(used, "reset", "--yes", "--cache").returncode == 0
    done = vouch(used, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {p.name: p.read_bytes() for p in (used / "data/tune/fraud/model").iterdir()} == before
    shutil.rmtree(used)


def test_nothing_behind_a_link_is_removed(used, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.move(used / "data/gold", elsewhere)
    (used / "data/gold").symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    with pytest.raises(VouchError, match="data/gold"):
        reset(used, Scope())
    assert sorted(elsewhere.rglob("*")) == before and there(used, MADE) == list(MADE)
    assert "promotions" in tables(used)
    (used / "data/gold").unlink()
    (used / "data/gold").mkdir()
    (used / "data/gold/fraud").symlink_to(elsewhere / "fraud")
    reset(used, Scope())
    assert sorted(elsewhere.rglob("*")) == before
    assert not (used / "data/gold/fraud").is_symlink()


@pytest.mark.parametrize("name", [".vouch", ".vouch/vouch.db", "data"])
def test_a_linked_state_or_data_folder_stays_whole(used, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    shutil.move(used / name, elsewhere)
    (used / name).symlink_to(elsewhere)
    gc.collect()  # closes the fixture's database, whose log SQLite then removes
    before = {path: path.stat().st_size for path in [elsewhere, *elsewhere.rglob("*")]}
    with pytest.raises(VouchError, match="follows no links"):
        reset(used, Scope(decisions=True))
    assert {path: path.stat().st_size for path in [elsewhere, *elsewhere.rglob("*")]} == before


def test_what_was_pushed_goes_with_the_cache_only(used):
    assert (used / ".vouch/dvc-remote").is_dir()
    reset(used, Scope())
    assert (used / ".vouch/dvc-remote").is_dir()
    reset(used, Scope(cache=True))
    assert not (used / ".vouch/dvc-remote").exists()
