import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, poisson

from vouch.metrics.clusters import Clusters, Spread, independent
from vouch.metrics.intervals import (
    CONFIDENCE,
    Lead,
    Measured,
    bounded,
    central,
    clopper_pearson,
    count,
    garwood,
    lead,
    mean,
    normal,
    share,
    share_of,
    student,
)
from vouch.metrics.ranked import measured

HITS = st.lists(st.booleans(), min_size=1, max_size=80)


@given(HITS, st.floats(0.5, 0.999))
def test_a_share_of_independent_rows_has_the_exact_interval(hits, confidence):
    exact = binomtest(sum(hits), len(hits)).proportion_ci(confidence, method="exact")
    figure = share(np.array(hits), independent(len(hits)), confidence)
    assert figure["value"] == pytest.approx(np.mean(hits))
    assert figure["interval"] == pytest.approx([exact.low, exact.high], abs=1e-9)


@given(HITS, st.integers(1, 30))
def test_a_share_in_clusters_is_between_0_and_1_and_no_surer_than_of_rows(hits, many):
    rows = np.array(hits)
    clusters = Clusters(len(rows), ("payer",), (np.arange(len(rows)) % many,))
    low, high = share(rows, clusters)["interval"]
    alone = share(rows, independent(len(rows)))["interval"]
    assert 0 <= low <= alone[0] + 1e-9
    assert alone[1] - 1e-9 <= high <= 1


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("clusters", [1, 3, 50])
def test_what_never_or_always_holds_is_as_sure_as_there_are_clusters(value, clusters):
    codes = np.repeat(np.arange(clusters), 4)
    hits = np.full(4 * clusters, bool(value))
    low, high = share(hits, Clusters(len(hits), ("twin",), (codes,)))["interval"]
    gap = 1 - 0.025 ** (1 / clusters)
    assert (low, high) == pytest.approx((1 - gap, 1) if value else (0, gap))


def test_one_fault_more_never_makes_a_share_surer():
    codes = np.repeat(np.arange(100), 4)
    clusters = Clusters(400, ("twin",), (codes,))
    lows = [share(np.arange(400) >= faults, clusters)["interval"][0] for faults in range(12)]
    assert (np.diff(lows) < 1e-3).all()


def test_all_evidence_of_one_account_tells_nothing_but_the_value():
    hits = np.arange(20) < 13
    figure = share(hits, Clusters(20, ("payer",), (np.zeros(20, int),)))
    assert figure == {"value": pytest.approx(0.65), "interval": [0, 1]}


def test_few_accounts_imagine_one_that_is_missed():
    """Twenty-five positives of one place far up: their own spread says almost nothing."""
    influence = np.random.default_rng(0).normal(0, 1e-5, 25)
    figure = Measured(0.999, influence - influence.mean(), np.ones(25), worst=0.5)
    low, high = bounded(figure, independent(25))["interval"]
    assert clopper_pearson(0.999, 25)[0] <= low < 0.99
    assert high > 0.999


def test_the_sure_fact_of_nothing_is_null():
    nothing = {"value": None, "interval": None}
    assert share(np.zeros(0, bool), independent(0)) == nothing
    assert mean([], independent(3)) == nothing


@given(st.integers(0, 500))
def test_a_counts_interval_leaves_the_declared_share_outside(value):
    low, high = garwood(value)
    assert poisson.cdf(value, high) == pytest.approx(0.025)
    assert value == 0 or poisson.sf(value - 1, low) == pytest.approx(0.025)


