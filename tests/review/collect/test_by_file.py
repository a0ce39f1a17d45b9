"""What a decision by file frees and ends on the page."""

from datetime import timedelta

import pytest
import yaml

from vouch.core.database import open_database
from vouch.project.inputs import present_source
from vouch.review.collect.by_file import file_decisions
from vouch.review.flags import HASTY
from vouch.review.page.rooms import Room
from vouch.review.people import People
from vouch.review.queue.seats import Said, Seats
from vouch.review.queue.tables import Base

FRAUD = Said("decision", "fraud")


@pytest.fixture
def seats(desk):
    return Seats(desk.state, "fraud", "simulated", timedelta(minutes=10))


def hurry(seats, person, count=HASTY):
    """Decide cases faster than anybody reads."""
    cases = []
    for _ in range(count):
        (lease,) = seats.hand_out(person)
        cases.append(seats.answer(person, lease.token, FRAUD, "s").case)
    return cases


def test_a_file_decision_is_the_second_one(desk, seats):
    cases = hurry(seats, "Ann")
    assert desk.collect(None)["read"] == 0
    desk.collect(desk.answers([(cases[0], "genuine", "Bob"), (cases[1], "fraud", "ANN ")]))
    told = desk.collect(None)
    assert told["new"] == 1  # the first; under her own name nobody seconds herself
    assert f"{HASTY - 1} decisions of flagged people wait" in told["warnings"][0]
    assert desk.collect(None)["new"] == 0


def test_a_flagged_persons_file_is_no_second_one(desk, seats):
    cases = hurry(seats, "Ann")
    hurry(seats, "Bob")
    assert desk.collect(None)["read"] == 0
    desk.collect(desk.answers([(cases[0], "genuine", "bob")]))
    assert desk.collect(None)["new"] == 0


def room(desk):
    People(desk.state).add("Lea", "lead")
    return Room(desk.project, desk.state, "fraud", open_database(desk.state, Base.metadata))


def test_a_file_decision_differs_from_one_of_the_page(desk, seats):
    (lease,) = seats.hand_out("Ann")
    seats.answer("Ann", lease.token, FRAUD, "s")
    desk.collect(desk.answers([(lease.case, "0", "Bob"), (desk.cases[-1], "fraud", "Bob")]))
    seen = room(desk).oversee({"Lea"})
    (conflict,) = seen.conflicts
    assert (conflict.case, conflict.votes) == (lease.case, {"Ann": "fraud", "Bob": "genuine"})
    by_file = file_decisions(desk.reviews, present_source(desk.project, "fraud"))
    assert {(one.case, one.word, one.final) for one in by_file} == {
        (lease.case, "genuine", False),
        (desk.cases[-1], "fraud", False),
    }
    assert desk.cases[-1] not in seats.waiting()


def test_a_leads_file_ends_a_case_on_the_page(desk, seats):
    path = desk.project / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["collect"]["fraud"]["leads"] = ["Lea"]
    path.write_text(yaml.safe_dump(params))
    (lease,) = seats.hand_out("Ann")
    seats.answer("Ann", lease.token, FRAUD, "s")
    seats.ask_again(lease.case)
    seats.ask_again(desk.cases[-1])
    other = desk.cases[-1] if desk.cases[-1] != lease.case else desk.cases[-2]
    desk.collect(desk.answers([(lease.case, "genuine", "lea"), (other, "fraud", "Lea")]))
    seen = room(desk).oversee({"Lea"})
    assert seen.conflicts == []
    assert not {lease.case, other} & set(seats.waiting())


def test_a_newer_word_takes_the_place_of_an_older_one_whichever_way_it_came(desk, seats):
    (lease,) = seats.hand_out("Bob")
    seats.answer("Bob", lease.token, FRAUD, "s")
    desk.collect(desk.answers([(lease.case, "genuine", "bob")]))
    seen = room(desk).oversee({"Lea"})
    assert seen.conflicts == []
