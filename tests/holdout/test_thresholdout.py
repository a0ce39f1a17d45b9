import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vouch.holdout.thresholdout import Mean, thresholdout

UNIT = st.floats(0, 1)


@given(UNIT, UNIT, st.integers(1, 10**6), st.integers(0, 2**256 - 1))
def test_the_answer_is_a_mean_and_repeats(training, holdout, units, seed):
    answer = thresholdout(training, Mean(holdout, units), seed)
    assert 0 <= answer[0] <= 1
    assert answer == thresholdout(training, Mean(holdout, units), seed)
    assert answer[0] == training or not answer[1]


def test_agreement_is_answered_from_training_and_overfitting_is_exposed():
    agree = [thresholdout(0.7, Mean(0.705, 10_000), seed) for seed in range(300)]
    assert np.mean([kept for _, kept in agree]) > 0.7
    apart = [thresholdout(0.9, Mean(0.5, 10_000), seed) for seed in range(300)]
    assert not any(kept for _, kept in apart)
    values = np.array([value for value, _ in apart])
    # Laplace noise of rate 1/sqrt(n): its mean distance is its rate
    assert abs(values.mean() - 0.5) < 0.005
    assert 0.008 < np.abs(values - 0.5).mean() < 0.012


def test_fewer_units_hide_more():
    told = [
        np.mean([thresholdout(0.7, Mean(0.6, n), seed)[1] for seed in range(200)])
        for n in (100, 10_000)
    ]
    assert told[0] > 0.7 > 0.2 > told[1]
