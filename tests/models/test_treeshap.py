import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from vouch.models.treeshap import TreeShap, of_trees

SEEDS = st.integers(0, 2**31)


def rows_of(seed, rows=400, columns=4, classes=2):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)).round(1).astype(np.float32)
    labels = (values[:, 0] + values[:, 1] * values[:, 2] > 0.3).astype(int)
    labels += (classes - 2) * (values[:, 3] > 0.5)
    values[rng.random(values.shape) < 0.15] = np.nan
    return values, labels


def learner(seed, trees):
    settings = {"max_depth": 5, "random_state": seed, "min_samples_leaf": 2}
    if trees == 1:
        return DecisionTreeClassifier(**settings)
    return RandomForestClassifier(trees, **settings)


@given(SEEDS, st.sampled_from([1, 5]), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_parts_and_base_add_up_to_what_the_trees_say(seed, trees, column):
    values, labels = rows_of(seed, classes=3)
    model = learner(seed, trees).fit(values, labels)
    found = of_trees(model, column).explain(values)
    np.testing.assert_allclose(found.margins, model.predict_proba(values)[:, column], atol=1e-6)


def known(tree, row, features, node=0):
    """What a tree says if only some features are known, by the rows' ways through it."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return tree.value[node, 0, 1]
    feature, weights = tree.feature[node], tree.weighted_n_node_samples
    if feature in features:
        value = row[feature]
        goes = tree.missing_go_to_left[node] if np.isnan(value) else value <= tree.threshold[node]
        return known(tree, row, features, left if goes else right)
    sides = [known(tree, row, features, side) for side in (left, right)]
    return np.dot(sides, weights[[left, right]]) / weights[[left, right]].sum()


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_a_part_is_the_mean_over_all_orders_in_which_features_become_known(seed):
    values, labels = rows_of(seed, rows=150)
    model = learner(seed, 1).fit(values, labels)
    found = of_trees(model, 1).explain(values[:3])
    for row, parts in zip(values, found.values, strict=False):
        expected = np.zeros(4)
        for order in itertools.permutations(range(4)):
            for place, feature in enumerate(order):
                before = known(model.tree_, row, set(order[:place]))
                after = known(model.tree_, row, set(order[: place + 1]))
                expected[feature] += (after - before) / math.factorial(4)
        np.testing.assert_allclose(parts, expected, atol=1e-6)
    assert found.base == pytest.approx(known(model.tree_, values[0], set()), abs=1e-6)


@pytest.mark.parametrize("trees", [1, 20])
def test_the_package_shap_says_the_same(trees):
    import shap

    values, labels = rows_of(7, rows=2000)
    model = learner(7, trees).fit(values, labels)
    theirs = shap.TreeExplainer(model)
    found = of_trees(model, 1).explain(values[:200])
    expected = theirs.shap_values(values[:200], check_additivity=False)[:, :, 1]
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.base == pytest.approx(theirs.expected_value[1], abs=1e-6)


def test_a_threshold_that_no_float32_is_splits_as_scikit_learn_does():
    values = np.float32([[0.1], [0.2], [0.3], [np.nextafter(np.float32(0.2), np.float32(1))]] * 20)
    labels = (values[:, 0] > np.float32(0.2)).astype(int)
    model = DecisionTreeClassifier(random_state=0).fit(values, labels)
    edge = np.float32([model.tree_.threshold[0]])
    near = np.array([np.nextafter(edge, np.float32(s)) for s in (-9, 9)] + [edge], np.float32)
    found = of_trees(model, 1).explain(near)
    np.testing.assert_allclose(found.margins, model.predict_proba(near)[:, 1], atol=1e-6)


def test_boosted_trees_are_explained_on_their_margin():
    import xgboost

    values, labels = rows_of(3)
    settings = {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 3, "nthread": 1}
    booster = xgboost.train(settings, xgboost.DMatrix(values, labels), 20)
    found = TreeShap(booster, shift=-0.7).explain(values)
    margins = booster.predict(xgboost.DMatrix(values), output_margin=True)
    np.testing.assert_allclose(found.margins, margins - 0.7, atol=1e-5)
