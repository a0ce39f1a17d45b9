"""Weighted figures: equal to the plain ones of equal weights, and how often intervals hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from vouch.metrics import weighted

WEIGHTS = st.lists(st.tuples(st.booleans(), st.integers(1, 4)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(WEIGHTS)
def test_a_weight_is_as_many_rows(rows):
    hits, weights = (np.array(part) for part in zip(*rows, strict=True))
    found = weighted.share(hits, weights.astype(float), 0.95)
    assert found["value"] == pytest.approx(np.repeat(hits, weights).mean())
    low, high = found["interval"]
    assert 0 <= low <= found["value"] <= high <= 1
    equal = weighted.share(np.repeat(hits, weights), np.ones(weights.sum()), 0.95)
    # as many rows, but no more of them looked at
    assert equal["interval"][1] - equal["interval"][0] <= high - low + 1e-9


def test_nothing_is_null_and_all_right_is_not_sure():
    none, one = np.zeros(0), np.ones(5)
    assert weighted.share(none.astype(bool), none, 0.95) == {"value": None, "interval": None}
    assert weighted.roc_auc(one.astype(bool), one, one, 0.95)["value"] is None
    low, high = weighted.share(one.astype(bool), one, 0.95)["interval"]
    assert low < 0.7
    assert high == 1
    missing = weighted.difference(
        {"value": None, "interval": None}, {"value": 1.0, "interval": [0, 1]}
    )
    assert missing["value"] is None


def drawn(random, labels, scores, rows):
    """Draw rows, those of high scores three times as likely: chances known, as a survey's."""
    chance = np.where(scores > 0.5, 3.0, 1.0)
    chance *= rows / chance.sum()
    taken = random.random(len(labels)) < chance
    return labels[taken], scores[taken], 1 / chance[taken]


# seeded: a mistake in the weights or the intervals moves coverage far below, chance does not
@pytest.mark.parametrize(("rate", "gap"), [(0.03, 1.5), (0.1, 1.0), (0.03, 3.0)])
@pytest.mark.parametrize("rows", [300, pytest.param(1000, marks=pytest.mark.slow)])
def test_intervals_hold_about_as_often_as_they_say(rate, gap, rows):
    random, repeats = np.random.default_rng(7), 200
    labels = random.random(20_000) < rate
    scores = 1 / (1 + np.exp(-(random.normal(size=20_000) + gap * labels - 1)))
    true = {
        "average_precision": average_precision_score(labels, scores),
        "roc_auc": roc_auc_score(labels, scores),
        "share": labels[scores > 0.6].mean(),
    }
    held, told = dict.fromkeys(true, 0), dict.fromkeys(true, 0)
    for _ in range(repeats):
        y, s, w = drawn(random, labels, scores, rows)
        flagged = s > 0.6
        found = {
            "average_precision": weighted.average_precision(y, s, w, 0.95),
            "roc_auc": weighted.roc_auc(y, s, w, 0.95),
            "share": weighted.share(y[flagged], w[flagged], 0.95),
        }
        for name, one in found.items():
            if one["value"] is not None:
                told[name] += 1
                held[name] += one["interval"][0] <= true[name] <= one["interval"][1]
    for name, count in told.items():
        assert count > 0.9 * repeats
        assert held[name] / count >= 0.89, (name, held[name] / count)


def test_a_difference_is_as_wide_as_both_together():
    one, other = ({"value": v, "interval": [v - e, v + e]} for v, e in ((0.8, 0.03), (0.5, 0.04)))
    found = weighted.difference(one, other)
    assert found["value"] == pytest.approx(0.3)
    assert found["interval"] == pytest.approx([0.25, 0.35])
    assert math.hypot(0.03, 0.04) == pytest.approx(0.05)
