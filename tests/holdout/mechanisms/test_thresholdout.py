import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from vouch.holdout.mechanisms.gaussian import gaussian
from vouch.holdout.mechanisms.history import History
from vouch.holdout.mechanisms.limits import FREE
from vouch.holdout.mechanisms.thresholdout import Mean, Noise, Thresholdout, noise

UNIT = st.floats(0, 1)
UNITS, SEEDS = st.integers(1, 10**6), st.integers(0, 2**256 - 1)
NORMAL = st.floats(-3, 3)


@given(UNIT, UNIT, UNITS, SEEDS, SEEDS)
def test_the_answer_is_a_mean_and_repeats(training, holdout, units, first, second):
    way = Thresholdout(units, 1000)
    answer = way.answer(training, holdout, noise(first, second))
    assert 0 <= answer[0] <= 1
    assert answer == way.answer(training, holdout, noise(first, second))
    assert answer[0] == (training if answer[1] else way.rounded(answer[0]))


@given(UNITS, st.integers(1, 100_000))
def test_the_threshold_stays_above_its_noise(units, questions):
    way = Thresholdout(units, questions)
    assert 6 * way.tail * way.sigma == pytest.approx(way.threshold / 2)
    # three noises a question exceed their tails with a chance of beta / 2 in all
    assert 3 * questions * np.exp(-way.tail) == pytest.approx(way.beta / 2)


def test_hardly_any_noise_moves_the_threshold_by_half():
    way = Thresholdout(10_000, 1000)
    drawn = [noise(seed, seed + 1) for seed in range(3000)]
    moved = [way.sigma * (each.threshold + each.comparison) for each in drawn]
    assert np.abs(moved).max() < way.threshold / 2
    assert np.std(moved) == pytest.approx(way.sigma * 40**0.5, rel=0.1)  # 2 (4 + 16) sigma squared


@given(UNIT, UNIT, UNITS, NORMAL, NORMAL, NORMAL)
def test_an_answer_is_within_its_bound_of_the_holdouts_mean(training, holdout, units, a, b, c):
    way = Thresholdout(units, 1000)
    held = [float(np.clip(4 * each, -way.tail, way.tail)) for each in (a, b, c)]
    answer, _ = way.answer(training, holdout, Noise(2 * held[0], 4 * held[1], held[2]))
    assert abs(answer - holdout) <= 1.5 * way.threshold + 1e-9


@given(UNIT, UNITS)
def test_rounding_is_idempotent(value, units):
    way = Thresholdout(units, 1)
    assert way.rounded(way.rounded(value)) == way.rounded(value)
    assert abs(way.rounded(value) - value) <= way.step / 2 + 1e-9


@given(UNIT, st.integers(100, 10**6), SEEDS)
def test_a_training_estimate_that_holds_hides_the_holdout(training, units, seed):
    """Whatever the holdout's mean is, within half of the threshold."""
    way, drawn = Thresholdout(units, 1000), Noise(0.0, 0.0, 1.0)
    reach = np.linspace(-0.49, 0.49, 5) * way.threshold
    near = {way.answer(training, float(training + each), drawn) for each in reach}
    assert near == {(training, True)}


def test_no_signal_is_hardly_ever_told_and_overfitting_is():
    random, way = np.random.default_rng(0), Thresholdout(10_000, 1000)
    honest = random.normal(0.5, 0.005, (1000, 2))  # means of 10,000 coins each
    kept = [way.answer(a, b, noise(1, i))[1] for i, (a, b) in enumerate(honest)]
    assert np.mean(kept) > 0.99
    assert not any(way.answer(0.6, 0.5, noise(1, i))[1] for i in range(300))


def test_the_bound_grows_with_what_was_told_and_shrinks_with_rows():
    way, history, bounds = Thresholdout(10_000, 20 * FREE), History(), []
    for kept in (True, True, False, True, False):
        bounds.append(way.bound(history))
        history = history.after(way.told(kept))
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.08
    assert Thresholdout(100_000, 20 * FREE).bound(History()) < bounds[0] / 3


def test_a_hill_climb_stays_within_its_bounds():
    """Majorities of coins: each question keeps the coins that the answers so far favoured."""
    further = 0
    for seed in range(40):
        random, history, revealed = np.random.default_rng(seed), History(), 0
        way, weights = Thresholdout(400, 100), np.zeros(40)
        holdout, training = random.integers(0, 2, (2, 400, 40))
        for place in range(60):
            kept = random.random(40) < 0.5 + 0.4 * np.sign(weights)
            majority = [
                float(np.mean(2 * t[:, kept].sum(1) > kept.sum())) for t in (training, holdout)
            ]
            truth = binom.sf(kept.sum() // 2, kept.sum(), 0.5)
            bound = way.bound(history)
            answer, held = way.answer(*majority, noise(revealed, place))
            history, revealed = history.after(way.told(held)), revealed + (not held)
            further += abs(answer - truth) > bound
            weights += np.where(kept, answer - truth, 0)
    assert further == 0


@given(UNIT, UNIT, UNITS, SEEDS)
def test_gaussian_answers_are_means_and_repeat(training, holdout, units, seed):
    answer = gaussian(training, Mean(holdout, units), seed)
    assert 0 <= answer[0] <= 1
    assert answer == gaussian(training, Mean(holdout, units), seed)
    assert answer[0] == training or not answer[1]


def test_gaussian_noise_has_the_stated_size():
    answers = [gaussian(0.9, Mean(0.5, 10_000), seed) for seed in range(2000)]
    assert not any(kept for _, kept in answers)
    assert np.std([value for value, _ in answers]) == pytest.approx(0.01, rel=0.1)
    near = [gaussian(0.7, Mean(0.703, 10_000), seed)[1] for seed in range(500)]
    assert np.mean(near) > 0.98
