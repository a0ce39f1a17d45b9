import math

import numpy as np
import pandas as pd
import pytest

from vouch.metrics.clusters import independent
from vouch.metrics.figures import figure
from vouch.sources.declaration import Costs
from vouch.usecases.fraud.curves import calibration, curves
from vouch.usecases.fraud.judge import Ranking
from vouch.usecases.fraud.measures import Terms, measure
from vouch.usecases.params import EvaluateParams

TERMS = Terms(0.5, 5, False, Costs(), 1.0, EvaluateParams())


def payments(rows=600, frauds=60, size=1, seed=0):
    """Payments whose frauds come in accounts, all of an account with one score."""
    random = np.random.default_rng(seed)
    truth = (np.arange(rows) < frauds).astype(int)
    score = np.clip(random.normal(0.3 + 0.3 * truth, 0.2), 0, 1)
    account = np.arange(rows) // size
    return pd.DataFrame(
        {
            "score": score[account * size],
            "amount": random.lognormal(4, 1, rows),
            "truth": truth,
            "rule": truth[random.permutation(rows)],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) % 7, "D"),
            "payer": [f"p{n}" for n in account],
            "payee": [f"q{n}" for n in range(rows)],
        }
    )


def width(figure):
    low, high = figure["interval"]
    return high - low


def test_frauds_of_one_account_are_less_evidence():
    rows = payments(size=10)
    alike, alone = (
        measure(each, "truth", TERMS) for each in (rows, rows.drop(columns=["payer", "payee"]))
    )
    for name in ("average_precision", "roc_auc", "cost"):
        assert alike[name]["value"] == pytest.approx(alone[name]["value"])
        assert width(alike[name]) > 1.5 * width(alone[name])
        low, high = alike[name]["interval"]
        assert low <= alike[name]["value"] <= high
    assert width(alike["confusion"]["tp"]) > 1.5 * width(alone["confusion"]["tp"])
    assert alike["evidence"] == {"columns": ["payer", "payee"], "clusters": 60, "effective": 6}
    assert alone["evidence"] == {"columns": [], "clusters": 600, "effective": 60}
    gaps = [
        Ranking(TERMS).outlook(each, None).difference
        for each in (rows, rows.drop(columns=["payer", "payee"]))
    ]
    assert gaps[0] > 1.3 * gaps[1]


def test_an_account_of_each_payment_changes_nothing():
    rows = payments()
    named, bare = (measure(each, "truth", TERMS) for each in (rows, rows.drop(columns="payer")))
    for name in ("average_precision", "roc_auc", "cost", "precision_at_capacity"):
        assert named[name]["interval"] == pytest.approx(bare[name]["interval"])


def test_a_payer_who_is_unknown_is_on_their_own():
    rows = payments(size=10)
    unknown = measure(rows.assign(payer=None, payee=None), "truth", TERMS)
    assert unknown["evidence"] == {"columns": [], "clusters": 600, "effective": 60}


def test_a_ranking_without_a_fault_is_not_called_certain():
    rows = payments().assign(score=lambda each: each["truth"] * 0.9)
    figures = measure(rows, "truth", TERMS)
    for name in ("average_precision", "roc_auc"):
        assert figures[name] == {"value": 1, "interval": [pytest.approx(0.025 ** (1 / 60)), 1]}
    assert figures["cost"]["interval"][1] > figures["cost"]["value"]
    assert figures["confusion"]["fn"]["interval"] == [0, pytest.approx(3.689, abs=1e-3)]


def test_without_rows_there_is_no_figure():
    figures = measure(payments().assign(truth=None), "truth", TERMS)
    for name in ("average_precision", "roc_auc", "cost", "precision_at_capacity"):
        assert figures[name]["value"] is figures[name]["interval"] is None
    assert "of no row is known" in figures["reason"]


def test_undefined_is_null():
    assert figure(math.nan, (math.nan, math.nan)) == {"value": None, "interval": None}


def test_curves_keep_their_ends_and_shape():
    random = np.random.default_rng(0)
    labels = (random.random(20_000) < 0.1).astype("int8")
    scores = random.random(20_000) * 0.5 + 0.3 * labels * random.random(20_000)
    drawn = curves(labels, scores, independent(20_000))
    roc = np.array(drawn["roc"])
    assert roc[0].tolist() == [0, 0]
    assert roc[-1].tolist() == [1, 1]
    from sklearn.metrics import auc, roc_auc_score

    assert auc(*roc.T) == pytest.approx(roc_auc_score(labels, scores), abs=0.002)


def test_a_calibrated_score_is_seen_to_be():
    random = np.random.default_rng(1)
    scores = random.beta(1, 20, 200_000)
    labels = (random.random(200_000) < scores).astype("int8")
    bins = calibration(labels, scores, independent(200_000))
    assert sum(b["rows"] for b in bins) == 200_000
    assert len(bins) == 10
    inside = [b["interval"][0] <= b["score"] <= b["interval"][1] for b in bins]
    assert sum(inside) >= 8
