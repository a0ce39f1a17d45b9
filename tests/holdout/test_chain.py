"""What a changed, emptied, shortened or replaced ledger shows, whatever was changed."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from vouch.core.errors import VouchError
from vouch.holdout import chain, witness
from vouch.holdout.chain import TamperedError
from vouch.holdout.ledger import HoldoutKey, Ledger
from vouch.holdout.tables import Refund
from vouch.results.holdouts import Head, Holdouts

from .conftest import CUT, KEY, inquiry

BUDGET = 5


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A project's state folder, whose ledger answered two questions."""
    (tmp_path / "data").mkdir()
    (tmp_path / witness.PROJECT).write_text("usecases: {}\n")
    ledger = Ledger(tmp_path / ".vouch")
    ledger.cut(KEY, lambda: CUT)
    ledger.draw(KEY, {"r1": 0.25, "r2": 1.0})
    for name in "ab":
        ask(ledger, name)
    return tmp_path / ".vouch"


def ask(ledger: Ledger, name: str) -> None:
    charge = ledger.charge(KEY, inquiry(name), BUDGET, 10, 2)
    ledger.answer(charge.question, {"value": 0.5, "list": [1, 2.5, None]})


def tamper(state: Path, *statements: str) -> None:
    """Change what the triggers keep from being changed."""
    with Ledger(state)._engine.begin() as connection:
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type='trigger'")):
            connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(text(statement))


def kinds(state: Path) -> set[str]:
    return {fault.kind for fault in Ledger(state).verify().faults}


def refused(state: Path) -> TamperedError:
    """Return the error of each way to write; nothing is written."""
    ledger = Ledger(state)
    before = ledger.log(), ledger.head()
    other = HoldoutKey("fraud", "paysim", KEY.set, 2)
    for write in (
        lambda: ledger.cut(other, lambda: CUT),
        lambda: ledger.charge(KEY, inquiry("new"), BUDGET, 10, 2),
        lambda: ledger.answer(1, {}),
        lambda: ledger.draw(KEY, {"r3": 1.0}),
    ):
        with pytest.raises(TamperedError) as caught:
            write()
    assert (ledger.log(), ledger.head()) == before
    assert "--forget-holdouts" in caught.value.hint
    return caught.value


def test_an_untouched_ledger_agrees_and_says_with_what(state):
    result = Ledger(state).verify()
    assert result.faults == () and result.records == ("data/holdouts.json",)
    assert result.links == result.rows + 1  # the first one is of no row
    head = Holdouts.read(state.parent / witness.TRACKED).head
    assert head == Ledger(state).head() and head.number == result.links


def test_a_table_that_a_later_release_adds_changes_nothing_of_a_chain_of_before(state):
    tamper(state, "DROP TABLE refunds")  # as the release before made the store
    ledger = Ledger(state)
    assert ledger.verify().faults == ()
    charge = ledger.charge(KEY, inquiry("c"), BUDGET, 10, 2)
    ledger.answer(charge.question, {"from": "training"}, free=True)
    result = Ledger(state).verify()
    assert result.faults == () and result.links == result.rows + 1
    assert ledger.find(KEY)["spent"] == 2


def test_nobody_gives_a_charge_back_by_hand(state):
    tamper(state, "INSERT INTO refunds VALUES (1, '2026-01-01 00:00:00')")
    assert kinds(state) == {"inserted row"}
    assert "refunds [1]" in str(refused(state))


