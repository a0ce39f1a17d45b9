import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from vouch.core.errors import VouchError
from vouch.holdout.ledger import HoldoutKey, Ledger, RefusedError
from vouch.holdout.mechanisms.limits import FREE

from .conftest import CUT, KEY, inquiry


def ask(ledger: Ledger, name: str, budget: int = 3, **rest):
    return ledger.charge(KEY, inquiry(name, **rest), budget, rows=10, positives=2)


def test_a_new_question_is_charged_and_an_old_one_is_not(ledger):
    first = ask(ledger, "a")
    assert first.answer is None
    ledger.answer(first.question, {"value": 0.5})
    assert ask(ledger, "a").answer == {"value": 0.5}
    (status,) = ledger.status()
    assert (status["spent"], status["left"], status["rows"], status["positives"]) == (1, 2, 10, 2)


def test_spent_is_refused_with_the_way_out(ledger):
    for name in "abc":
        ask(ledger, name)
    with pytest.raises(RefusedError, match="3 of 3") as caught:
        ask(ledger, "d")
    assert "vouch holdout rotate fraud" in caught.value.hint
    assert ask(ledger, "b").question == 2  # what was asked already stays free
    assert ledger.status()[0]["status"] == "spent"


def test_the_budget_is_fixed_by_the_first_question(ledger):
    ask(ledger, "a", budget=1)
    with pytest.raises(RefusedError):
        ask(ledger, "b", budget=1000)


def test_charged_before_answered_a_crash_costs_once(ledger, tmp_path):
    crashed = ask(ledger, "a")
    again = ask(Ledger(tmp_path / ".vouch"), "a")
    assert again == crashed
    assert ledger.status()[0]["spent"] == 1
    assert ledger.log()[0]["answer"] is None


def test_the_first_answer_stands(ledger):
    question = ask(ledger, "a").question
    assert ledger.answer(question, {"value": 1}) == {"value": 1}
    assert ledger.answer(question, {"value": 2}) == {"value": 1}


def test_another_champion_is_another_question_but_oneself_is_none(ledger):
    first = ask(ledger, "a", rival="old", model="m")
    ledger.answer(first.question, {"value": 1})
    assert ask(ledger, "a", rival="new", model="m").question != first.question
    # it became champion: asked about itself it gets the answer that made it champion
    assert ask(ledger, "a", rival="m", model="m") == ask(ledger, "a", rival="old", model="m")


def test_the_same_rows_under_another_name_share_one_budget(ledger):
    other = HoldoutKey("fraud", "paysim", "ba9876543210", 1)
    ledger.cut(other, lambda: CUT)
    for name in "abc":
        ask(ledger, name)
    with pytest.raises(RefusedError):
        ledger.charge(other, inquiry("d"), 3, 10, 2)
    assert ledger.charge(other, inquiry("e", content="other rows"), 3, 10, 2).question == 4


def test_a_retired_generation_answers_nothing_new(ledger):
    ask(ledger, "a")
    ledger.cut(HoldoutKey("fraud", "paysim", KEY.set, 2), lambda: CUT)
    with pytest.raises(RefusedError, match="training data"):
        ask(ledger, "b")
    assert [h["status"] for h in ledger.status()] == ["retired", "open"]


def test_a_holdout_retires_as_its_rotation_is_recorded_and_not_as_the_next_one_is_cut(ledger):
    first = ask(ledger, "a")
    second, other = replace(KEY, generation=2), replace(KEY, set="another")
    ledger.cut(other, lambda: CUT)
    ledger.rotate(second)
    with pytest.raises(RefusedError, match="retired") as caught:
        ask(ledger, "b")
    assert "goes on to generation 2" in caught.value.hint
    assert ask(ledger, "a") == first  # it was charged before
    assert ledger.find(KEY)["status"] == "retired" and ledger.find(other)["status"] == "open"
    # what ingest opens is what cannot be asked
    assert ledger.others(second) == [other] and ledger.others(other) == []
    assert (ledger.newest(KEY), ledger.newest(other)) == (2, 1)


def test_an_unknown_holdout_names_the_stage_to_run(ledger):
    with pytest.raises(VouchError, match="generation 7") as caught:
        ledger.charge(HoldoutKey("fraud", "paysim", "x", 7), inquiry("a"), 3, 1, 1)
    assert "extract" in caught.value.hint


@pytest.mark.parametrize("table", ["holdouts", "openings", "questions", "answers", "chain"])
@pytest.mark.parametrize("verb", ["DELETE FROM {0}", "UPDATE {0} SET rowid = 99"])
def test_the_database_refuses_to_forget(ledger, table, verb):
    ledger.answer(ask(ledger, "a").question, {"value": 1})
    before = ledger.status(), ledger.log()
    with (
        pytest.raises(IntegrityError, match="append-only"),
        ledger._engine.begin() as connection,
    ):
        connection.execute(text(verb.format(table)))
    assert (ledger.status(), ledger.log()) == before


