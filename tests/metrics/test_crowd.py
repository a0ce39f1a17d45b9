"""What people who err say together, against the truth they were drawn from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.metrics.crowd import Belief, believe, jackknife


def crowd(rows=2000, finds=0.8, mistakes=0.03, seed=0, votes=(1, 1, 1, 2, 3)):
    """Rows whose positives grow rarer with what is known of them, and people's words."""
    random = np.random.default_rng(seed)
    known = np.log(np.arange(rows) + 10.0)[:, None]
    truth = random.random(rows) < 1 / (1 + np.exp(2.5 * (known[:, 0] - 5)))
    cast = random.choice(votes, rows)
    said = random.binomial(cast, np.where(truth, finds, mistakes))
    return np.stack([cast - said, said], axis=1), known, truth


@pytest.mark.parametrize(("finds", "mistakes"), [(0.95, 0.01), (0.8, 0.03), (0.6, 0.05)])
def test_it_learns_how_often_people_err_and_how_many_are_positive(finds, mistakes):
    votes, known, truth = crowd(finds=finds, mistakes=mistakes)
    belief = believe(votes, known)
    assert belief.finds == pytest.approx(finds, abs=0.08)
    assert belief.mistakes == pytest.approx(mistakes, abs=0.02)
    assert belief.positive.sum() == pytest.approx(truth.sum(), rel=0.15)
    assert np.mean((belief.positive > 0.5) == truth) > np.mean((votes[:, 1] > votes[:, 0]) == truth)


def test_a_belief_is_right_as_often_as_it_says():
    votes, known, truth = crowd(finds=0.6, mistakes=0.05, rows=6000)
    positive = believe(votes, known).positive
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        inside = (positive >= low) & (positive < high)
        assert truth[inside].mean() == pytest.approx(positive[inside].mean(), abs=0.1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_it_never_breaks_and_more_words_for_it_make_it_likelier(counts):
    votes = np.array([(no, yes) for no, yes in counts if no + yes] or [(1, 0)])
    known = np.full((len(votes), 1), 5.0)
    positive = believe(votes, known).positive
    assert np.isfinite(positive).all() and (positive >= 0).all() and (positive <= 1).all()
    for one, two in zip(range(len(votes)), range(1, len(votes)), strict=False):
        if votes[one, 1] >= votes[two, 1] and votes[one, 0] <= votes[two, 0]:
            assert positive[one] >= positive[two] - 1e-9


def test_a_start_near_by_ends_at_the_same():
    votes, known, _ = crowd()
    whole = believe(votes, known)
    weights = np.ones(len(votes)) * 1.01
    near = believe(votes, known, weights, whole)
    assert near.positive == pytest.approx(believe(votes, known, weights).positive, abs=0.02)


def test_weights_count_rows_again():
    votes, known, _ = crowd(rows=300)
    twice = believe(np.repeat(votes, 2, axis=0), np.repeat(known, 2, axis=0))
    weighted = believe(votes, known, np.full(300, 2.0))
    assert weighted.positive == pytest.approx(twice.positive[::2], abs=1e-6)


def test_unsure_is_what_could_be_either():
    assert Belief(np.array([0.01, 0.2, 0.9, 0.99]), 0.8, 0.1).unsure.tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_the_jackknifes_error_of_a_mean_is_the_means():
    values = np.random.default_rng(0).normal(size=5000)
    error = jackknife(5000, lambda weights: float(np.average(values, weights=weights)))
    assert error == pytest.approx(values.std() / np.sqrt(5000), rel=0.4)
    assert np.isnan(jackknife(10, lambda weights: 0.0))
