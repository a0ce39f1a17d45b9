"""Which cases two people decide."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.enqueue.conftest import make_case
from vouch.review.enqueue.overlap import first_seats, overlapping
from vouch.review.queue import Queue

CASES = [make_case(number) for number in range(400)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_a_share_of_cases_is_chosen_by_their_names(share):
    twice = overlapping(CASES, share, 400)
    assert len(twice) == pytest.approx(400 * share, abs=30)
    names = {case.case for case in twice}
    # whichever other cases there are
    assert {case.case for case in overlapping(CASES[:200], share, 400)} <= names


def test_no_more_than_there_is_place_for():
    assert overlapping(CASES, 0.5, 7) == [c for c in CASES if c in overlapping(CASES, 0.5, 7)]
    assert len(overlapping(CASES, 0.5, 7)) == 7
    assert overlapping(CASES, 0.5, 0) == overlapping([], 0.5, 3) == []


@given(st.integers(1, 500), st.floats(0, 1))
def test_first_and_second_seats_fit(places, share):
    first = first_seats(places, share)
    assert 1 <= first <= places
    assert share or first == places
    assert first == 1 or first * (1 + share) <= places + 1e-9


def test_a_case_that_stands_there_twice_has_two_seats(tmp_path):
    queue = Queue(tmp_path, "fraud", "simulated")
    queue.put([*CASES[:3], CASES[1]], datetime(2026, 1, 1))
    assert list(queue.asked().values()) == [1, 2, 1]
    assert queue.count_since(datetime(2026, 1, 1)) == 4 and len(queue.all()) == 3
