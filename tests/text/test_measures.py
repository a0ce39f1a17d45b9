import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from vouch.text.measures import bootstrap_interval, macro_recall

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
