"""Slopes, their errors and the correction of p-values, against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from vouch.studies.market.regress import (
    bandwidth,
    correlation,
    holm,
    later,
    long_run,
    projection,
    scaled,
    slope,
)

VALUES = st.floats(-5, 5, allow_nan=False)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_rejects_what_its_steps_reject(p):
    corrected = holm(p)
    for alpha in (0.001, 0.01, 0.05, 0.3, 0.999):
        rejected: set[int] = set()
        for step, place in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
            if p[place] * (len(p) - step) > alpha:
                break
            rejected.add(place)
        assert {i for i, value in enumerate(corrected) if value <= alpha} == rejected


@given(arrays.arrays(float, (7, 2), elements=VALUES), st.integers(-9, 9))
def test_later_takes_the_value_so_many_windows_on(matrix, windows):
    moved = later(matrix, windows) if abs(windows) <= 7 else None
    if moved is None:
        return
    for row in range(7):
        there = 0 <= row + windows < 7
        wanted = matrix[row + windows] if there else np.full(2, np.nan)
        assert np.array_equal(moved[row], wanted, equal_nan=True)


@given(arrays.arrays(float, (9, 2), elements=VALUES), st.integers(0, 6))
def test_the_long_run_covariance_is_its_definition(scores, lags):
    total = np.zeros((2, 2))
    for one in range(9):
        for other in range(9):
            weight = max(0.0, 1 - abs(one - other) / (lags + 1))
            total += weight * np.outer(scores[one], scores[other])
    assert np.allclose(long_run(scores, lags), total)
    assert np.linalg.eigvalsh(long_run(scores, lags)).min() > -1e-8


def test_bandwidth_is_the_usual_rule():
    assert [bandwidth(n) for n in (100, 4032)] == [4, int(4 * 40.32 ** (2 / 9))]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 3), st.floats(0, 0.4))
def test_a_slope_is_that_of_least_squares_with_a_mean_for_each_asset(seed, assets, missing):
    rng = np.random.default_rng(seed)
    y, x, control = rng.normal(size=(3, 60, assets))
    y = y + 0.5 * x + np.arange(assets)
    y[rng.random(y.shape) < missing] = np.nan
    known = np.isfinite(y)
    means = np.eye(assets)[np.nonzero(known)[1]]
    X = np.column_stack([x[known], control[known], means])
    wanted = np.linalg.lstsq(X, y[known], rcond=None)[0][0]
    found = slope(y, x, [control])
    assert found.value == pytest.approx(wanted)
    assert found.rows == known.sum()


def test_a_correlation_is_pearsons():
    rng = np.random.default_rng(1)
    y, x = rng.normal(size=(2, 300, 1))
    y[1:] += 0.4 * x[:-1]
    for ahead, one, other in ((1, y[1:], x[:-1]), (0, y, x), (-2, y[:-2], x[2:])):
        found = correlation(y, x, ahead)
        assert found.value == pytest.approx(stats.pearsonr(one.ravel(), other.ravel())[0])
        assert found.interval[0] < found.value < found.interval[1]


def test_errors_know_of_autocorrelation():
    """Of two independent slow series, least squares finds far too much; this does not."""
    found = plain = 0
    for seed in range(60):
        steps = np.random.default_rng(seed).normal(size=(2, 2500, 1))
        for now in range(1, 2500):
            steps[:, now] += 0.7 * steps[:, now - 1]
        y, x = steps
        found += slope(y, x).p < 0.05
        plain += stats.pearsonr(y.ravel(), x.ravel())[1] < 0.05
    assert plain >= 10
    assert found <= 9


def test_assets_that_move_as_one_count_as_one():
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=(2, 500, 1))
    one, six = slope(y, x), slope(np.tile(y, 6), np.tile(x, 6))
    assert six.value == pytest.approx(one.value)
    assert six.error == pytest.approx(one.error, rel=0.02)


def test_tweets_that_follow_a_price_with_momentum_do_not_move_it():
    rng = np.random.default_rng(4)
    returns, given = rng.normal(size=(2, 6000, 1))
    for now in range(1, 6000):
        returns[now] += 0.3 * returns[now - 1]
    given = given + returns
    assert abs(correlation(returns, given, 1).z) > 5
    assert abs(projection(returns, given, 1, 4).z) < 3


def test_a_projection_finds_sign_and_lag():
    rng = np.random.default_rng(5)
    returns, given = rng.normal(size=(2, 3000, 2))
    returns[3:] -= 0.2 * given[:-3]
    z = {ahead: projection(returns, given, ahead, 4).z for ahead in range(1, 6)}
    assert z.pop(3) < -8
    assert max(map(abs, z.values())) < 3.5


def test_what_never_varies_is_no_impulse():
    rng = np.random.default_rng(6)
    y = rng.normal(size=(50, 1))
    assert np.isnan(slope(y, np.ones((50, 1))).value)
    assert slope(y, np.ones((50, 1))).p == 1
    assert np.isnan(scaled(np.ones((50, 1)))).all()
    assert np.isnan(slope(np.full((50, 1), np.nan), y).value)
