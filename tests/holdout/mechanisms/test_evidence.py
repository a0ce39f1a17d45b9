from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import recall_score

from vouch.holdout.mechanisms import evidence
from vouch.holdout.mechanisms.evidence import recall_gains, signs

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
