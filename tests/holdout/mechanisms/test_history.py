from itertools import product
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.holdout.mechanisms.history import EXPECTED, History, Tally

KINDS = ("rule", "champion", "figure", "mean")


@given(st.integers(0, 9))
def test_all_sequences_together_are_one(length):
    told = [Tally(length, sum(bits)) for bits in product((0, 1), repeat=length)]
    assert sum(exp(tally.log_probability()) for tally in told) == pytest.approx(1)


@given(st.integers(0, 40), st.data())
def test_a_sequence_is_as_likely_as_its_two_continuations(answers, data):
    tally = Tally(answers, data.draw(st.integers(0, answers)))
    after = sum(exp(tally.then(bit).log_probability()) for bit in (False, True))
    assert after == pytest.approx(exp(tally.log_probability()))


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), max_size=30))
def test_nothing_told_makes_a_history_likelier(answers):
    history = History()
    for kind, surprise in answers:
        before, history = history, history.then(kind, surprise, 0.25)
        assert history.log_probability() < before.log_probability() <= 0


def test_whatever_is_asked_after_each_answer_all_histories_are_at_most_one():
    """Every way to choose the next question from the answers before it, three questions deep."""
    paths = [bits for n in range(3) for bits in product((False, True), repeat=n)]
    for kinds in product(KINDS[1:], repeat=len(paths)):  # 3 kinds to the 7 histories
        asks = dict(zip(paths, kinds, strict=True))
        total = 0.0
        for bits in product((False, True), repeat=3):
            history = History()
            for place, bit in enumerate(bits):
                history = history.then(asks[bits[:place]], bit)
            total += exp(history.log_probability())
        assert total == pytest.approx(1)


def test_what_was_expected_costs_little():
    assert exp(Tally(10_000, 0).log_probability()) > EXPECTED
    assert exp(Tally(1, 1).log_probability()) == pytest.approx((1 - EXPECTED) / 2)
