import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from vouch.metrics.classes import (
    accuracy_of,
    bootstrap,
    bootstrap_interval,
    confusion,
    f1_of,
    macro_recall,
)
from vouch.metrics.ranked import interval

pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=50)


@given(pairs)
def test_it_is_scikit_learns_over_the_classes_that_occur(drawn):
    labels, predicted = map(np.array, zip(*drawn, strict=True))
    there = np.unique(labels)
    wanted = recall_score(labels, predicted, average="macro", labels=there)
    assert macro_recall(labels, predicted) == pytest.approx(wanted)


def test_the_interval_holds_the_value_and_widens_with_larger_groups():
    random = np.random.default_rng(0)
    labels = np.repeat(random.integers(0, 3, 300), 4)
    predicted = np.where(np.repeat(random.random(300), 4) < 0.7, labels, 1)
    value = macro_recall(labels, predicted)
    low, high = bootstrap_interval(labels, predicted, np.arange(1200), seed=1)
    wide_low, wide_high = bootstrap_interval(labels, predicted, np.repeat(np.arange(300), 4), 1)
    assert low < value < high
    assert 1.6 < (wide_high - wide_low) / (high - low) < 2.4
    assert bootstrap_interval(labels, predicted, np.arange(1200), seed=1) == (low, high)


def test_nothing_found_is_not_a_number():
    assert np.isnan(macro_recall([], []))


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_f1_and_accuracy_are_scikit_learns(drawn):
    labels, predicted = map(np.array, zip(*drawn, strict=True))
    table = confusion(labels, predicted, 3)
    np.testing.assert_array_equal(table, confusion_matrix(labels, predicted, labels=range(3)))
    wanted = f1_score(labels, predicted, average="macro", labels=np.unique(labels), zero_division=0)
    assert f1_of(table[None])[0] == pytest.approx(wanted)
    assert accuracy_of(table[None])[0] == pytest.approx(accuracy_score(labels, predicted))


@settings(max_examples=40, deadline=None)
@given(pairs, st.integers(1, 120), st.integers(0, 9))
def test_samples_weigh_whole_groups_and_models_stand_on_the_same_ones(drawn, repeats, seed):
    labels, predicted = map(np.array, zip(*drawn, strict=True))
    found = bootstrap(labels, [predicted, labels], np.zeros(len(labels)), repeats, seed, 3)
    assert found.shape == (2, repeats, 3, 3)
    # all rows are one group: a sample is the whole table some times over
    whole = confusion(labels, predicted, 3)
    times = found[0].sum(axis=(1, 2)) / len(labels)
    np.testing.assert_allclose(found[0], times[:, None, None] * whole)
    assert (times == times.round()).all()
    np.testing.assert_array_equal(found[0].sum(axis=2), found[1].sum(axis=2))
    again = bootstrap(labels, [predicted], np.zeros(len(labels)), repeats, seed, 3)
    np.testing.assert_array_equal(again[0], found[0])


def test_a_sample_has_on_average_the_tables_counts():
    random = np.random.default_rng(0)
    labels, predicted = random.integers(0, 3, (2, 500))
    found = bootstrap(labels, [predicted], random.integers(0, 200, 500), 2000, 1, 3)[0]
    np.testing.assert_allclose(found.mean(axis=0), confusion(labels, predicted, 3), rtol=0.05)


def test_the_ends_leave_out_what_is_undefined():
    values = np.array([np.nan, *range(101), np.nan], float)
    assert interval(values, 0.9) == pytest.approx((5, 95))
    assert np.isnan(interval(np.array([np.nan]), 0.9)).all()
    assert np.isnan(accuracy_of(np.zeros((1, 3, 3)))).all()
