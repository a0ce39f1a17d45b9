"""The store on SQLite and on a PostgreSQL named by an address."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Index, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.ledger import project, storm
from tests import postgres
from tests.holdout.conftest import CUT, KEY, inquiry
from vouch.core.database import ADDRESS, exists, open_database, place, reading, writing
from vouch.core.errors import VouchError
from vouch.holdout import blind
from vouch.holdout.chain import TamperedError, append
from vouch.holdout.ledger import Ledger
from vouch.holdout.tables import Base, Blindness
from vouch.metrics.blinding import Periods
from vouch.operate.reset import Scope, reset
from vouch.project.inputs import Inputs, write_inputs
from vouch.registry.promotions import Change, champion_version, record


@pytest.fixture(scope="module")
def server():
    if why := postgres.missing():
        pytest.skip(why)
    with postgres.server() as address:
        yield address


@pytest.fixture
def served(server, monkeypatch, tmp_path):
    monkeypatch.setenv(ADDRESS, server)
    yield tmp_path / ".vouch"
    with open_database(tmp_path / ".vouch", Base.metadata).begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


@pytest.mark.parametrize(
    ("address", "match"),
    [
        ("nonsense with secret", "no address"),
        ("mysql://me:secret@here/x", "must be of PostgreSQL"),
        ("postgresql://me:secret@localhost:1/x", "localhost:1"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(tmp_path, monkeypatch, address, match):
    monkeypatch.setenv(ADDRESS, address)
    with pytest.raises(VouchError, match=match) as caught:
        open_database(tmp_path, Base.metadata)
    assert "secret" not in str(caught.value)


def test_a_server_takes_the_files_place(served):
    ledger = Ledger(served)
    assert exists(served) and not (served / "vouch.db").exists()
    assert place(served).startswith("postgresql://postgres@")
    assert ledger.log() == []


def test_a_servers_ledger_has_the_same_chain_and_shows_what_was_changed(served):
    state = project(served.parent)
    ledger = Ledger(state)
    ledger.cut(KEY, lambda: CUT)
    ledger.draw(KEY, {"r1": 1 / 3, "r2": 1.0})
    charge = ledger.charge(KEY, inquiry("a"), 5, 10, 2)
    ledger.answer(charge.question, {"value": 0.1, "list": [1, 2.5, None]})
    assert ledger.verify().faults == ()
    engine = open_database(state, Base.metadata)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE questions DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE questions SET cost = 0"))
    with pytest.raises(TamperedError, match="changed row: questions"):
        ledger.charge(KEY, inquiry("b"), 5, 10, 2)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE chain, drawn, answers, questions, openings CASCADE"))
    with pytest.raises(TamperedError, match="shorter chain"):
        Ledger(state).charge(KEY, inquiry("b"), 5, 10, 2)


@pytest.mark.slow
def test_processes_that_are_killed_leave_chain_and_budget_right_on_a_server(served):
    assert storm(project(served.parent), 200, 4, 100, seed=0).faults == ()


@pytest.mark.slow
def test_processes_that_are_killed_leave_chain_and_budget_right_in_a_file(tmp_path):
    assert storm(project(tmp_path), 200, 4, 100, seed=0).faults == ()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM promotions", "UPDATE promotions SET who = ''", "TRUNCATE promotions"]
)
def test_a_server_refuses_to_forget_too(served, statement):
    record(served, "fraud", Change("fraud-x", 1, "manual", "because"))
    engine = open_database(served, Base.metadata)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    assert champion_version(served, "fraud-x") == 1


def test_a_reset_leaves_what_is_not_ours_in_a_servers_database(served):
    record(served, "fraud", Change("fraud-x", 1, "manual", "because"))
    with open_database(served, Base.metadata).begin() as connection:
        connection.execute(text("CREATE TABLE theirs (a int)"))
    write_inputs(served.parent, Inputs(usecases={}))
    reset(served.parent, Scope())
    assert champion_version(served, "fraud-x") is None
    with open_database(served, Base.metadata).begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM theirs")) == 0


def test_projects_of_one_server_are_blind_each_by_itself(served):
    one, two = served, served.parent / "other/.vouch"
    assert blind.begin(one, "fraud", seen=False)
    assert blind.status(one, "fraud").blind and not blind.status(two, "fraud").blind
    assert not blind.refusal(two, "fraud") and blind.periods(two, "fraud") == Periods()
    assert blind.begin(two, "fraud", seen=True)
    mine, theirs = (blind.periods(state, "fraud").now for state in (one, two))
    assert mine.offset("roc_auc") != theirs.offset("roc_auc")
    assert blind.end(two, "fraud", "f" * 64, "c" * 40)
    assert blind.status(one, "fraud").blind and not blind.status(two, "fraud").blind
    assert blind.blind_usecases(two) == ["fraud"]  # to forget the ledger would lose the offset
    clone = served.parent / "clone/.vouch"
    clone.mkdir(parents=True)
    shutil.copy(one / "holdout.key", clone)
    assert blind.periods(clone, "fraud") == blind.periods(one, "fraud")
    assert not Ledger(one).verify().faults


def test_a_period_on_a_server_can_be_abandoned_where_the_key_is_lost(served):
    blind.begin(served, "fraud", seen=False)
    (served / "holdout.key").unlink()
    assert blind.status(served, "fraud").blind
    assert blind.abandon(served, "fraud") and not blind.status(served, "fraud").blind
    assert blind.blind_usecases(served) == []


def test_a_period_of_an_earlier_release_counts_for_all_projects_of_a_server(served):
    with Ledger(served)._writing() as session:
        row = Blindness(usecase="fraud", state="on", commitment="0" * 64, nonce="", seen=False)
        row.actor, row.at = "ann", CUT[0]
        append(session, row)
    for folder in ("one", "two"):
        state = served.parent / folder / ".vouch"
        assert blind.status(state, "fraud").blind
        assert blind.abandon(state, "fraud") and not blind.status(state, "fraud").blind


def answers(state):
    return open_database(state, Answers.metadata, serving=True)


class Answers(DeclarativeBase):
    pass


class Word(Answers):
    __tablename__ = "words"
    __table_args__ = (Index("by_word", "word"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]


def read(engine):
    with reading(engine) as session:
        return session.scalars(select(Word.word).order_by(Word.id)).all()


def write(engine, word):
    with writing(engine) as session:
        session.add(Word(word=word))


@pytest.fixture(params=["file", "server"])
def kept_open(request, tmp_path):
    engine = answers(tmp_path if request.param == "file" else request.getfixturevalue("served"))
    yield engine
    engine.dispose()


def test_who_reads_waits_for_nobody_and_sees_what_was_committed(kept_open):
    write(kept_open, "first")
    with writing(kept_open) as session:
        session.add(Word(word="second"))
        session.flush()
        assert read(kept_open) == ["first"]
    assert read(kept_open) == ["first", "second"]


def test_threads_write_one_after_the_other(kept_open):
    def add(number):
        with writing(kept_open) as session:
            count = session.scalar(select(func.count()).select_from(Word))
            session.add(Word(id=count + 1, word=str(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert sorted(map(int, read(kept_open))) == list(range(40))


def test_a_write_that_fails_lets_the_next_one_in(kept_open):
    with pytest.raises(ZeroDivisionError), writing(kept_open) as session:
        session.add(Word(word="never"))
        session.flush()
        raise ZeroDivisionError
    write(kept_open, "first")
    assert read(kept_open) == ["first"]


def test_nothing_is_written_into_a_file_that_was_removed(tmp_path):
    engine = answers(tmp_path)
    write(engine, "first")
    for path in tmp_path.glob("vouch.db*"):
        path.unlink()
    with pytest.raises(DBAPIError, match="no such table"):
        write(engine, "lost")
    again = answers(tmp_path)
    write(engine, "second")
    assert read(again) == read(engine) == ["second"]


def test_a_server_that_was_restarted_is_reached_again(served):
    engine = answers(served)
    write(engine, "first")
    with open_database(served, Answers.metadata).begin() as other:
        mine = "pid <> pg_backend_pid() AND datname = current_database()"
        other.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"))
    write(engine, "second")
    assert read(engine) == ["first", "second"]
    engine.dispose()


def test_a_table_of_an_older_release_gets_its_index(tmp_path):
    engine = answers(tmp_path)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX by_word"))
    with answers(tmp_path).begin() as connection:
        assert [index["name"] for index in inspect(connection).get_indexes("words")] == ["by_word"]
