"""Leases and answers against an oracle that keeps all in a list."""

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select, update

from tests import postgres
from tests.review.enqueue.conftest import make_case
from vouch.core.database import ADDRESS, open_database, reading, writing
from vouch.core.errors import VouchError
from vouch.review.queue import Queue
from vouch.review.queue.seats import COUNTS, HANDED_OVER, Lease, Said, Seats, Submit, latest
from vouch.review.queue.tables import Base, Seat

START = datetime(2026, 1, 1)
LEASE = timedelta(minutes=10)
PEOPLE = ("ann", "bob", "cem")
FRAUD = Said("decision", "fraud")
GOLD = st.one_of(st.none(), st.integers(0, 3).map(lambda number: make_case(number).case))


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path, "fraud", "simulated")


@pytest.fixture
def seats(queue, tmp_path, clock):
    queue.put([make_case(n) for n in range(3)], START)
    return Seats(tmp_path, "fraud", "simulated", LEASE, clock)


def name(number):
    return make_case(number).case


def test_two_people_never_hold_one_case(seats):
    held = [seats.hand_out(who, 2) for who in PEOPLE]
    assert [lease.case for mine in held for lease in mine] == [name(0), name(1), name(2)]
    assert [lease.case for lease in seats.hand_out("ann", 2)] == [name(0), name(1)]


def test_a_lease_that_nobody_renews_ends(seats, clock):
    (first,) = seats.hand_out("ann")
    clock.now += LEASE + timedelta(seconds=1)
    (again,) = seats.hand_out("bob")
    assert again.case == first.case and again.token != first.token
    assert seats.hand_out("ann")[0].case == name(1)


def test_who_comes_back_late_keeps_a_case_that_nobody_took(seats, clock):
    (lease,) = seats.hand_out("ann")
    clock.now += 3 * LEASE
    assert seats.answer("ann", lease.token, FRAUD, "s").said.kind == "decision"


def test_a_decision_that_comes_too_late_is_kept_and_does_not_count(seats, clock):
    (lease,) = seats.hand_out("ann")
    clock.now += 2 * LEASE
    seats.hand_out("bob")
    assert seats.answer("ann", lease.token, FRAUD, "s").said.kind == "too_late"
    assert seats.free() == 3


def test_an_ended_lease_is_not_handed_out_twice(seats, clock):
    seats.hand_out("ann")
    clock.now += 2 * LEASE
    assert [lease.case for lease in seats.hand_out("ann", 2)] == [name(0), name(1)]


def test_a_lead_settles_a_case_for_good(seats):
    (lease,) = seats.hand_out("ann")
    seats.ask_again(lease.case)  # no new one: ann has it
    settled = seats.settle("lea", name(1), "genuine", "s")
    assert (settled.said.kind, settled.said.word, settled.person) == ("settled", "genuine", "lea")
    assert [one.number for one in seats.standing()] == [settled.number]
    # nobody is asked about it any more
    assert [lease.case for lease in seats.hand_out("bob", 3)] == [name(2)]
    assert seats.undo("lea", "s").answer.case == name(1) and seats.standing() == []
    with pytest.raises(VouchError, match="no such case"):
        seats.settle("lea", "fraud-nobody", "genuine", "s")


def test_what_a_lead_settled_is_as_before_once_taken_back(queue, seats):
    queue.put([make_case(0)], START)
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, FRAUD, "s")
    free = seats.free()
    for lead in ("lea", "leo"):
        seats.settle(lead, name(0), "genuine", "s", known=True)
    assert seats.free() == free - 1 and seats.gold() == {name(0): "genuine"}
    assert seats.unsettle("lea", name(0), "t").person == "leo"
    assert seats.free() == free - 1  # lea's word still stands
    seats.unsettle("lea", name(0), "t")
    assert seats.free() == free and [one.person for one in seats.standing()] == ["ann"]
    assert name(0) in [held.case for held in seats.hand_out("bob", 9)]
    assert name(0) not in [held.case for held in seats.hand_out("ann", 9)]
    with pytest.raises(VouchError, match="no lead's word stands"):
        seats.unsettle("lea", name(0), "t")


def test_a_known_answer_goes_with_the_word_that_made_it(seats):
    seats.set_gold(name(1), "fraud", "leo")
    for case in (name(0), name(1)):
        seats.settle("lea", case, "genuine", "s", known=case == name(0))
    for case in (name(0), name(1)):
        seats.unsettle("leo", case, "t")
    assert seats.gold() == {name(1): "fraud"}


def known_to_ann(seats, case):
    """Let a lead settle a case as known, and Ann be measured by it; return her answer."""
    seats.settle("lea", case, "genuine", "s", known=True)
    (lease,) = seats.hand_out("ann", 1, gold=case)
    return seats.answer("ann", lease.token, FRAUD, "s")


