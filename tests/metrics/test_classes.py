import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from vouch.metrics.classes import (
    MEASURES,
    PARTS,
    accuracy_of,
    confusion,
    f1_of,
    macro_recall,
    recall_interval,
)
from vouch.metrics.clusters import Clusters, independent
from vouch.metrics.intervals import mean, together

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
    low, high = recall_interval(labels, predicted, independent(1200))
    groups = Clusters(1200, ("twin",), (np.repeat(np.arange(300), 4),))
    wide_low, wide_high = recall_interval(labels, predicted, groups)
    assert low < value < high
    assert 1.6 < (wide_high - wide_low) / (high - low) < 2.4
    assert np.isnan(recall_interval([], [], independent(0))).all()


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


@settings(max_examples=60, deadline=None)
@given(pairs, st.sampled_from(list(MEASURES)), st.integers(0, 49))
def test_an_influence_is_the_change_by_a_row_more_of_its_kind(drawn, name, place):
    labels, predicted = map(np.array, zip(*drawn, strict=True))
    place %= len(labels)
    parts = PARTS[name](labels, predicted)
    measured = together(parts)

    def weighted(extra):
        weights = np.ones(len(labels))
        weights[place] += extra
        cells = np.bincount(labels * 3 + predicted, weights, 9).reshape(1, 3, 3)
        return MEASURES[name](cells)[0]

    assert measured.value == pytest.approx(weighted(0))
    slope = (weighted(1e-5) - weighted(-1e-5)) / 2e-5
    assert measured.influence[place] == pytest.approx(slope, abs=1e-6)
    assert sum(part.influence.sum() for part in parts) == pytest.approx(0, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(pairs, st.sampled_from(list(MEASURES)), st.integers(1, 20))
def test_intervals_lie_between_0_and_1_around_the_value(drawn, name, many):
    labels, predicted = map(np.array, zip(*drawn, strict=True))
    groups = Clusters(len(labels), ("twin",), (np.arange(len(labels)) % many,))
    figure = mean(PARTS[name](labels, predicted), groups)
    low, high = figure["interval"]
    assert 0 <= low <= figure["value"] <= high <= 1
    assert high - low > 0


def test_an_interval_agrees_with_drawing_groups_again():
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(150), 3)
    labels = random.integers(0, 3, 150)[groups]
    right = (random.random(150) < 0.75)[groups] ^ (random.random(450) < 0.1)
    predicted = np.where(right, labels, (labels + 1) % 3)
    for name, measure in MEASURES.items():
        measured = together(PARTS[name](labels, predicted))
        clusters = Clusters(450, ("twin",), (groups,))
        error = np.sqrt(clusters.spread(measured.influence, measured.counted).variance)
        members = [np.flatnonzero(groups == each) for each in range(150)]
        values = []
        for _ in range(1500):
            rows = np.concatenate([members[each] for each in random.integers(150, size=150)])
            values.append(measure(confusion(labels[rows], predicted[rows], 3)[None])[0])
        assert error == pytest.approx(np.std(values), rel=0.1)


def test_a_class_without_a_mistake_still_widens_the_mean():
    labels = np.repeat([0, 1], [500, 10])
    predicted = np.where(np.arange(510) % 10 == 0, 1 - labels, labels)
    predicted[500:] = 1
    figure = mean(PARTS["macro_recall"](labels, predicted), independent(510))
    assert figure["value"] == pytest.approx(0.95)
    assert figure["interval"][0] < 0.95 - (1 - 0.025 ** (1 / 10)) / 2 + 0.01


def test_nothing_has_no_accuracy():
    assert np.isnan(accuracy_of(np.zeros((1, 3, 3)))).all()
    assert mean(PARTS["accuracy"](np.zeros(0, int), np.zeros(0, int)), independent(0)) == {
        "value": None,
        "interval": None,
    }
