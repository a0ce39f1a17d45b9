from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from vouch.holdout.mechanisms.comparison import (
    POWER,
    STEP,
    Evidence,
    Expectation,
    Promotion,
    compare,
    detectable,
    rounded,
    scaled,
    standard,
    told,
)
from vouch.holdout.mechanisms.evidence import signs
from vouch.holdout.mechanisms.history import History

UNIT = st.floats(0, 1)
EXPECTATIONS = st.builds(Expectation, UNIT, st.floats(0.001, 0.2))


def test_without_a_promotion_every_question_keeps_nearly_its_share():
    levels, history = [], History()
    for _ in range(20):
        levels.append(standard(20, 0.4, 0.95, history).level)
        history = history.after(told("champion", Promotion(False, None)))
    assert levels[0] == pytest.approx(0.02)
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 0.018


def test_a_promotion_makes_the_next_ones_harder():
    history = History().after(told("champion", Promotion(True, None)))
    assert standard(20, 0.4, 0.95, history).level == pytest.approx(0.02 * 0.05)
    first = History().after(told("rule", Promotion(True, None)))
    assert standard(20, 0.4, 0.95, first).level > 0.018  # that a model beats the rule is expected


ROWS, BUDGET, ERROR = 7, 3, 0.5


def _useless(choose, table):
    """Return how many useless challengers an adaptive sequence promotes on one table of signs."""
    history, answers = History(), ()
    for _ in range(BUDGET):
        mask = choose[answers]
        gains = np.where(mask, table, 0)
        p = signs(gains[gains != 0].astype(float))
        needed = standard(BUDGET, ERROR, 0.95, history)
        # a figure that the holdout moves: it too tells something
        value = 0.5 + gains.sum() / ROWS / 2
        answer = compare(Evidence(p, value), needed, Expectation(0.5, 0.05))
        history = history.after(told("champion", answer))
        steps = answer.figure.steps if answer.figure else None
        answers = (*answers, steps)
    return sum(step is not None for step in answers)


class _Strategy(dict):
    """Candidates that differ from the champion in other rows after each sequence of answers."""

    def __init__(self, seed):
        super().__init__()
        self._random = np.random.default_rng(seed)

    def __missing__(self, answers):
        rows = self._random.random(ROWS) < self._random.uniform(0.3, 1)
        self[answers] = rows
        return rows


@pytest.mark.parametrize("seed", range(12))
def test_no_adaptive_sequence_promotes_more_useless_challengers_than_stated(seed):
    """All tables there are, each as likely: the expectation is exact."""
    strategy = _Strategy(seed)
    tables = [np.array(way) for way in product((-1, 1), repeat=ROWS)]
    expected = np.mean([_useless(strategy, table) for table in tables])
    assert expected <= ERROR


def test_the_brute_force_can_fail():
    """Without a share of the error for each question the same sequences promote too many."""
    tables = [np.array(way) for way in product((-1, 1), repeat=ROWS)]
    naive = np.mean([sum(table[rows].sum() > 0 for rows in ([0], [1], [2])) for table in tables])
    assert naive > ERROR


@given(UNIT, UNIT, EXPECTATIONS, st.floats(0.001, 0.5))
def test_the_answer_tells_no_more_than_its_bit_and_its_steps(p, value, expected, error):
    needed = standard(20, error, 0.95, History())
    answer = compare(Evidence(p, value), needed, expected)
    assert answer.promote == (p <= needed.level)
    if answer.figure is None:
        assert answer == compare(Evidence(1.0, 1 - value), needed, expected)
        return
    width = STEP * expected.error
    middle = expected.value + answer.figure.steps * width
    for other in np.linspace(middle - 0.49 * width, middle + 0.49 * width, 5):
        assert compare(Evidence(0.0, other), needed, expected) == answer


@given(UNIT, EXPECTATIONS, st.floats(1e-6, 0.1))
def test_rounding_is_idempotent_and_its_interval_holds_what_was_rounded(value, expected, miss):
    once = rounded(value, expected, miss)
    assert rounded(expected.value + once.steps * STEP * expected.error, expected, miss) == once
    low, high = once.interval
    assert low <= once.value <= high
    assert low - 1e-4 <= value <= high + 1e-4


def test_undefined_evidence_promotes_nothing():
    assert not compare(Evidence(float("nan"), 0.5), standard(1, 0.5, 0.95, History()), None).promote


@given(st.floats(0.001, 0.2))
def test_what_is_detectable_is_promoted_with_the_stated_power(error):
    needed = standard(20, 0.4, 0.95, History())
    size = detectable(needed, error)
    p = norm.sf(np.random.default_rng(0).normal(size, error, 20_000) / error)
    assert np.mean(p <= needed.level) == pytest.approx(POWER, abs=0.01)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_no_figure_is_certain_because_all_rows_were_right(units, others):
    assert scaled(0.0, units, others) > 0
    assert scaled(0.1, 100, 400) == pytest.approx(0.05)
