"""How much people can decide, against a calendar kept as a plain dict."""

import sqlite3
import tempfile
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.review.enqueue.conftest import make_case
from vouch.core import database
from vouch.core.errors import VouchError
from vouch.review.capacity import LONGEST, MOST, Capacities
from vouch.review.people import People
from vouch.review.queue import Queue
from vouch.review.queue.seats import Said, Seats

NOW = datetime(2026, 3, 4, 12)
TODAY = NOW.date()


@pytest.fixture
def people(tmp_path):
    people = People(tmp_path, lambda: NOW)
    for name in ("Ann", "Bob", "Cem"):
        people.add(name, "reviewer")
    return people


@pytest.fixture
def capacities(tmp_path, people):
    return Capacities(tmp_path, lambda: NOW)


def test_what_is_left_of_today(tmp_path, people, capacities):
    capacities.set_usual("ann", 10)
    capacities.set_days("Bob", TODAY - timedelta(1), TODAY + timedelta(2), 0)
    Queue(tmp_path, "fraud", "simulated").put([make_case(n) for n in range(3)], NOW)
    seats = Seats(tmp_path, "fraud", "simulated", timedelta(minutes=9), lambda: NOW)
    for said in (Said("decision", "fraud"), Said("skip", comment="why")):
        (lease,) = seats.hand_out("Ann")
        seats.answer("Ann", lease.token, said, "s")
    people.disable("Cem")
    ann, bob = capacities.workloads(people.all())
    assert (ann.name, ann.capacity, ann.decided, ann.left, ann.back) == ("Ann", 10, 1, 9, None)
    assert (bob.name, bob.capacity, bob.left, bob.back) == ("Bob", 0, 0, TODAY + timedelta(3))


def test_who_reads_waits_for_no_writer(tmp_path, people, monkeypatch):
    monkeypatch.setattr(database, "WAIT", 0.1)
    capacities, everybody = Capacities(tmp_path, lambda: NOW), people.all()
    capacities.set_usual("Ann", 3)
    with closing(sqlite3.connect(tmp_path / "vouch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert capacities.usual() == {"ann": 3}
        assert [one.left for one in capacities.workloads(everybody)] == [3, None, None]


def test_who_decides_more_than_they_can_has_nothing_left(people, capacities):
    assert [one.left for one in capacities.workloads(people.all())] == [None] * 3
    capacities.set_usual("Ann", 0)
    assert capacities.workloads(people.all())[0].left == 0
    capacities.set_usual("Ann", None)
    assert capacities.workloads(people.all())[0].capacity is None


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.set_usual("Nobody", 1),
        lambda c: c.set_usual("Ann", -1),
        lambda c: c.set_usual("Ann", MOST + 1),
        lambda c: c.set_days("Ann", TODAY, TODAY - timedelta(1), 0),
        lambda c: c.set_days("Ann", TODAY, TODAY + timedelta(LONGEST), 0),
    ],
)
def test_what_cannot_be_is_refused(capacities, change):
    with pytest.raises(VouchError):
        change(capacities)
    assert capacities.usual() == {} and capacities.coming() == []


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["Ann", "Bob"]),
        st.integers(-3, 12),
        st.integers(0, 6),
        st.one_of(st.none(), st.integers(0, 2)),
    ),
    max_size=8,
)


@settings(max_examples=20)
@given(changes=CHANGES)
def test_days_are_those_of_a_plain_calendar(changes):
    with tempfile.TemporaryDirectory() as folder:
        state, calendar = Path(folder), {}
        for name in ("Ann", "Bob"):
            People(state).add(name, "reviewer")
        capacities = Capacities(state, lambda: NOW)
        for who, start, count, cases in changes:
            first = TODAY + timedelta(start)
            capacities.set_days(who, first, first + timedelta(count), cases)
            days = [first + timedelta(n) for n in range(count + 1)]
            calendar |= {(who, day): cases for day in days}
        left = {key: cases for key, cases in calendar.items() if cases is not None}
        coming = capacities.coming()
        unrolled = {
            (one.person, date.fromordinal(day)): one.cases
            for one in coming
            for day in range(one.first.toordinal(), one.last.toordinal() + 1)
        }
        assert unrolled == {key: cases for key, cases in left.items() if key[1] >= TODAY}
        for before, after in pairwise(coming):  # as few rows as can be
            same = (before.person, before.cases) == (after.person, after.cases)
            assert not same or after.first - before.last > timedelta(1)
