import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.metrics.clusters import Clusters, independent
from vouch.sources.declaration import Costs
from vouch.usecases.fraud.costs import NOTHING, cheapest, resample, row_costs, stakes_of

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 50)), min_size=1, max_size=50
).filter(lambda rows: any(label for label, _, _ in rows))
COSTS = st.builds(
    Costs,
    review=st.integers(0, 20).map(float),
    missed=st.sampled_from([0.0, 0.5, 1.0]),
    false_alarm=st.integers(0, 10).map(float),
)


def columns(rows):
    label, score, amount = (np.array(c) for c in zip(*rows, strict=True))
    return label, score / 8, amount.astype(float)


@given(ROWS, COSTS)
def test_the_curve_is_the_sum_of_the_rows_costs_and_its_least_is_found(rows, costs):
    labels, scores, amounts = columns(rows)
    stakes = stakes_of(labels, scores, amounts, costs, independent(len(rows)))
    answer = cheapest(stakes, repeats=2, confidence=0.9, seed=0)

    def total(threshold):
        return row_costs(labels, scores >= threshold, amounts, costs).sum()

    for point in answer["curve"]:
        assert point["cost"] == pytest.approx(total(point["threshold"]) / len(rows))
        low, high = point["interval"]
        assert 0 <= low <= point["cost"] + 1e-9
        assert point["cost"] <= high + 1e-9
    least = min(total(t) for t in [*np.linspace(0, 1, 9), NOTHING])
    assert answer["total"] == pytest.approx(least)
    assert answer["cost"]["value"] == pytest.approx(total(answer["value"]) / len(rows))
    assert answer["flag_nothing"] == pytest.approx(total(NOTHING) / len(rows))
    assert answer["flag_everything"] == pytest.approx(total(0) / len(rows))


@settings(max_examples=40, deadline=None)
@given(ROWS, COSTS, st.integers(1, 12), st.integers(0, 9))
def test_a_bootstrap_sample_is_the_rows_of_its_clusters_copied(rows, costs, many, seed):
    """Every sample's cost curve is one of whole clusters drawn some whole number of times."""
    labels, scores, amounts = columns(rows)
    codes = np.random.default_rng(seed).integers(0, many, len(rows))
    clusters = Clusters(len(rows), ("payer",), (codes,))
    stakes = stakes_of(labels, scores, amounts, costs, clusters)
    curves = resample(stakes, 0, 3, seed)

    def cost_of(cluster):
        own = codes == cluster
        return [
            row_costs(labels[own], scores[own] >= t, amounts[own], costs).sum()
            for t in stakes.thresholds
        ]

    each = np.array([cost_of(cluster) for cluster in np.unique(codes)])
    # the drawn numbers of copies, found again from the seed where no clusters were drawn as one
    own = stakes.clusters.codes[0][stakes.first < len(stakes.thresholds)]
    if (np.bincount(own)[own] > 1).all():
        kept = np.isin(np.unique(codes), own)
        copies = np.random.default_rng(seed).poisson(1.0, (3, int(kept.sum())))
        assert curves == pytest.approx(copies @ each[kept], abs=1e-6)
    assert curves.shape == (3, len(stakes.thresholds))


def test_the_cluster_bootstrap_agrees_with_copying_clusters():
    random = np.random.default_rng(4)
    codes = random.integers(0, 60, 400)
    labels = random.random(400) < 0.2
    scores, amounts = np.round(random.random(400), 2), random.lognormal(3, 1, 400)
    clusters = Clusters(400, ("payer",), (codes,))
    stakes = stakes_of(labels, scores, amounts, Costs(), clusters)
    ours = resample(stakes, 3, 3000, 1)
    members = [np.flatnonzero(codes == each) for each in range(60)]
    theirs = []
    for _ in range(1500):
        rows = np.concatenate([members[each] for each in random.integers(60, size=60)])
        costs = [
            row_costs(labels[rows], scores[rows] >= t, amounts[rows], Costs()).sum()
            for t in stakes.thresholds[:8]
        ]
        theirs.append(costs)
    # a Poisson number of clusters varies a little more than a fixed one
    spread = np.std(ours[:, :8], axis=0) / np.std(theirs, axis=0)
    assert ((spread > 0.9) & (spread < 1.8)).all()
    assert ours[:, :8].mean(axis=0) == pytest.approx(np.mean(theirs, axis=0), rel=0.03)


def test_lone_negatives_are_drawn_together_and_vary_as_much():
    random = np.random.default_rng(2)
    labels = np.arange(3000) < 30
    scores, amounts = np.round(random.random(3000) / 2 + labels / 2, 1), np.full(3000, 20.0)
    costs = Costs(review=1.0, false_alarm=2.0)
    stakes = stakes_of(labels, scores, amounts, costs, independent(3000))
    curves = resample(stakes, 0, 4000, 0)
    flagged = np.array([(scores >= t) for t in stakes.thresholds])
    each = np.array([row_costs(labels, one, amounts, costs) for one in flagged])
    assert curves.mean(axis=0) == pytest.approx(each.sum(axis=1), rel=0.03)
    assert curves.std(axis=0) == pytest.approx(np.sqrt((each**2).sum(axis=1)), rel=0.06)


def test_a_rows_cost_is_what_was_declared():
    costs = Costs(review=10, missed=0.5, false_alarm=3)
    got = row_costs([1, 1, 0, 0], [1, 0, 1, 0], [100, 100, 100, 100], costs)
    assert got.tolist() == [10, 50, 13, 0]


def test_missing_amounts_count_as_nothing():
    assert row_costs([1], [0], [np.nan], Costs()).tolist() == [0]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_intervals_are_around_the_cost(seed):
    random = np.random.default_rng(seed)
    labels = random.random(2000) < 0.1
    scores = np.clip(random.normal(0.3 + 0.3 * labels, 0.15), 0, 1)
    amounts = random.lognormal(3, 1, 2000)
    stakes = stakes_of(labels, scores, amounts, Costs(), independent(2000))
    answer = cheapest(stakes, repeats=100, confidence=0.95, seed=0)
    low, high = answer["cost"]["interval"]
    assert low < answer["cost"]["value"] < high
    assert high - low < answer["cost"]["value"]
    assert answer["interval"][0] <= answer["interval"][1]