QUESTIONS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "x"]), st.integers(1, 3)),
    max_size=25,
)


@given(QUESTIONS, st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_it_never_overspends_and_never_charges_twice(asked, budget):
    with tempfile.TemporaryDirectory() as folder:
        ledger, paid = Ledger(Path(folder) / ".vouch"), {}
        ledger.cut(KEY, lambda: CUT)
        for name, rival, cost in asked:
            question = inquiry(name, rival, cost=cost)
            if (name, rival) in paid:
                charge = ledger.charge(KEY, question, budget, 1, 1)
                assert charge.answer == {"said": [name, rival]}
            elif sum(paid.values()) + cost <= budget:
                charge = ledger.charge(KEY, question, budget, 1, 1)
                ledger.answer(charge.question, {"said": [name, rival]})
                paid[name, rival] = cost
            else:
                with pytest.raises(RefusedError):
                    ledger.charge(KEY, question, budget, 1, 1)
        assert ledger.status()[0]["spent"] == sum(paid.values()) <= budget


def spend(folder: Path, worker: int, start) -> None:
    """Ask many questions as fast as it goes, half of them the other workers' too."""
    start.wait()
    ledger = Ledger(folder)  # made by all at once
    ledger.cut(KEY, lambda: CUT)
    for i in range(12):
        name = f"shared {i}" if i % 2 else f"{worker} {i}"
        with contextlib.suppress(RefusedError):
            charge = ledger.charge(KEY, inquiry(name), 10, 1, 1)
            ledger.answer(charge.question, {"by": worker})


def test_processes_asking_at_once_never_overspend(tmp_path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    workers = [
        context.Process(target=spend, args=(tmp_path / ".vouch", n, start)) for n in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    log = Ledger(tmp_path / ".vouch").log()
    assert sum(entry["cost"] for entry in log) == 10
    assert len({entry["metric"] for entry in log}) == 10


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.holdout.conftest import CUT, KEY, inquiry
from vouch.holdout.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
ledger.cut(KEY, lambda: CUT)
ledger.charge(KEY, inquiry("a"), 2, 1, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_after_the_charge_has_paid(tmp_path):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(tmp_path / ".vouch")]
    env = os.environ | {"PYTHONPATH": str(root)}
    killed = subprocess.run(command, cwd=root, env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    ledger = Ledger(tmp_path / ".vouch")
    assert ledger.status()[0]["spent"] == 1
    assert ask(ledger, "a", budget=2).answer is None
    assert ledger.status()[0]["spent"] == 1


def test_a_free_answer_gives_its_charge_back_and_stays_free(ledger):
    first = ask(ledger, "a")
    ledger.answer(first.question, {"from": "training"}, free=True)
    assert ledger.find(KEY)["spent"] == 0
    assert ask(ledger, "a").answer == {"from": "training"}
    ledger.answer(ask(ledger, "b").question, {"value": 2})
    assert ledger.find(KEY)["spent"] == 1
    assert ledger.recorded(inquiry("a")) == {"from": "training"}
    assert ledger.recorded(inquiry("c")) is None


def test_how_many_positives_there_are_is_told_once_a_question_was_charged(ledger):
    charge = ask(ledger, "a")
    assert ledger.find(KEY)["positives"] is None  # not answered yet
    ledger.answer(charge.question, {"from": "training"}, free=True)
    assert ledger.find(KEY)["positives"] is None  # its charge was given back
    ledger.answer(ask(ledger, "b").question, {"value": 2})
    assert ledger.find(KEY)["positives"] is not None


def test_free_questions_run_out_too(ledger):
    for number in range(FREE):
        charge = ask(ledger, f"q{number}", budget=1)
        ledger.answer(charge.question, {"from": "training"}, free=True)
    with pytest.raises(RefusedError, match="free ones included"):
        ask(ledger, "one more", budget=1)
    assert ask(ledger, "q0", budget=1).answer == {"from": "training"}


def test_a_generation_is_cut_only_once_it_was_opened(ledger):
    ledger.check_opened(KEY)
    second, third = (replace(KEY, generation=number) for number in (2, 3))
    with pytest.raises(VouchError, match="knows no rotation of set 0123456789ab to it") as caught:
        ledger.check_opened(second)
    assert "set it to 1; then" in caught.value.hint
    ledger.rotate(second)
    ledger.rotate(second)
    ledger.check_opened(second)
    with pytest.raises(VouchError, match="got 3") as caught:
        ledger.check_opened(third)
    assert "set it to 2; then" in caught.value.hint
    assert ledger.verify().faults == ()
    ledger.cut(third, lambda: None)  # as an earlier release, which recorded no rotation
    ledger.check_opened(third)