def test_who_was_measured_by_a_case_is_asked_about_it_once_it_is_known_no_more(seats):
    assert known_to_ann(seats, name(0)).gold
    seats.unsettle("lea", name(0), "s")
    assert seats.hand_over("bob", seats.hand_out("bob")[0].case, "ann").case == name(0)
    (lease,) = seats.hand_out("ann")
    answer = seats.answer("ann", lease.token, Said("decision", "genuine"), "s")
    assert (answer.case, answer.gold) == (name(0), False)
    assert [one.said.word for one in latest(seats.standing())] == ["genuine"]
    assert name(0) not in [held.case for held in seats.hand_out("ann", 3)]


def test_who_was_measured_gets_the_case_by_themselves_too(seats):
    known_to_ann(seats, name(0))
    assert name(0) not in [held.case for held in seats.hand_out("ann", 3)]
    seats.unsettle("lea", name(0), "s")
    assert name(0) in [held.case for held in seats.hand_out("ann", 3)]


def test_who_held_a_case_to_be_measured_by_gives_it_back_when_it_is_known_no_more(seats):
    seats.settle("lea", name(0), "genuine", "s", known=True)
    (lease,) = seats.hand_out("ann", 1, gold=name(0))
    seats.unsettle("lea", name(0), "s")
    assert seats.holdings() == []
    late = seats.answer("ann", lease.token, FRAUD, "s")
    assert (late.said.kind, late.gold) == ("too_late", False)
    (again,) = seats.hand_out("ann")
    assert not seats.answer("ann", again.token, FRAUD, "s").gold and again.case == name(0)


def test_an_answer_that_measured_is_taken_back_after_the_case_was_opened(seats):
    known_to_ann(seats, name(0))
    seats.unsettle("lea", name(0), "s")
    lease = seats.undo("ann", "s").lease
    assert not seats.answer("ann", lease.token, FRAUD, "s").gold
    assert seats.waiting() == [name(1), name(2)]


def test_a_lead_who_undoes_on_the_page_opens_the_case_for_others_too(seats):
    seats.settle("lea", name(0), "genuine", "s")
    seats.undo("lea", "s")
    assert name(0) in [held.case for held in seats.hand_out("bob", 9)]


def test_no_seat_that_a_file_took_is_opened(seats):
    seats.taken_by_file({name(0): 1})
    seats.settle("lea", name(0), "genuine", "s")
    seats.unsettle("lea", name(0), "s")
    assert name(0) not in seats.waiting()


def test_a_final_word_by_file_ends_a_case_for_everybody(queue, seats):
    queue.put([make_case(0), make_case(0)], START)
    (lease,) = seats.hand_out("ann")
    seats.taken_by_file({name(0): 1}, {name(0)})
    assert name(0) not in seats.waiting()
    assert seats.answer("ann", lease.token, FRAUD, "s").said.kind == "too_late"


def test_one_case_is_given_back(seats):
    first, second = seats.hand_out("ann", 2)
    seats.give_back("ann", first.case)
    assert [one.case for one in seats.holdings()] == [second.case]
    assert seats.hand_out("bob")[0].case == first.case
    assert seats.answer("ann", first.token, FRAUD, "s").said.kind == "too_late"
    with pytest.raises(VouchError, match="ann does not hold it any more"):
        seats.give_back("ann", first.case)


def test_a_case_goes_to_somebody_else_and_waits_for_them(seats, clock):
    (lease,) = seats.hand_out("ann")
    given = seats.hand_over("ann", lease.case, "bob")
    assert given.token != lease.token and given.until == START + HANDED_OVER
    assert [one.since for one in seats.holdings()] == [START]
    clock.now += 3 * LEASE
    assert name(0) not in [held.case for held in seats.hand_out("ann", 3)]
    assert seats.renew("bob") == 1  # which does not cut it short
    assert seats.hand_out("bob")[0] == Lease(name(0), given.token, START + HANDED_OVER)
    clock.now = START + HANDED_OVER
    assert seats.hand_out("bob")[0].until == clock.now + LEASE
    assert seats.answer("ann", lease.token, FRAUD, "s").said.kind == "too_late"
    assert seats.answer("bob", given.token, FRAUD, "s").said.kind == "decision"


def test_a_case_goes_to_nobody_who_had_it(queue, seats):
    queue.put([make_case(0), make_case(0)], START)
    (lease,) = seats.hand_out("ann")
    seats.hand_out("bob", 3)
    (of_cem,) = seats.hand_out("cem")
    seats.answer("cem", of_cem.token, Said("skip", comment="why"), "s")
    for other in ("ann", "bob", "cem"):
        with pytest.raises(VouchError, match=f"{other} has or had it already"):
            seats.hand_over("ann", lease.case, other)
    with pytest.raises(VouchError, match="dan does not hold"):
        seats.hand_over("dan", lease.case, "ann")
    seats.set_gold(name(2), "fraud", "lea")
    seats.hand_out("eve", 1, gold=name(2))
    with pytest.raises(VouchError, match="has a known answer"):
        seats.hand_over("eve", name(2), "dan")