def test_nobody_gives_a_charge_back_with_a_link_of_its_own_either(state):
    """A row that is added as the ledger would do it leaves all recorded heads as they were."""
    ledger = Ledger(state)
    with chain.Session(ledger._engine) as session, session.begin():
        chain.append(session, Refund(question=1, refunded_at=CUT[0]))
    assert kinds(state) == {"inserted row"}
    assert "refunds [1]: its question's answer was not free" in str(refused(state))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM answers", "deleted row"),
        ("DELETE FROM drawn WHERE entity = 'r1'", "deleted row"),
        ("UPDATE openings SET budget = 1000", "changed row"),
        ("UPDATE drawn SET chance = 0.5 WHERE entity = 'r1'", "changed row"),
        ("UPDATE questions SET cost = 0 WHERE id = 2", "changed row"),
        ("UPDATE answers SET answer = '{\"value\": 0.9}' WHERE question = 1", "changed row"),
        ("UPDATE holdouts SET until = NULL", "changed row"),
        (
            "INSERT INTO answers SELECT 3, answer, answered_at FROM answers WHERE question = 1",
            "inserted row",
        ),
        ("DELETE FROM chain WHERE number = 3", "broken chain"),
        ("UPDATE chain SET content = previous WHERE number = 3", "broken chain"),
        ("DELETE FROM chain WHERE number > 4", "shorter chain"),
        ("DELETE FROM chain", "shorter chain"),
    ],
)
def test_each_kind_of_tampering_is_named_and_nothing_is_charged(state, statement, kind):
    tamper(state, statement)
    assert kind in kinds(state)
    assert "ledger was changed" in str(refused(state))


def test_an_emptied_ledger_is_no_fresh_one(state):
    (state / "vouch.db").unlink()
    assert kinds(state) == {"missing ledger"}
    assert "data/holdouts.json" in str(refused(state))


def test_an_older_copy_is_shorter_and_another_ledger_another(state, tmp_path):
    ledger = Ledger(state)
    shutil.copy(state / "vouch.db", tmp_path / "old.db")
    ask(ledger, "c")
    shutil.copy(tmp_path / "old.db", state / "vouch.db")
    assert kinds(state) == {"shorter chain"}
    assert "shorter chain: data/holdouts.json" in str(refused(state))
    (state / "vouch.db").unlink()
    elsewhere = Ledger(tmp_path / "elsewhere/.vouch")
    elsewhere.cut(KEY, lambda: CUT)
    for name in "abcdefgh":
        charge = elsewhere.charge(KEY, inquiry(name), 1000, 10, 2)
        elsewhere.answer(charge.question, {})
    shutil.copy(tmp_path / "elsewhere/.vouch/vouch.db", state / "vouch.db")
    assert kinds(state) == {"other chain"}
    assert "other chain" in str(refused(state))


def test_a_chain_computed_anew_over_changed_rows_is_another(state):
    tamper(state, "DELETE FROM answers", "DELETE FROM questions", "DELETE FROM chain")
    with chain.Session(Ledger(state)._engine) as session, session.begin():
        chain.begin(session, None)
    assert kinds(state) == {"shorter chain"}
    with chain.Session(Ledger(state)._engine) as session, session.begin():
        holdouts = [
            chain.Base.metadata.tables["holdouts"]
            .insert()
            .values(usecase="u", source=f"s{n}", set="x", generation=1, cut_at=CUT[0])
            for n in range(20)
        ]
        for each in holdouts:
            session.execute(each)
        session.execute(text("DELETE FROM chain"))
        chain.begin(session, None)
    assert kinds(state) == {"other chain"}
    refused(state)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("data/evaluate/fraud/evaluation.json", {"ledger": {"head": None}}),
        (".vouch/mlartifacts/fraud-x/models/m-1/artifacts/evidence/lineage.json", {}),
    ],
)
def test_every_place_of_a_head_is_compared(state, path, content):
    head = Ledger(state).head()
    wrong = head.model_copy(update={"digest": "0" * 64})
    place = state.parent / path
    place.parent.mkdir(parents=True)
    for value, faults in ((head, set()), (wrong, {"other chain"})):
        if "ledger" in content:
            content["ledger"]["head"] = value.model_dump()
        else:
            content["ledger_head"] = str(value)
        place.write_text(json.dumps(content))
        assert kinds(state) == faults
    assert path in str(refused(state))
    place.write_text('{"ledger": {"head": {"number": 1}}, "ledger_head": "x"}')
    with pytest.raises(VouchError, match=path):
        Ledger(state).charge(KEY, inquiry("new"), BUDGET, 10, 2)


