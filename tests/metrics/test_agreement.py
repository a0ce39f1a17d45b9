"""Kappa against its definitions, counted pair by pair."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from vouch.metrics.agreement import cohen, fleiss, in_words

PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=30)
# of each case the classes its raters chose: as many raters as there are words
WORDS = st.lists(st.lists(st.integers(0, 2), min_size=0, max_size=5), min_size=1, max_size=12)

# ten subjects, 14 raters, five classes: the worked example of many textbooks, kappa .210
EXAMPLE = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def counts(words):
    return np.array([np.bincount(case, minlength=3) for case in words]).reshape(-1, 3)


def by_pairs(words):
    """Return Gwet's kappa by counting every pair of raters."""
    cases = [case for case in words if len(case) > 1]
    if not cases:
        return None
    agreed = Fraction(0)
    for case in cases:
        pairs = list(itertools.permutations(case, 2))
        agreed += Fraction(sum(a == b for a, b in pairs), len(pairs)) / len(cases)
    shares = [sum(Fraction(c.count(k), len(c)) for c in cases) / len(cases) for k in range(3)]
    chance = sum(share * share for share in shares)
    return None if chance == 1 else float((agreed - chance) / (1 - chance))


@settings(deadline=None)
@given(PAIRS)
def test_cohens_kappa_is_sklearns(pairs):
    first, second = np.array(pairs).T
    kappa = cohen(first, second)
    if len({*first, *second}) == 1:
        assert kappa == {"value": None, "interval": None}
        return
    assert kappa["value"] == pytest.approx(cohen_kappa_score(first, second))
    low, high = kappa["interval"]
    assert -1 <= low <= kappa["value"] + 1e-12 and kappa["value"] - 1e-12 <= high <= 1


@settings(deadline=None)
@given(WORDS)
def test_fleiss_kappa_is_that_of_all_pairs(words):
    kappa, expected = fleiss(counts(words)), by_pairs(words)
    assert kappa["value"] == (None if expected is None else pytest.approx(expected))
    if expected is not None:
        low, high = kappa["interval"]
        assert -1 <= low <= expected + 1e-12 and expected - 1e-12 <= high <= 1


def test_fleiss_kappa_of_the_textbooks_example():
    assert fleiss(EXAMPLE)["value"] == pytest.approx(0.210, abs=5e-4)


@settings(deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_kappa_does_not_depend_on_order_or_names(pairs, random):
    first, second = np.array(pairs).T
    order, names = list(range(len(pairs))), [0, 1, 2]
    random.shuffle(order)
    random.shuffle(names)
    renamed = np.array(names)
    there, here = cohen(first, second), cohen(renamed[second[order]], renamed[first[order]])
    assume(there["value"] is not None)
    assert here["value"] == pytest.approx(there["value"])
    assert here["interval"] == pytest.approx(there["interval"])


def test_the_interval_is_that_of_the_published_standard_error():
    # of many cases; Fleiss, Cohen and Everitt 1969, equation 13
    table = np.array([[400, 60], [90, 450]])
    first, second = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], table.ravel(), axis=0).T
    kappa = cohen(first, second)
    shares = table / table.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    chance, value = rows @ columns, kappa["value"]
    diagonal = sum(shares[i, i] * (1 - (rows[i] + columns[i]) * (1 - value)) ** 2 for i in range(2))
    others = sum(shares[i, j] * (columns[i] + rows[j]) ** 2 for i, j in ((0, 1), (1, 0)))
    square = diagonal + (1 - value) ** 2 * others - (value - chance * (1 - value)) ** 2
    error = math.sqrt(square / 1000) / (1 - chance)
    low, high = kappa["interval"]
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.03)


@pytest.mark.parametrize(("cases", "positive"), [(2, 1), (10, 5), (100, 50), (100, 2)])
def test_full_agreement_is_not_taken_for_sure(cases, positive):
    chosen = (np.arange(cases) < positive).astype(np.int64)
    kappa = cohen(chosen, chosen)
    low, high = kappa["interval"]
    assert (kappa["value"], high) == (1, 1)
    # the exact bound of no disagreement in so many cases, against what chance leaves
    chance = (positive / cases) ** 2 + (1 - positive / cases) ** 2
    exact = 1 - (1 - 0.025 ** (1 / cases)) / (1 - chance)
    assert low <= max(exact, -1) + 1e-9 and low > exact - 0.2


def test_more_cases_make_it_narrower():
    first, second = np.array([0, 0, 1, 1, 0]), np.array([0, 0, 1, 0, 0])
    widths = []
    for times in (2, 8, 32):
        low, high = cohen(np.tile(first, times), np.tile(second, times))["interval"]
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_two_raters_of_fleiss_come_near_cohen():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3, 300)
    second = np.where(rng.random(300) < 0.8, first, rng.integers(0, 3, 300))
    votes = np.eye(3, dtype=np.int64)[first] + np.eye(3, dtype=np.int64)[second]
    one, other = cohen(first, second), fleiss(votes)
    assert one["value"] == pytest.approx(other["value"], abs=0.01)
    assert one["interval"] == pytest.approx(other["interval"], abs=0.02)


def test_nothing_is_said_of_nothing():
    nothing = np.zeros(0, np.int64)
    assert cohen(nothing, nothing)["value"] is None
    assert fleiss(np.zeros((0, 2), np.int64))["value"] is None
    assert in_words(cohen(nothing, nothing)) == "unknown: one label only"


def test_it_is_written_with_its_sign():
    words = in_words({"value": 0.61, "interval": [-0.4, 1.0]})
    assert words == "+.61 (-.40 to +1.00)"
    assert in_words({"value": -0.001, "interval": [-1.0, 0.2]}) == "+.00 (-1.00 to +.20)"