def test_a_word_taken_back_leaves_the_case_as_it_was(queue, seats):
    queue.put([make_case(0)], START)  # before two people
    (held,) = seats.hand_out("ann")
    seats.answer("ann", held.token, FRAUD, "s")
    before = (seats.free(), seats.waiting(), seats.oldest(), queue.work(START, START))
    seats.settle("lea", name(0), "genuine", "s")
    assert seats.waiting() == [name(1), name(2)] and seats.free() == 2
    assert not seats.ask_again(name(0))
    undone = seats.undo("lea", "s")
    assert undone.answer.said.kind == "settled" and undone.lease is None
    assert (seats.free(), seats.waiting(), seats.oldest(), queue.work(START, START)) == before
    assert [lease.case for lease in seats.hand_out("bob", 3)] == [name(1), name(2), name(0)]


def test_a_case_that_two_leads_settled_stays_settled_by_one(seats):
    seats.settle("lea", name(0), "genuine", "l")
    seats.settle("max", name(0), "fraud", "m")
    seats.undo("lea", "l")
    assert seats.hand_out("ann")[0].case == name(1) and seats.free() == 2
    seats.undo("max", "m")
    assert seats.hand_out("bob")[0].case == name(0) and seats.free() == 3


def test_who_undoes_at_a_settled_case_opens_it_to_nobody(seats):
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, FRAUD, "s")
    seats.settle("lea", name(0), "genuine", "l")
    assert seats.undo("ann", "s").lease.case == name(0)
    assert seats.free() == 2 and name(0) not in seats.waiting()
    seats.release("ann")
    assert seats.free() == 2
    seats.unsettle("lea", name(0), "l")
    assert seats.free() == 3 and name(0) in seats.waiting()


def test_who_holds_a_settled_case_may_answer_and_nobody_waits_for_it(seats):
    (lease,) = seats.hand_out("ann")
    seats.settle("lea", lease.case, "genuine", "s")
    assert seats.free() == 2
    assert seats.answer("ann", lease.token, FRAUD, "s").said.kind == "decision"


def test_one_transaction_keeps_an_answer_and_hands_out_the_next(seats):
    turn = seats.turn("ann", START)
    assert (turn.now.case, turn.ahead.case) == (name(0), name(1))
    assert (turn.kept, turn.refused, turn.waiting, turn.today) == (None, None, 3, 0)
    turn = seats.turn("ann", START, Submit(turn.now.token, FRAUD, "s", turn.now.case))
    assert turn.kept.case == name(0) and (turn.now.case, turn.ahead.case) == (name(1), name(2))
    assert (turn.waiting, turn.today) == (2, 1)
    turn = seats.turn("ann", START, undo="s")
    assert turn.undone.lease.case == turn.now.case == name(0) and turn.today == 0
    assert seats.count("ann", START) == 0


def test_a_refused_answer_leaves_a_person_their_case(seats):
    now = seats.turn("ann", START).now
    turn = seats.turn("ann", START, Submit("nonsense", FRAUD, "s", now.case))
    assert "not with you" in str(turn.refused) and turn.kept is None
    assert turn.now == now and seats.standing() == []


def test_a_case_leased_ahead_goes_to_who_would_have_none(seats):
    first = seats.turn("ann", START)
    assert seats.turn("bob", START).now.case == name(2)
    cem = seats.turn("cem", START)
    assert cem.now.case == first.ahead.case and cem.ahead is None
    assert seats.turn("dan", START).now is None  # what somebody looks at stays theirs
    turn = seats.turn("ann", START, Submit(first.now.token, FRAUD, "s"))
    assert turn.kept.said.kind == "decision" and turn.now is None
    late = seats.answer("ann", first.ahead.token, FRAUD, "s")
    assert late.said.kind == "too_late"


def test_a_case_that_was_handed_over_goes_to_nobody_as_one_leased_ahead(seats, clock):
    for who in ("ann", "bob", "cem"):
        seats.hand_out(who)
    seats.turn("bob", START)
    clock.now += timedelta(seconds=1)
    seats.hand_over("ann", name(0), "bob")
    assert seats.turn("bob", START).ahead.case == name(0)
    assert seats.turn("dan", START).now is None


def test_seconds_of_a_case_ahead_count_from_when_it_came_up(seats, clock):
    first = seats.turn("ann", START)
    clock.now += timedelta(seconds=30)
    second = seats.turn("ann", START, Submit(first.now.token, FRAUD, "s")).now
    clock.now += timedelta(seconds=7)
    assert seats.answer("ann", second.token, FRAUD, "s").seconds == 7


def test_decided_today_is_one_count(queue, seats):
    for lease in seats.hand_out("ann", 2):
        seats.answer("ann", lease.token, FRAUD, "s")
    seats.undo("ann", "s")
    seats.settle("ann", name(2), "fraud", "s")
    assert queue.work(START, START).today == seats.count("ann", START) == 2
    assert queue.work(START + LEASE, START).today == seats.count("ann", START + LEASE) == 0


