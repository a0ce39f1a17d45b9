import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from vouch.metrics.figures import count, figure, share
from vouch.usecases.fraud.curves import calibration, curves


@given(st.integers(0, 500))
def test_a_counts_interval_leaves_the_declared_share_outside(value):
    low, high = count(value, 0.95)["interval"]
    assert poisson.cdf(value, high) == pytest.approx(0.025)
    assert value == 0 or poisson.sf(value - 1, low) == pytest.approx(0.025)


def test_nothing_seen_does_not_mean_nothing_there():
    assert count(0, 0.95)["interval"][1] == pytest.approx(3.69, abs=0.01)
    assert share(0, 30, 0.95)["interval"][1] == pytest.approx(0.116, abs=0.001)
    assert share(0, 0, 0.95) == {"value": None, "interval": None}


def test_undefined_is_null():
    assert figure(math.nan, (math.nan, math.nan)) == {"value": None, "interval": None}


def test_curves_keep_their_ends_and_shape():
    random = np.random.default_rng(0)
    labels = (random.random(20_000) < 0.1).astype("int8")
    scores = random.random(20_000) * 0.5 + 0.3 * labels * random.random(20_000)
    drawn = curves(labels, scores, 0.95)
    roc = np.array(drawn["roc"])
    assert roc[0].tolist() == [0, 0]
    assert roc[-1].tolist() == [1, 1]
    from sklearn.metrics import auc, roc_auc_score

    assert auc(*roc.T) == pytest.approx(roc_auc_score(labels, scores), abs=0.002)


def test_a_calibrated_score_is_seen_to_be():
    random = np.random.default_rng(1)
    scores = random.beta(1, 20, 200_000)
    labels = (random.random(200_000) < scores).astype("int8")
    bins = calibration(labels, scores, 0.99)
    assert sum(b["rows"] for b in bins) == 200_000
    assert len(bins) == 10
    inside = [b["interval"][0] <= b["score"] <= b["interval"][1] for b in bins]
    assert sum(inside) >= 9
