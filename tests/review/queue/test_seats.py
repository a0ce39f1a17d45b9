"""Leases and answers against an oracle that keeps all in a list."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests import postgres
from tests.review.enqueue.conftest import make_case
from vouch.core.database import ADDRESS
from vouch.core.errors import VouchError
from vouch.review.queue import Queue
from vouch.review.queue.seats import HANDED_OVER, Lease, Said, Seats

START = datetime(2026, 1, 1)
LEASE = timedelta(minutes=10)
PEOPLE = ("ann", "bob", "cem")
FRAUD = Said("decision", "fraud")


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
    assert seats.undo("lea", "s").case == name(1) and seats.standing() == []
    with pytest.raises(VouchError, match="no such case"):
        seats.settle("lea", "fraud-nobody", "genuine", "s")


def test_what_a_lead_settled_is_as_before_once_taken_back(queue, seats):
    queue.put([make_case(0)], START)
    (lease,) = seats.hand_out("ann")
    seats.answer("ann", lease.token, FRAUD, "s")
    free = seats.free()
    for lead in ("lea", "leo"):
        seats.settle(lead, name(0), "genuine", "s")
        seats.set_gold(name(0), "genuine", lead)
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
        seats.settle("lea", case, "genuine", "s")
    seats.set_gold(name(0), "genuine", "lea")
    for case in (name(0), name(1)):
        seats.unsettle("leo", case, "t")
    assert seats.gold() == {name(1): "fraud"}


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
    assert seats.hand_out("bob")[0] == Lease(name(0), given.token, clock.now + LEASE)
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


def test_who_holds_what_since_when(seats, clock):
    assert (seats.holdings(), seats.oldest()) == ([], START)
    (lease,) = seats.hand_out("ann")
    clock.now += timedelta(minutes=1)
    seats.show("ann", lease.token)
    (holding,) = seats.holdings()
    assert (holding.case, holding.person) == (name(0), "ann")
    assert (holding.since, holding.until) == (clock.now, lease.until)
    seats.hand_out("bob", 2)
    assert len(seats.holdings()) == 3 and seats.oldest() is None


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
    again = seats.undo("ann", "s")
    assert again.case == first.case and again.token != first.token
    assert [lease.case for lease in seats.hand_out("ann", 2)] == [first.case, second.case]
    assert seats.standing() == [] and seats.undo("ann", "s") is None


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


class Page(RuleBasedStateMachine):
    """People who take, answer, skip and undo, while time passes and cases come."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        path = Path(self.folder.name)
        self.queue = Queue(path, "fraud", "simulated")
        self.seats = Seats(path, "fraud", "simulated", LEASE, self.clock)
        self.wanted, self.log, self.held = {}, [], {}

    def teardown(self):
        self.folder.cleanup()

    @rule(number=st.integers(0, 3))
    def put(self, number):
        case = make_case(number)
        self.queue.put([case], self.clock.now)
        self.wanted[case.case] = self.wanted.get(case.case, 0) + 1

    @rule(minutes=st.integers(1, 15))
    def wait(self, minutes):
        self.clock.now += timedelta(minutes=minutes)

    @rule(who=st.sampled_from(PEOPLE), count=st.integers(1, 2))
    def take(self, who, count):
        leases = self.seats.hand_out(who, count)
        taken = {lease.case for lease in leases}
        assert len(taken) == len(leases)
        for lease in leases:
            assert not self._passed(who, lease.case)
            for token, (other, case, _until) in list(self.held.items()):
                if case == lease.case and other == who and token != lease.token:
                    del self.held[token]
            self.held[lease.token] = (who, lease.case, lease.until)
        if len(leases) < count:  # then nothing was to be had
            for case, wanted in self.wanted.items():
                busy = {w for w, c, until in self.held.values() if c == case and self._live(until)}
                others = (busy | {w for w, c, _ in self._standing() if c == case}) - {who}
                mine = who in busy or self._passed(who, case)
                assert mine or len(others) >= wanted or case in taken

    def _live(self, until):
        return until >= self.clock.now

    def _standing(self):
        return [(who, case, number) for number, who, case, kind in self.log if kind == "decision"]

    def _passed(self, who, case):
        return any(w == who and c == case for _, w, c, _ in self.log)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), kind=st.sampled_from(["decision", "skip"]))
    def answer(self, data, kind):
        place = data.draw(st.integers(0, len(self.held) - 1))  # tokens are random, their order not
        token = list(self.held)[place]
        who, case, until = self.held.pop(token)
        answer = self.seats.answer(who, token, Said(kind, "fraud"), "s")
        assert (answer.person, answer.case) == (who, case)
        if self._live(until):
            assert answer.said.kind == kind
        if answer.said.kind != "too_late":
            self.log.append((answer.number, who, case, kind))
        assert self.seats.answer(who, token, Said(kind, "fraud"), "s") == answer

    @precondition(lambda self: self.seats.holdings())
    @rule(data=st.data(), to=st.sampled_from(PEOPLE))
    def hand_over(self, data, to):
        holdings = self.seats.holdings()
        one = holdings[data.draw(st.integers(0, len(holdings) - 1))]
        has = {other.person for other in holdings if other.case == one.case}
        if to in has or self._passed(to, one.case):
            with pytest.raises(VouchError, match="has or had it"):
                self.seats.hand_over(one.person, one.case, to)
            return
        lease = self.seats.hand_over(one.person, one.case, to)
        self._forget(one)
        self.held[lease.token] = (to, one.case, lease.until)

    def _forget(self, one):
        mine = (one.person, one.case)
        self.held = {t: held for t, held in self.held.items() if held[:2] != mine}

    @precondition(lambda self: self.seats.holdings())
    @rule(data=st.data())
    def give_back(self, data):
        holdings = self.seats.holdings()
        one = holdings[data.draw(st.integers(0, len(holdings) - 1))]
        self.seats.give_back(one.person, one.case)
        self._forget(one)

    @rule(who=st.sampled_from(PEOPLE))
    def undo(self, who):
        mine = [entry for entry in self.log if entry[1] == who]
        try:
            lease = self.seats.undo(who, "s")
        except VouchError:
            assert mine and mine[-1][3] == "skip"  # the seat went to somebody else
            return
        assert (lease is None) == (not mine)
        if lease:
            assert lease.case == mine[-1][2]
            self.log.remove(mine[-1])
            self.held[lease.token] = (who, lease.case, lease.until)

    @invariant()
    def agrees(self):
        if not hasattr(self, "seats"):
            return
        standing = [a for a in self.seats.standing() if a.said.kind != "too_late"]
        assert [(a.number, a.person, a.case, a.said.kind) for a in standing] == sorted(self.log)
        for case, wanted in self.wanted.items():
            live = {w for w, c, until in self.held.values() if c == case and self._live(until)}
            decided = {w for w, c, _ in self._standing() if c == case}
            assert not live & decided or len(live) + len(decided) <= wanted + len(live & decided)
            assert len(decided) <= wanted


Page.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestPage = Page.TestCase