def test_votes_on_the_holdout_are_nobodys_to_settle(queue, seats):
    queue.put([make_case(9, stream="holdout")], START)
    with pytest.raises(VouchError, match="holdout"):
        seats.settle("lea", name(9), "genuine", "s")


def test_one_more_is_asked_once(queue, seats):
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, FRAUD, "s")
    assert (seats.ask_again(lease.case), seats.ask_again(lease.case)) == (True, False)
    assert queue.asked()[lease.case] == 2
    assert name(0) not in {lease.case for lease in seats.hand_out("ann", 3)}
    assert [lease.case for lease in seats.hand_out("bob", 3)] == [name(0)]
    with pytest.raises(VouchError, match="no such case"):
        seats.ask_again("fraud-nobody")


def test_who_holds_what_since_when(queue, seats, clock):
    assert (seats.holdings(), seats.oldest()) == ([], START)
    (lease,) = seats.hand_out("ann")
    clock.now += timedelta(minutes=1)
    seats.show("ann", lease.token)
    (holding,) = seats.holdings()
    assert (holding.case, holding.person) == (name(0), "ann")
    assert (holding.since, holding.until) == (clock.now, lease.until)
    seats.hand_out("bob", 2)
    assert len(seats.holdings()) == 3 and seats.oldest() is None
    assert queue.work(START, clock.now).oldest is None
    clock.now += LEASE + timedelta(seconds=1)  # nobody's page is open any more
    assert seats.oldest() == queue.work(START, clock.now).oldest == START
    seats.renew("ann")
    seats.renew("bob")
    assert seats.oldest() is queue.work(START, clock.now).oldest is None


def test_lifted_flags_are_kept(seats, clock):
    (lease,) = seats.hand_out("ann")
    number = seats.answer("ann", lease.token, FRAUD, "s").number
    assert seats.cleared() == {}
    seats.clear("ann", "lea")
    lifted = seats.cleared()["ann"]
    assert (lifted.number, lifted.lead, lifted.cleared_at) == (number, "lea", START)
    with seats._engine.begin() as connection, pytest.raises(Exception, match="append-only"):
        connection.exec_driver_sql("DELETE FROM cleared_flags")


def test_a_renewed_lease_holds(seats, clock):
    (lease,) = seats.hand_out("ann")
    for _ in range(5):
        clock.now += LEASE - timedelta(seconds=1)
        assert seats.renew("ann") == 1
    assert seats.hand_out("bob")[0].case != lease.case


def test_the_same_answer_twice_is_one(seats):
    (lease,) = seats.hand_out("ann")
    first = seats.answer("ann", lease.token, FRAUD, "s")
    assert seats.answer("ann", lease.token, FRAUD, "s") == first and len(seats.standing()) == 1


def test_another_answer_to_what_is_answered_is_refused(seats):
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, FRAUD, "s")
    for other in (Said("decision", "genuine"), Said("skip", comment="why"), Said("later")):
        with pytest.raises(VouchError, match="first answer to this case is kept: fraud"):
            seats.answer("ann", lease.token, other, "s")
    seats.undo("ann", "s")
    with pytest.raises(VouchError, match="not with you"):  # a stale tab sends it once more
        seats.answer("ann", lease.token, FRAUD, "s")


def test_an_answer_is_to_the_case_it_names(seats):
    first, second = seats.hand_out("ann", 2)
    with pytest.raises(VouchError, match="not with you"):
        seats.answer("ann", first.token, FRAUD, "s", second.case)
    assert seats.answer("ann", first.token, FRAUD, "s", first.case)


def test_a_settled_case_goes_to_nobody(seats):
    (lease,) = seats.hand_out("ann")
    seats.settle("lea", lease.case, "fraud", "s")
    seats.release("ann")
    assert lease.case not in [held.case for held in seats.hand_out("bob", 3)]


def test_who_undoes_takes_no_answer_from_another(seats, clock):
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, Said("skip", comment="no idea"), "s")
    (other,) = seats.hand_out("bob")
    clock.now += 2 * LEASE
    seats.undo("ann", "s")
    assert seats.answer("bob", other.token, FRAUD, "s").said.kind == "too_late"


def test_what_is_answered_is_not_taken_back(queue, seats):
    queue.put([make_case(0)], START)
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, FRAUD, "s")
    assert queue.withdraw([name(0), name(1)]) == 1
    assert {case.case for case in queue.all()} == {name(0), name(2)}


def test_an_answer_to_what_was_taken_back_is_refused(queue, seats, clock):
    (lease,) = seats.hand_out("ann")
    clock.now += 2 * LEASE
    seats.hand_out("bob")
    queue.withdraw([lease.case])
    with pytest.raises(VouchError, match="not with you"):
        seats.answer("ann", lease.token, FRAUD, "s")


def test_no_case_of_another_use_case_is_asked_about(queue, seats, tmp_path, clock):
    texts = Seats(tmp_path, "sentiment", "tweets", LEASE, clock)
    with pytest.raises(VouchError, match="no such case"):
        texts.ask_again(name(0))


