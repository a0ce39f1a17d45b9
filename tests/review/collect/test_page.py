"""Decisions of the review page, collected."""

from datetime import datetime, timedelta

import pyarrow.parquet as pq
import pytest

from tests.review.enqueue.conftest import make_case
from vouch.core.database import open_database
from vouch.core.errors import VouchError
from vouch.review.collect.check import check
from vouch.review.collect.read import Answer
from vouch.review.enqueue.stage import withdraw
from vouch.review.flags import HASTY
from vouch.review.page.rooms import Room
from vouch.review.people import Login, Person
from vouch.review.queue import Queue
from vouch.review.queue.seats import Said, Seats
from vouch.review.queue.tables import Base

FRAUD, GENUINE = Said("decision", "fraud"), Said("decision", "genuine")


@pytest.fixture
def seats(desk):
    return Seats(desk.state, "fraud", "simulated", timedelta(minutes=10))


def decide(seats, person, said):
    (lease,) = seats.hand_out(person)
    return seats.answer(person, lease.token, said, "s")


def rows(desk):
    tables = [pq.read_table(path).to_pylist() for path in desk.reviews.glob("*.parquet")]
    return sorted((row for table in tables for row in table), key=lambda row: row["sequence"])


def test_the_pages_decisions_become_one_batch_once(desk, seats):
    answers = [decide(seats, "Ann", FRAUD), decide(seats, "Bob", GENUINE)]
    decide(seats, "Ann", Said("skip", comment="I cannot tell"))
    first, second = desk.collect(None), desk.collect(None)
    assert (first["new"], first["batch"] is None) == (2, False)
    assert (second["new"], second["known"], second["batch"]) == (0, 0, None)
    kept = rows(desk)
    assert [row["unique_id"] for row in kept] == [f"page-{answer.token}" for answer in answers]
    assert [row["actor"] for row in kept] == ["Ann", "Bob"]
    assert {row["via"] for row in kept} == {"page"}
    assert [row["decided_at"] for row in kept] == [answer.decided_at for answer in answers]


def test_what_was_taken_back_is_not_collected(desk, seats):
    decide(seats, "Ann", FRAUD)
    seats.undo("Ann", "s")
    assert desk.collect(None)["read"] == 0
    decide(seats, "Ann", GENUINE)
    assert [row["class_name"] for row in _collected(desk)] == ["genuine"]


def _collected(desk):
    assert not desk.collect(None)["set_aside"]
    return rows(desk)


def test_a_second_answer_supersedes_one_that_was_collected(desk, seats):
    decide(seats, "Ann", FRAUD)
    desk.collect(None)
    seats.undo("Ann", "s")
    decide(seats, "Ann", GENUINE)
    assert [row["class_name"] for row in _collected(desk)] == ["fraud", "genuine"]


def test_a_known_answer_is_no_label(desk, seats):
    seats.set_gold(desk.cases[0], "fraud", "Lea")
    (lease,) = seats.hand_out("Ann", 1, gold=desk.cases[0])
    seats.answer("Ann", lease.token, FRAUD, "s")
    assert desk.collect(None)["read"] == 0


def test_a_case_decided_on_the_page_is_not_taken_back(desk, seats):
    decided = decide(seats, "Ann", FRAUD).case
    assert withdraw(desk.project, desk.state, "fraud") == 9
    assert desk.collect(None)["new"] == 1 and rows(desk)[0]["case"] == decided


def test_files_can_be_refused(desk):
    params = desk.project / "params.yaml"
    section = "collect:\n  fraud:\n"
    assert section in params.read_text()
    params.write_text(params.read_text().replace(section, f"{section}    files: refuse\n"))
    path = desk.answers([(desk.cases[0], "fraud", "Ann")])
    with pytest.raises(VouchError, match="review page alone"):
        desk.collect(path)


def hurry(seats, person, count):
    """Decide cases faster than anybody reads."""
    return [decide(seats, person, FRAUD).case for _ in range(count)]


def test_a_flagged_persons_decisions_wait_for_somebody_else(desk, seats):
    cases = hurry(seats, "Ann", HASTY)
    told = desk.collect(None)
    assert told["read"] == 0
    assert told["warnings"] == [
        f"{HASTY} decisions of flagged people wait for a second one: see the lead's page"
    ]
    desk.collect(None)  # one more seat each, once
    leases = seats.hand_out("Bob", 20)
    assert sorted(lease.case for lease in leases if lease.case in cases) == sorted(cases)
    first = next(lease for lease in leases if lease.case == cases[0])
    seats.answer("Bob", first.token, GENUINE, "t")
    assert desk.collect(None)["new"] == 2
    assert {(row["case"], row["actor"]) for row in rows(desk) if row["via"]} == {
        (cases[0], "Ann"),
        (cases[0], "Bob"),
    }
    seats.settle("Lea", cases[1], "genuine", "u")
    assert desk.collect(None)["new"] == 2
    assert Queue(desk.state, "fraud", "simulated").withdraw([cases[2]]) == 0  # it was answered
    seats.clear("Ann", "Lea")
    assert desk.collect(None)["new"] == HASTY - 2
    assert desk.collect(None)["warnings"] == []


def test_a_leads_word_that_was_taken_back_ends_nothing(desk, seats):
    case = decide(seats, "Ann", GENUINE).case
    seats.settle("Lea", case, "fraud", "s")
    desk.collect(None)
    seats.undo("Lea", "s")
    assert seats.ask_again(case)  # as before it, nobody is asked any more
    lease = next(lease for lease in seats.hand_out("Lea", 20) if lease.case == case)
    seats.answer("Lea", lease.token, GENUINE, "s")
    *_, last = _collected(desk)
    assert (last["actor"], last["class_name"], last["comment"]) == (
        "consensus",
        "genuine",
        "majority",
    )


def test_a_lead_who_undoes_what_was_collected_is_told_that_it_counts(desk):
    store = open_database(desk.state, Base.metadata)
    room = Room(desk.project, desk.state, "fraud", store)
    lea, case = Login(Person("Lea", "lead"), "", "", "s"), desk.cases[0]
    room.settle(lea, case, "fraud")
    assert "is taken back" in room.undo(lea)[0]
    room.settle(lea, case, "fraud")
    desk.collect(None)
    assert "counts until a lead settles it anew" in room.undo(lea)[0]
    assert [row["class_name"] for row in _collected(desk)] == ["fraud"]
    room.settle(lea, case, "genuine")
    assert [row["class_name"] for row in _collected(desk)][-1] == "genuine"


def test_what_is_said_of_a_held_out_row_is_not_in_the_reason_to_set_it_aside(desk):
    case = make_case(1, stream="holdout")
    answers = [Answer(1, case.case, "hoax", "Ann"), Answer(2, "fraud-other", "hoax", "Ann")]
    aside = check(desk.project, answers, {case.case: case}, {"fraud": 1}, datetime(2026, 1, 1))
    assert "hoax" not in aside[0].reason and "hoax" in aside[1].reason
