import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.surrogate import count, fit_surrogate, kernel

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, rows=400, columns=5):
    rng = np.random.default_rng(seed)
    same = rng.random((rows, columns)) < rng.uniform(0.3, 0.9)
    same[0] = True
    own = 1 / (1 + np.exp(rng.normal(size=rows) - 3 * same @ rng.normal(size=columns)))
    return rng, same, own


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_estimates_change_nothing_where_the_model_was_asked_about_all_rows(seed):
    rng, same, own = drawn(seed)
    straight = fit_surrogate(same, own, seed, 5)
    corrected = fit_surrogate(same, rng.random(len(own)), seed, 5, checked=own)
    weights = {part.feature: part.weight for part in straight.parts}
    for part in corrected.parts:
        assert part.weight == pytest.approx(weights[part.feature], abs=1e-9)
    assert corrected.r2 == pytest.approx(straight.r2, abs=1e-9)
    assert corrected.local_prediction == pytest.approx(straight.local_prediction, abs=1e-9)
    assert corrected.prediction == own[0]


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_true_estimates_need_few_checks(seed):
    _, same, own = drawn(seed)
    straight = fit_surrogate(same, own, seed, 5)
    checked = fit_surrogate(same, own, seed, 5, checked=own[:50])
    assert [(p.feature, pytest.approx(p.weight)) for p in straight.parts] == [
        (p.feature, p.weight) for p in checked.parts
    ]


def test_rough_estimates_are_right_on_average():
    _, same, own = drawn(3, rows=4000)
    straight = {part.feature: part.weight for part in fit_surrogate(same, own, 0, 5).parts}
    rough = np.random.default_rng(1).random() * own**2
    sums = np.zeros(5)
    for seed in range(60):
        order = np.r_[0, 1 + np.random.default_rng(seed).permutation(len(own) - 1)]
        parts = fit_surrogate(same[order], rough[order], 0, 5, checked=own[order][:1000]).parts
        for part in parts:
            sums[part.feature] += part.weight / 60
    for feature, weight in straight.items():
        assert sums[feature] == pytest.approx(weight, abs=0.01)


@given(SEEDS, st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_a_row_that_weighs_double_is_the_row_twice(seed, features):
    rng, same, own = drawn(seed, rows=60)
    times = rng.integers(1, 4, len(own))
    often = fit_surrogate(np.repeat(same, times, axis=0), np.repeat(own, times), seed, features)
    once = fit_surrogate(same, own, seed, features, kernel(same) * times)
    assert [(p.feature, pytest.approx(p.weight)) for p in often.parts] == [
        (p.feature, p.weight) for p in once.parts
    ]
    assert once.r2 == pytest.approx(often.r2)


@given(SEEDS, st.integers(0, 50), st.integers(1, 40))
def test_marks_are_counted_row_by_row(seed, rows, columns):
    marks = np.random.default_rng(seed).random((rows, columns)) < 0.5
    assert count(marks).tolist() == np.count_nonzero(marks, axis=1).tolist()