@pytest.mark.skipif(bool(postgres.missing()), reason=postgres.missing())
def test_postgresql_keeps_a_case_for_two_people(tmp_path, monkeypatch, clock):
    with postgres.server() as address:
        monkeypatch.setenv(ADDRESS, address)
        queue = Queue(tmp_path, "fraud", "simulated")
        queue.put([make_case(0), make_case(0), make_case(1)], START)
        seats = Seats(tmp_path, "fraud", "simulated", LEASE, clock)
        for who in ("ann", "bob"):
            (lease,) = seats.hand_out(who)
            assert lease.case == name(0)
            seats.answer(who, lease.token, FRAUD, "s")
        seats.set_gold(name(1), "fraud", "lea")
        assert queue.withdraw([name(0), name(1)]) == 1


def test_anothers_lease_is_refused(seats):
    (lease,) = seats.hand_out("ann")
    for token in (lease.token, "nonsense"):
        with pytest.raises(VouchError, match="not with you"):
            seats.answer("bob", token, FRAUD, "s")
    seats.answer("ann", lease.token, FRAUD, "s")
    with pytest.raises(VouchError, match="not with you"):
        seats.answer("bob", lease.token, FRAUD, "s")


def test_what_is_undone_comes_back_first(seats):
    first, second = seats.hand_out("ann", 2)
    seats.answer("ann", first.token, FRAUD, "s")
    assert seats.undo("ann", "another session") is None
    again = seats.undo("ann", "s").lease
    assert again.case == first.case and again.token != first.token
    assert [lease.case for lease in seats.hand_out("ann", 2)] == [first.case, second.case]
    assert seats.standing() == [] and seats.undo("ann", "s") is None


def test_who_undoes_what_they_put_aside_and_hold_again_sits_there_once(queue, seats):
    queue.withdraw([name(1), name(2)])
    queue.put([make_case(0)], START)
    (first,) = seats.hand_out("bob")
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, Said("later"), "s")
    seats.hand_out("ann")
    seats.give_back("bob", first.case)
    seats.undo("ann", "s")
    assert [one.person for one in seats.holdings()] == ["ann"]


def test_a_skipped_case_goes_to_others(seats):
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, Said("skip", comment="a friend of mine"), "s")
    assert [lease.case for lease in seats.hand_out("ann", 3)] == [name(1), name(2)]
    assert seats.hand_out("bob")[0].case == lease.case


def test_what_is_put_aside_comes_last(seats):
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, Said("later"), "s")
    assert [held.case for held in seats.hand_out("ann", 3)] == [name(1), name(2), name(0)]


def test_a_planned_second_reviewer_is_another_person(queue, seats):
    queue.put([make_case(0)], START)
    first = seats.hand_out("ann")[0]
    second = seats.hand_out("bob", 3)
    assert [lease.case for lease in second] == [name(1), name(2), name(0)]
    seats.answer("ann", first.token, FRAUD, "s")
    assert seats.hand_out("ann") == []


def test_a_case_decided_by_file_leaves_the_page(seats):
    (lease,) = seats.hand_out("ann")
    seats.taken_by_file({lease.case: 1, name(1): 1})
    seats.taken_by_file({lease.case: 1, name(1): 1})
    assert [held.case for held in seats.hand_out("ann", 3)] == [name(2)]
    assert seats.answer("ann", lease.token, FRAUD, "s").said.kind == "too_late"


def test_a_case_with_a_known_answer_is_asked_once_of_each(seats):
    seats.set_gold(name(0), "fraud", "lea")
    assert seats.gold() == {name(0): "fraud"}
    for who in PEOPLE:
        (lease,) = seats.hand_out(who, 1, gold=name(0))
        assert lease.case == name(0)
        assert seats.answer(who, lease.token, FRAUD, "s").gold
        assert name(0) not in [held.case for held in seats.hand_out(who, 1, gold=name(0))]


def test_a_case_with_a_known_answer_is_handed_to_nobody_twice(seats):
    seats.set_gold(name(0), "fraud", "lea")
    for who, before in (("ann", None), ("bob", name(0))):
        first = seats.hand_out(who, 1, gold=before)
        assert [lease.case for lease in first] == [name(0)]
        both = seats.hand_out(who, 2, gold=name(0))
        assert len({lease.case for lease in both}) == len(both) == 2


def test_a_case_is_measured_by_only_while_its_answer_is_known(queue, seats):
    queue.withdraw([name(2)])
    for case in (name(1), name(2)):  # chosen a moment ago
        assert [lease.case for lease in seats.hand_out("ann", 1, gold=case)] == [name(0)]


def test_seconds_count_from_when_it_was_shown(seats, clock):
    (lease,) = seats.hand_out("ann")
    clock.now += timedelta(seconds=30)
    seats.show("ann", lease.token)
    clock.now += timedelta(seconds=7)
    assert seats.answer("ann", lease.token, FRAUD, "s").seconds == 7


