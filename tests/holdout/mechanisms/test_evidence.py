from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import recall_score

from vouch.holdout.mechanisms import evidence
from vouch.holdout.mechanisms.evidence import balanced, by_class, no_better, recall_gains, signs

CLASSES = st.integers(0, 2)


@given(st.integers(0, 30), st.integers(0, 30))
def test_equal_gains_are_mcnemars_test(wins, losses):
    gains = np.array([0.3] * wins + [-0.3] * losses)
    exact = binomtest(wins, wins + losses, alternative="greater").pvalue if len(gains) else 1
    assert signs(gains) == pytest.approx(exact)


@settings(deadline=None)
@given(st.lists(st.sampled_from([-3.0, -1.5, -1.0, 0.7, 1.0, 2.0]), min_size=1, max_size=9))
def test_all_signs_are_counted(drawn):
    gains = np.array(drawn)
    sums = [np.abs(gains) @ way for way in product((-1, 1), repeat=len(gains))]
    expected = np.mean(np.array(sums) >= gains.sum() - 1e-9)
    assert signs(gains) == pytest.approx(expected)
    assert signs(gains) >= 0.5 ** len(gains)


def test_many_different_gains_are_drawn_and_never_certain(monkeypatch):
    gains = np.random.default_rng(0).normal(0.4, 1, 18)
    exact = signs(gains)
    monkeypatch.setattr(evidence, "MOST", 10)
    assert signs(gains) == pytest.approx(exact, rel=0.1)
    assert signs(np.abs(gains) + 5) >= 1 / (1 + evidence.DRAWS)


@given(st.lists(st.tuples(CLASSES, CLASSES, CLASSES, st.integers(0, 5)), min_size=1, max_size=40))
def test_gains_add_up_to_the_difference_in_macro_recall(rows):
    labels, ours, theirs, groups = (np.array(part) for part in zip(*rows, strict=True))
    kept = {"average": "macro", "labels": np.unique(labels), "zero_division": 0}
    expected = recall_score(labels, ours, **kept) - recall_score(labels, theirs, **kept)
    gains = recall_gains(labels, ours, theirs, groups)
    assert gains.sum() == pytest.approx(expected, abs=1e-9)
    assert len(gains) <= len(set(groups[ours != theirs]))


def test_rows_of_one_group_prove_as_much_as_one():
    labels, theirs = np.zeros(40, np.int64), np.ones(40, np.int64)
    alone = signs(recall_gains(labels, labels, theirs, np.arange(40)))
    together = signs(recall_gains(labels, labels, theirs, np.arange(40) // 10))
    assert alone < 1e-9
    assert together == pytest.approx(1 / 16)


@given(st.lists(st.tuples(CLASSES, CLASSES, CLASSES, st.integers(0, 5)), min_size=1, max_size=40))
def test_classes_add_up_to_the_difference_and_either_test_can_hold_it_up(rows):
    labels, ours, theirs, groups = (np.array(part) for part in zip(*rows, strict=True))
    gains = recall_gains(labels, ours, theirs, groups)
    classes = by_class(labels, ours, theirs, groups)
    shown = sum(float(each.counts @ each.values) for each in classes)
    assert shown == pytest.approx(gains.sum(), abs=1e-6)
    assert sum(each.groups for each in classes) == len(set(groups))
    p = no_better(labels, ours, theirs, groups)
    assert 0 < p <= 1
    assert p >= (signs(gains) if gains.sum() > 0 else 1)


def test_a_world_without_a_difference_is_the_one_drawn_from():
    """Three gains and no loss of one class: the likeliest world has as many of either."""
    labels = np.zeros(1000, np.int64)
    theirs = labels.copy()
    theirs[:3] = 1
    (one,) = by_class(labels, labels, theirs, np.arange(1000))
    fitted = (3.5 * 0.5) ** 0.5  # gains and losses, tilted by the same factor
    wins, losses = np.random.default_rng(1).poisson(fitted, (2, 200_000))
    assert balanced([one]) == pytest.approx(np.mean(wins - losses >= 3), rel=0.1)


def test_a_difference_next_to_none_proves_nothing():
    """Two of 200 rows won, five of 501 lost: what nobody saw outweighs the rest."""
    labels = np.repeat([0, 1], [200, 501])
    ours, theirs = labels.copy(), labels.copy()
    theirs[:2] = 1
    ours[-5:] = 0
    assert recall_gains(labels, ours, theirs, np.arange(701)).sum() > 0
    assert no_better(labels, ours, theirs, np.arange(701)) > 0.3


@pytest.mark.parametrize(("rare", "common", "share"), [(20, 1000, 0.05), (50, 2000, 0.03)])
def test_a_loss_that_a_rare_class_does_not_show_is_allowed_for(rare, common, share):
    """Useless challengers win of a common class what they lose of a rare one, often unseen."""
    random, passed, by_signs = np.random.default_rng(rare), 0, 0
    for _ in range(100):
        labels = np.repeat([1, 0], [rare, common])
        changed = random.random(len(labels)) < share
        ours = np.where(changed & (labels == 1), 0, labels)
        theirs = np.where(changed & (labels == 0), 1, labels)
        groups = np.arange(len(labels))
        passed += no_better(labels, ours, theirs, groups) <= 0.025
        by_signs += signs(recall_gains(labels, ours, theirs, groups)) <= 0.025
    assert passed <= 6  # of 100 at a level of .025, at most so many in 99 of 100 cases
    assert by_signs > 15