def test_a_damaged_tracked_file_says_how_to_get_it_back(state):
    (state.parent / witness.TRACKED).write_text("{")
    with pytest.raises(VouchError, match=r"holdouts\.json") as caught:
        Ledger(state).charge(KEY, inquiry("new"), BUDGET, 10, 2)
    assert "git checkout" in caught.value.hint


def test_a_ledger_of_an_earlier_release_is_adopted_once(state):
    (state.parent / witness.TRACKED).unlink()
    tamper(state, "DROP TABLE chain")  # as before there was one
    rows = Ledger(state).verify().rows
    ask(Ledger(state), "c")
    result = Ledger(state).verify()
    assert result.faults == () and result.rows == rows + 2 and result.links == result.rows + 1
    with chain.Session(Ledger(state)._engine) as session:
        first = json.loads(session.get(chain.Link, 1).row)
    assert first["adopted"] == {
        "holdouts": 1,
        "drawn": 2,
        "openings": 1,
        "questions": 2,
        "answers": 2,
    }
    tamper(state, "DROP TABLE chain")
    refused(state)  # a second time it is tampering


def test_a_forgotten_ledger_leaves_a_note_and_the_next_begins_after_it(state):
    old = Ledger(state).head()
    witness.forget(state, "2024-01-01T00:00:00", "me")
    (state / "vouch.db").unlink()
    ledger = Ledger(state)
    ledger.cut(KEY, lambda: CUT)
    ask(ledger, "a")
    tracked = Holdouts.read(state.parent / witness.TRACKED)
    assert tracked.forgotten[0].head == old and tracked.forgotten[0].who == "me"
    assert tracked.head == ledger.head() and tracked.head.ledger != old.ledger
    with chain.Session(ledger._engine) as session:
        assert session.get(chain.Link, 1).previous == old.digest
    result = ledger.verify()
    assert result.faults == () and "forgotten" in result.others[0]
    other = tracked.forgotten[0].model_copy(update={"head": old.model_copy(update={"number": 1})})
    tracked.model_copy(update={"forgotten": (other,)}).write(state.parent / witness.TRACKED)
    assert kinds(state) == {"other chain"}


def test_a_head_of_which_a_killed_process_kept_no_note_is_noted_by_the_next(state):
    path = state.parent / witness.TRACKED
    before = path.read_text()
    ledger = Ledger(state)
    ask(ledger, "c")
    path.write_text(before)
    ask(ledger, "c")  # answered before: nothing is added
    assert Holdouts.read(path).head == ledger.head()


def test_an_older_head_never_replaces_a_newer_one(state):
    head = Ledger(state).head()
    witness.note(state, Head(ledger=head.ledger, number=1, digest=head.ledger))
    assert Holdouts.read(state.parent / witness.TRACKED).head == head


CHANGES = st.sampled_from(
    [
        "DELETE FROM {0} WHERE rowid = (SELECT min(rowid) FROM {0})",
        "DELETE FROM {0} WHERE rowid = (SELECT max(rowid) FROM {0})",
        "DELETE FROM {0}",
    ]
)


@settings(max_examples=15, deadline=None)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(["holdouts", "drawn", "openings", "questions", "answers", "chain"]),
            CHANGES,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_is_removed_is_noticed(tmp_path_factory, changes):
    root = tmp_path_factory.mktemp("project")
    (root / "data").mkdir()
    (root / witness.PROJECT).write_text("")
    ledger = Ledger(root / ".vouch")
    ledger.cut(KEY, lambda: CUT)
    ledger.draw(KEY, {"r1": 0.25})
    ask(ledger, "a")
    tamper(root / ".vouch", *(change.format(table) for table, change in changes))
    assert kinds(root / ".vouch")
    with pytest.raises(TamperedError):
        ask(ledger, "b")