def test_cases_of_an_earlier_release_get_their_seats(queue, tmp_path, clock, seats):
    from sqlalchemy import text

    queue.put([make_case(0)], START)
    with seats._engine.begin() as connection:
        connection.execute(text("DELETE FROM seats"))
    again = Seats(tmp_path, "fraud", "simulated", LEASE, clock)
    assert again.free() == 4
    assert Seats(tmp_path, "fraud", "simulated", LEASE, clock).free() == 4


def test_cases_that_an_earlier_release_settled_are_opened_when_that_is_taken_back(
    queue, tmp_path, clock, seats
):
    queue.put([make_case(0), make_case(1)], START)
    seats.hand_out("ann", 2)
    for case in (name(0), name(2)):
        seats.settle("lea", case, "genuine", "s")
    seats.taken_by_file({name(1): 1})
    with writing(seats._engine) as session:  # that one knew no closed_by
        nobodys = update(Seat).where(Seat.closed_by.is_not(None), Seat.person.is_(None))
        session.execute(nobodys.values(taken=True))
        session.execute(update(Seat).values(closed_by=None))
        session.add(Seat(case=name(1), usecase="fraud", origin="simulated", taken=True))  # undone
    again = Seats(tmp_path, "fraud", "simulated", LEASE, clock)
    assert again.waiting() == [name(1)] and again.free() == 2
    again.release("ann")
    assert again.free() == 2
    for case in (name(0), name(2)):
        again.unsettle("lea", case, "s")
    assert again.free() == 5 and set(again.waiting()) == {name(0), name(1), name(2)}
    assert Seats(tmp_path, "fraud", "simulated", LEASE, clock).free() == 5


def test_what_is_said_of_a_held_out_row_lies_nowhere_in_plain(queue, tmp_path, clock):
    queue.put([make_case(n, stream="holdout") for n in range(2)], START)
    seats = Seats(tmp_path, "fraud", "simulated", LEASE, clock)
    said = Said("decision", "fraudulent-word", "as the payer emptied it")
    for lease in seats.hand_out("ann", 2):
        answer = seats.answer("ann", lease.token, said, "s")
        assert answer.said.word is None and seats.opened(answer).said == said
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("vouch.db*"))
    assert b"fraudulent-word" not in stored and b"emptied" not in stored
    first, second = seats.standing()
    assert first.sealed != second.sealed and len(first.sealed) == len(second.sealed)


@dataclass
class Hold:
    who: str
    case: str
    until: datetime
    ahead: bool = False
    gold: bool = False


class Entry(NamedTuple):
    number: int
    who: str
    case: str
    kind: str
    gold: bool = False


