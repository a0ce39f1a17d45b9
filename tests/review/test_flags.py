"""Who is flagged, and whose decisions wait."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.review.flags import HASTY, RUN, accuracy, flags, waiting
from vouch.review.page.params import ReviewParams
from vouch.review.queue.seats import Answer, Clearing, Said

START = datetime(2026, 1, 1)
PARAMS = ReviewParams()


def answer(number, person="ann", word="genuine", case=None, seconds=10.0, **more):
    values = {
        "number": number + 1,
        "case": case or f"case-{number}",
        "person": person,
        "said": Said("decision", word),
        "seconds": seconds,
        "decided_at": START + timedelta(minutes=number),
        "token": str(number),
        "undoes": None,
        "gold": False,
        "session": "s",
    }
    return Answer(**(values | more))


def kinds(answers, gold=None, cleared=None, leads=()):
    raised = flags(answers, gold or {}, cleared or {}, leads, PARAMS)
    return {person: [flag.kind for flag in each] for person, each in raised.items()}


def test_a_careful_person_is_not_flagged():
    words = ["fraud" if n % 7 == 0 else "genuine" for n in range(100)]
    assert kinds([answer(n, word=word) for n, word in enumerate(words)]) == {}


@pytest.mark.parametrize(("right", "flagged"), [(0, True), (2, True), (5, False), (9, False)])
def test_who_is_surely_below_the_skill_is_flagged(right, flagged):
    gold = {f"case-{n}": "fraud" for n in range(9)}
    words = ["fraud"] * right + ["genuine"] * (9 - right)
    own = [answer(n, word=word, gold=True) for n, word in enumerate(words)]
    count, share = accuracy(own, gold)
    assert (count, share["value"]) == (9, pytest.approx(right / 9))
    assert (share["interval"][1] < PARAMS.skill) == flagged
    assert kinds(own, gold) == ({"ann": ["skill"]} if flagged else {})


def test_answers_that_were_not_asked_as_known_ones_measure_nobody():
    gold = {f"case-{n}": "fraud" for n in range(20)}
    assert kinds([answer(n) for n in range(20)], gold) == {}


def test_a_run_of_fast_decisions_is_flagged_however_slow_later_ones_are():
    slow = [answer(n) for n in range(30)]
    fast = [answer(30 + n, seconds=1.5) for n in range(RUN)]
    assert kinds(slow) == {} and kinds(slow + fast) == {"ann": ["fast"]}
    assert kinds(slow + fast + [answer(100 + n) for n in range(50)]) == {"ann": ["fast"]}
    assert kinds(fast[:-1]) == {}


def test_a_few_hasty_decisions_are_flagged():
    some = [answer(n, seconds=0.4 if n % 5 == 0 else 9.0) for n in range(5 * HASTY)]
    assert kinds(some[:-5]) == {} and kinds(some) == {"ann": ["fast"]}


def test_a_sudden_change_is_flagged():
    before = [answer(n, word="fraud" if n % 10 == 0 else "genuine") for n in range(60)]
    same = [answer(60 + n, word="fraud" if n % 8 == 0 else "genuine") for n in range(RUN)]
    turned = [answer(60 + n, word="genuine" if n % 8 == 0 else "fraud") for n in range(RUN)]
    assert kinds(before + same) == {} and kinds(before + turned) == {"ann": ["flip"]}


def test_what_a_lead_lifted_is_not_raised_again():
    fast = [answer(n, seconds=0.5) for n in range(RUN)]
    lifted = {"ann": Clearing("ann", RUN, "lea", START)}
    assert kinds(fast, cleared=lifted) == {}
    assert kinds(fast + [answer(50 + n, seconds=0.5) for n in range(RUN)], cleared=lifted)
    assert kinds(fast, leads=["ann"]) == {}


def test_sealed_answers_tell_nothing():
    assert kinds([answer(n, seconds=0.1, sealed=b"x") for n in range(RUN)]) == {}


PEOPLE = ("ann", "bob", "cem")
LATEST = st.dictionaries(
    st.tuples(st.sampled_from(PEOPLE), st.integers(0, 3)), st.integers(1, 50), max_size=10
)


@given(
    LATEST,
    st.sets(st.sampled_from(PEOPLE)),
    st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 50)),
    st.sets(st.integers(0, 3)),
)
def test_a_decision_waits_until_somebody_sound_decides_the_case(latest, flagged, lifted, by_file):
    cleared = {who: Clearing(who, number, "lea", START) for who, number in lifted.items()}
    answers = [
        answer(number * 100 + place, who, case=f"case-{case}")
        for place, ((who, case), number) in enumerate(latest.items())
    ]
    cleared = {who: Clearing(who, one.number * 100, "lea", START) for who, one in cleared.items()}

    seconded = {f"case-{case}" for case in by_file}

    def doubtful(one):
        return one.person in flagged and one.number > lifted.get(one.person, 0) * 100

    expected = [
        one.number
        for one in answers
        if doubtful(one)
        and one.case not in seconded
        and not any(
            o.case == one.case and o.person != one.person and not doubtful(o) for o in answers
        )
    ]
    assert [one.number for one in waiting(answers, flagged, cleared, seconded)] == expected