def test_rows_counted_in_clusters_are_fewer_counts():
    flags, every = np.arange(100) < 40, np.ones(100, bool)
    alone = count(flags, every, independent(100))
    assert alone == {"value": 40, "interval": pytest.approx(list(garwood(40)))}
    fours = Clusters(100, ("payer",), (np.arange(100) // 4,))
    assert count(flags, every, fours)["interval"] == pytest.approx([4 * e for e in garwood(10)])
    nothing = np.zeros(100, bool)
    assert count(nothing, every, fours)["interval"] == pytest.approx([0, 4 * garwood(0)[1]])
    assert count(nothing, nothing, fours)["interval"] == pytest.approx([0, garwood(0)[1]])


def test_what_makes_two_parts_wrong_at_once_widens_their_mean():
    random = np.random.default_rng(1)
    wrong = random.random(200) < 0.2
    labels = np.tile([0, 1], 200)
    together = np.repeat(wrong, 2)
    apart = np.concatenate([np.column_stack([wrong, random.permutation(wrong)]).ravel()])
    clusters = Clusters(400, ("author",), (np.arange(400) // 2,))

    def width(faults):
        parts = [share_of(~faults, labels == each) for each in (0, 1)]
        return np.ptp(mean(parts, clusters)["interval"])

    assert width(together) > 1.25 * width(apart)


def rankings(seed, rows=4000, noise=0.5, size=1):
    """Draw labels and two rankings alike; rows of an account share label and noise."""
    random = np.random.default_rng(seed)
    accounts = np.arange(rows) // size
    labels = (random.random(rows) < 0.05)[accounts]
    shared = random.normal(size=rows) + 2 * labels
    return labels, *(shared + noise * random.normal(size=rows)[accounts] for _ in range(2))


def ahead(labels, ours, theirs, clusters=None):
    parts = (measured("average_precision", labels, scores) for scores in (ours, theirs))
    return lead(*parts, clusters or independent(len(labels)))


@pytest.mark.parametrize("size", [1, 10])
def test_the_error_of_a_lead_is_that_over_many_tables(size):
    clusters = Clusters(4000, ("payer",), (np.arange(4000) // size,))
    leads = [ahead(*rankings(seed, size=size), clusters) for seed in range(150)]
    truth = np.std([each.value for each in leads])
    assert np.mean([each.error for each in leads]) == pytest.approx(truth, rel=0.2)
    assert np.mean([each.p <= 0.05 for each in leads]) < 0.12
    assert np.mean([each.p <= 0.5 for each in leads]) == pytest.approx(0.5, abs=0.15)


def test_a_better_ranking_is_seen_and_the_same_is_not():
    labels, ours, theirs = rankings(3)
    assert ahead(labels, ours + 2 * labels, theirs).p < 1e-6
    assert ahead(labels, ours, ours) == Lead(0.0, 0.0, 0.0, 1.0)
    assert ahead(labels, theirs - labels, theirs).p > 0.99


def test_rows_hard_for_both_make_no_lead_less_sure():
    labels, ours, theirs = rankings(5, noise=0.1)
    parts = (measured("average_precision", labels, scores) for scores in (ours, theirs))
    alone = [np.sqrt(np.square(each.influence).sum()) for each in parts]
    assert ahead(labels, ours, theirs).error < 0.6 * min(alone)


def test_a_lead_in_accounts_is_less_sure():
    labels, ours, theirs = rankings(6, size=20)
    alike = Clusters(4000, ("payer",), (np.arange(4000) // 20,))
    assert ahead(labels, ours, theirs, alike).error > 1.5 * ahead(labels, ours, theirs).error


def test_a_few_rows_prove_little_and_one_account_nothing():
    labels, _, theirs = rankings(4)
    better, codes = theirs.copy(), np.arange(4000)
    hits = np.flatnonzero(labels)[np.argsort(theirs[labels])[20:23]]
    better[hits] = theirs.max() + 1
    assert 0.01 < ahead(labels, better, theirs).p < 0.3
    codes[hits] = codes[hits[0]]
    account = Clusters(4000, ("payer",), (codes,))
    assert ahead(labels, better, theirs, account).p > 0.15


@given(st.integers(0, 20), st.integers(2, 200))
def test_copies_of_a_row_make_no_lead_surer(seed, rows):
    random = np.random.default_rng(seed)
    labels, scores = random.random(rows) < 0.5, random.random((2, rows))
    labels[0] = True
    codes = np.repeat(np.arange(rows), 3)
    alone = ahead(labels, *scores)
    copied = ahead(labels[codes], *scores[:, codes], Clusters(len(codes), ("payer",), (codes,)))
    assert copied.value == pytest.approx(alone.value)
    assert abs(copied.p - 0.5) <= abs(alone.p - 0.5) + 0.02


def test_ends_leave_out_what_is_undefined():
    values = np.array([np.nan, *range(101), np.nan], float)
    assert central(values, 0.9) == pytest.approx((5, 95))
    assert np.isnan(central(np.array([np.nan]))).all()


def test_a_normal_error_reaches_to_both_sides():
    assert normal(1.0, 2.0) == pytest.approx((1 - 3.9199, 1 + 3.9199), abs=1e-3)
    assert CONFIDENCE == 0.95


@pytest.mark.parametrize("clusters", [1.0, 1 + 1e-12, 5.0])
def test_without_any_variance_there_is_no_reach_and_of_an_unknown_one_no_end(clusters):
    assert student(0.2, Spread(0.0, clusters, 9.0)) == (0.2, 0.2)
    assert student(0.2, Spread(float("nan"), clusters, 9.0)) == (-np.inf, np.inf)