class Page(RuleBasedStateMachine):
    """People who take, answer, skip, settle and undo, while time passes and cases come.

    ``known`` has who gave each known answer: reviewers are measured by it, and their words on such
    a case are no votes.
    ``log`` has every answer that stands, ``held`` every lease that was given by its token, also
    those that ended: nobody may have taken such a case meanwhile.
    """

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        path = Path(self.folder.name)
        self.store = open_database(path, Base.metadata, serving=True)
        self.queue = Queue(path, "fraud", "simulated", self.store)
        self.seats = Seats(path, "fraud", "simulated", LEASE, self.clock, self.store)
        self.wanted, self.log, self.held, self.known = {}, [], {}, {}

    def teardown(self):
        self.store.dispose()
        self.folder.cleanup()

    @rule(number=st.integers(0, 3))
    def put(self, number):
        case = make_case(number)
        if not self._settled(case.case):
            self.queue.put([case], self.clock.now)
            self.wanted[case.case] = self.wanted.get(case.case, 0) + 1

    @rule(minutes=st.integers(1, 15))
    def wait(self, minutes):
        self.clock.now += timedelta(minutes=minutes)

    @rule(who=st.sampled_from(PEOPLE), count=st.integers(1, 2), gold=GOLD)
    def take(self, who, count, gold):
        before = self._live_cases(who)
        theirs = {one.case for one in self.seats.holdings() if one.person == who}
        leases = self.seats.hand_out(who, count, gold)
        assert len({lease.case for lease in leases}) == len(leases)
        measures = gold in self.known and not self._passed(who, gold) and gold not in theirs
        if measures and len(theirs) < count:
            assert gold in {lease.case for lease in leases}
        self._given(who, leases, before, count, gold)

    @rule(who=st.sampled_from(PEOPLE), ahead=st.booleans(), gold=GOLD, data=st.data())
    def turn(self, who, ahead, gold, data):
        mine = [token for token, hold in self.held.items() if hold.who == who]
        submit, kind = None, data.draw(st.sampled_from(["decision", "skip", "later"]))
        if mine and data.draw(st.booleans()):
            token = mine[data.draw(st.integers(0, len(mine) - 1))]
            submit, hold = Submit(token, Said(kind, "fraud"), "s"), self.held.pop(token)
        before = self._live_cases(who)
        turn = self.seats.turn(who, START, submit, gold=gold, ahead=ahead)
        assert turn.refused is None and (turn.kept is None) == (submit is None)
        if submit:
            self._check_kept(turn.kept, hold, kind)
        leases = [lease for lease in (turn.now, turn.ahead) if lease]
        ahead_before = {token for token, hold in self.held.items() if hold.ahead}
        had = set(self.held)
        self._given(who, leases, before, 1 + ahead, gold)
        if turn.now:
            self.held[turn.now.token].ahead = False
        if turn.ahead and (turn.ahead.token not in had or turn.ahead.token in ahead_before):
            self.held[turn.ahead.token].ahead = True
        assert turn.today == sum(one.who == who and one.kind in COUNTS for one in self.log)
        assert turn.waiting == self.seats.free()

    def _given(self, who, leases, before, count, gold):
        """Note what a person was given; it is theirs alone."""
        busy = {name: self._busy(name, who, ahead=bool(leases)) for name in self.wanted}
        for lease in leases:
            new = lease.token not in self.held
            assert not (new and self._passed(who, lease.case))
            measures = new and lease.case == gold and gold in self.known
            if lease.case not in before and new and not measures:
                assert not self._settled(lease.case)
                if self._busy(lease.case, who, ahead=True) >= self.wanted[lease.case]:
                    self._stolen(lease.case, who)
                    assert lease is leases[0] and not before  # who has a case takes none
            for token, hold in list(self.held.items()):
                if (hold.case, hold.who) == (lease.case, who) and token != lease.token:
                    del self.held[token]
            was = self.held.get(lease.token)
            ahead = bool(was and was.ahead)
            measured = was.gold if was else measures
            self.held[lease.token] = Hold(who, lease.case, lease.until, ahead, measured)
        self._renewed(who)
        if len(leases) < count:  # then nothing was to be had
            mine = {hold.case for hold in self.held.values() if hold.who == who}
            for case, wanted in self.wanted.items():
                done = case in mine or self._passed(who, case) or self._settled(case)
                assert done or busy[case] >= wanted

    def _renewed(self, who):
        """A person's other leases are renewed, but for those that somebody else has by now."""
        theirs = {one.case: one.until for one in self.seats.holdings() if one.person == who}
        for hold in self.held.values():
            if hold.who == who and hold.case in theirs:
                hold.until = theirs[hold.case]

    def _stolen(self, case, thief):
        """Somebody's lease ahead went to a person who would have had nothing."""
        left = {one.person for one in self.seats.holdings() if one.case == case} - {thief}
        victims = [
            hold
            for hold in self.held.values()
            if hold.case == case and hold.who not in left and hold.ahead and self._live(hold)
        ]
        assert len(victims) == 1
        victims[0].until = datetime.min

    def _busy(self, case, who, *, ahead):
        """Count the seats of a case that are others'."""
        live = {
            hold.who
            for hold in self.held.values()
            if hold.case == case
            and self._live(hold)
            and (ahead or not hold.ahead)
            and not hold.gold
        }
        return len((live | self._decided(case)) - {who})

    def _live(self, hold):
        return hold.until >= self.clock.now

    def _live_cases(self, who):
        return {hold.case for hold in self.held.values() if hold.who == who and self._live(hold)}

    def _decided(self, case):
        votes = (one for one in self.log if one.case == case and not one.gold)
        return {one.who for one in votes if one.kind == "decision"}

    def _settled(self, case):
        return any(one.case == case and one.kind == "settled" for one in self.log)

    def _passed(self, who, case):
        asked = (one for one in self.log if not one.gold or case in self.known)
        theirs = [one.kind for one in asked if (one.who, one.case) == (who, case)]
        return bool({"decision", "skip", "settled"} & {*theirs})

    @precondition(lambda self: self.held)
    @rule(data=st.data(), kind=st.sampled_from(["decision", "skip"]))
    def answer(self, data, kind):
        place = data.draw(st.integers(0, len(self.held) - 1))  # tokens are random, their order not
        token = list(self.held)[place]
        hold = self.held.pop(token)
        answer = self.seats.answer(hold.who, token, Said(kind, "fraud"), "s")
        self._check_kept(answer, hold, kind)
        assert self.seats.answer(hold.who, token, Said(kind, "fraud"), "s") == answer

    def _check_kept(self, answer, hold, kind):
        assert (answer.person, answer.case) == (hold.who, hold.case)
        if self._live(hold):
            assert answer.said.kind == kind
        if hold.until == datetime.min:
            assert answer.said.kind == "too_late"
        if answer.said.kind != "too_late":
            assert answer.gold == hold.gold
            self.log.append(Entry(answer.number, hold.who, hold.case, kind, answer.gold))

    @rule(who=st.sampled_from(("lea", "max")), number=st.integers(0, 3), known=st.booleans())
    def settle(self, who, number, known):
        case = name(number)
        if case in self.wanted:
            answer = self.seats.settle(who, case, "fraud", "s", known=known)
            self.log.append(Entry(answer.number, who, case, "settled"))
            if known:
                self.known[case] = who

    @rule(who=st.sampled_from(("lea", "max")), number=st.integers(0, 3))
    def unsettle(self, who, number):
        case = name(number)
        words = [one for one in self.log if one.case == case and one.kind == "settled"]
        if case not in self.wanted or not words:
            with pytest.raises(VouchError):
                self.seats.unsettle(who, case, "s")
            return
        assert self.seats.unsettle(who, case, "s").number == words[-1].number
        self.log.remove(words[-1])
        self._reopened(words[-1])

    def _reopened(self, word):
        """What a lead made known is known no more: nobody holds it to be measured by it."""
        if self.known.get(word.case) == word.who:
            del self.known[word.case]
            for hold in self.held.values():
                if hold.gold and hold.case == word.case:
                    hold.until = datetime.min

    @precondition(lambda self: self.seats.holdings())
    @rule(data=st.data(), to=st.sampled_from(PEOPLE))
    def hand_over(self, data, to):
        holdings = self.seats.holdings()
        one = holdings[data.draw(st.integers(0, len(holdings) - 1))]
        has = {other.person for other in holdings if other.case == one.case}
        if (one.case, one.person) in self._measuring():
            with pytest.raises(VouchError, match="has a known answer"):
                self.seats.hand_over(one.person, one.case, to)
            return
        if to in has or self._passed(to, one.case):
            with pytest.raises(VouchError, match="has or had it"):
                self.seats.hand_over(one.person, one.case, to)
            return
        lease = self.seats.hand_over(one.person, one.case, to)
        self._ended(one.person, one.case)
        self.held[lease.token] = Hold(to, one.case, lease.until)

    @precondition(lambda self: self.seats.holdings())
    @rule(data=st.data())
    def give_back(self, data):
        holdings = self.seats.holdings()
        one = holdings[data.draw(st.integers(0, len(holdings) - 1))]
        self.seats.give_back(one.person, one.case)
        self._ended(one.person, one.case)

    def _ended(self, who, case):
        """A person's lease of a case ended before its time."""
        for hold in self.held.values():
            if (hold.who, hold.case) == (who, case):
                hold.until = START - LEASE

    @rule(who=st.sampled_from((*PEOPLE, "lea", "max")))
    def undo(self, who):
        mine = [entry for entry in self.log if entry.who == who]
        try:
            undone = self.seats.undo(who, "s")
        except VouchError:  # the seat went to somebody else, or it never was a vote's
            assert mine and (mine[-1].kind in ("skip", "later") or mine[-1].gold)
            return
        assert (undone is None) == (not mine)
        if undone is None:
            return
        number, _, case, kind, _ = mine[-1]
        assert (undone.answer.number, undone.answer.case) == (number, case)
        assert (undone.lease is None) == (kind == "settled")
        self.log.remove(mine[-1])
        if kind == "settled":
            self._reopened(mine[-1])
        if undone.lease:
            assert undone.lease.case == case
            gold = (case, who) in self._measuring()
            assert not gold or case in self.known
            self.held[undone.lease.token] = Hold(who, case, undone.lease.until, gold=gold)

    @rule(who=st.sampled_from(PEOPLE))
    def release(self, who):
        self.seats.release(who)
        for hold in self.held.values():
            if hold.who == who:
                hold.until = START - LEASE

    def _measuring(self):
        """Return which cases are before whom to measure them."""
        untaken = select(Seat.case, Seat.person).where(Seat.gold, ~Seat.taken)
        with reading(self.store) as session:
            return set(session.execute(untaken).tuples())

    @invariant()
    def agrees(self):
        if not hasattr(self, "seats"):
            return
        standing = [a for a in self.seats.standing() if a.said.kind != "too_late"]
        log = [Entry(a.number, a.person, a.case, a.said.kind, a.gold) for a in standing]
        assert log == sorted(self.log)
        assert self.seats.gold() == dict.fromkeys(sorted(self.known), "fraud")
        every = [(one.case, one.person) for one in self.seats.holdings()]
        holdings, measuring = set(every), self._measuring()
        assert len(holdings) == len(every)  # nobody sits at a case twice
        assert {case for case, _ in measuring} <= {*self.known}
        for hold in self.held.values():  # nobody loses what they hold
            assert not self._live(hold) or (hold.case, hold.who) in holdings
        for case, wanted in self.wanted.items():
            seated = self._decided(case) | {who for c, who in holdings - measuring if c == case}
            assert len(self._decided(case)) <= wanted and len(seated) <= wanted
        open_cases = [case for case in self.wanted if not self._settled(case)]
        left = {case: self.wanted[case] - len(self._decided(case)) for case in open_cases}
        work = self.queue.work(START, self.clock.now)
        assert self.seats.free() == sum(left.values()) == work.waiting
        assert self.seats.oldest() == work.oldest
        assert set(self.seats.waiting()) == {case for case, count in left.items() if count}


Page.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestPage = Page.TestCase
