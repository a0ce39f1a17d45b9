"""What a lead sees, against a plain count of random answers."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from statistics import median

import pytest

from tests.review.enqueue.conftest import make_case
from vouch.review.oversight import oversee
from vouch.review.page.params import ReviewParams
from vouch.review.queue import Queue
from vouch.review.queue.seats import Said, Seats

START = datetime(2026, 3, 1, 12)
WORDS = ("fraud", "genuine")
PEOPLE = ("ann", "bob", "cem")


class Clock:
    now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cases():
    held = [make_case(100 + n, stream="holdout") for n in range(4)]
    return [make_case(n) for n in range(12)] + held


@pytest.fixture
def seats(tmp_path, cases, clock):
    Queue(tmp_path, "fraud", "simulated").put([*cases, *cases], START)
    return Seats(tmp_path, "fraud", "simulated", timedelta(minutes=15), clock)


def see(seats, cases, clock):
    every = {case.case: case for case in cases}
    return oversee("fraud", seats, every, {"lea"}, ReviewParams(), clock.now)


def test_it_is_a_plain_count_of_what_may_be_seen(seats, cases, clock):
    rng, words, days, seconds = random.Random(3), defaultdict(dict), defaultdict(list), {}
    held = {case.case for case in cases if case.stream == "holdout"}
    skipped = defaultdict(dict)
    for number in range(90):
        who = rng.choice(PEOPLE)
        if number % 10 == 0:
            clock.now += timedelta(days=1)
        for lease in seats.hand_out(who):
            seats.show(who, lease.token)
            clock.now += timedelta(seconds=(taken := rng.uniform(3, 60)))
            skips = rng.random() < 0.15
            said = Said("skip", comment="why") if skips else Said("decision", rng.choice(WORDS))
            seats.answer(who, lease.token, said, "s")
            if lease.case in held:
                continue
            if skips:
                skipped[lease.case][who] = "why"
                continue
            words[lease.case][who] = said.word
            days[who].append(clock.now)
            seconds.setdefault(who, []).append(taken)
    seen = see(seats, cases, clock)
    differing = {case: cast for case, cast in words.items() if len(set(cast.values())) > 1}
    assert differing and {one.case: one.votes for one in seen.conflicts} == differing
    assert {one.case: one.reasons for one in seen.skips} == skipped
    midnight = clock.now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = clock.now - timedelta(days=7)
    assert {one.name: (one.today, one.week) for one in seen.people} == {
        who: (sum(day >= midnight for day in each), sum(day >= week for day in each))
        for who, each in days.items()
    }
    for one in seen.people:
        assert one.seconds == pytest.approx(median(seconds[one.name]))
    shared = sum({"ann", "bob"} <= set(cast) for cast in words.values())
    pairs = {tuple(pair["reviewers"]): pair["cases"] for pair in seen.agreement}
    assert pairs.get(("ann", "bob"), shared) == shared


def test_a_settled_case_is_no_conflict_any_more(seats, cases, clock):
    for who, word in (("ann", "fraud"), ("bob", "genuine")):
        while not (mine := [x for x in seats.hand_out(who, 16) if x.case == cases[0].case]):
            clock.now += timedelta(hours=1)
        seats.answer(who, mine[0].token, Said("decision", word), "s")
        seats.release(who)
    assert [one.case for one in see(seats, cases, clock).conflicts] == [cases[0].case]
    seats.settle("lea", cases[0].case, "fraud", "s")
    assert see(seats, cases, clock).conflicts == []


def test_known_cases_measure_people_and_are_no_conflict(seats, cases, clock):
    seats.set_gold(cases[3].case, "fraud", "lea")
    for who, word in (("ann", "fraud"), ("bob", "genuine")):
        (lease,) = seats.hand_out(who, 1, gold=cases[3].case)
        seats.answer(who, lease.token, Said("decision", word), "s")
    seen = see(seats, cases, clock)
    assert [(one.known, one.accuracy["value"]) for one in seen.people] == [(1, 1.0), (1, 0.0)]
    assert seen.conflicts == [] and seen.agreement == []
