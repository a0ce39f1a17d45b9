import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from vouch.metrics.clusters import Clusters
from vouch.metrics.ranked import (
    average_precision,
    measured,
    precision_at_capacity,
    ranking_interval,
    review,
    roc_auc,
)

METRICS = {"average_precision": average_precision_score, "roc_auc": roc_auc_score}

# few distinct scores, so that ties are common
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=60)


def columns(rows):
    return np.array([r[0] for r in rows]), np.array([r[1] / 6 for r in rows])


@given(ROWS)
def test_metrics_equal_scikit_learns(rows):
    labels, scores = columns(rows)
    if labels.any():
        expected = average_precision_score(labels, scores)
        assert average_precision(labels, scores) == pytest.approx(expected)
    else:
        assert np.isnan(average_precision(labels, scores))
    if 0 < labels.sum() < len(labels):
        assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    else:
        assert np.isnan(roc_auc(labels, scores))


@given(ROWS, st.integers(0, 59), st.sampled_from(list(METRICS)))
def test_an_influence_is_the_change_by_a_row_more_of_its_kind(rows, place, metric):
    labels, scores = columns(rows)
    place %= len(rows)
    if not 0 < labels.sum() < len(labels):
        return

    def weighted(extra):
        weights = np.ones(len(rows))
        weights[place] += extra
        return METRICS[metric](labels, scores, sample_weight=weights)

    slope = (weighted(1e-5) - weighted(-1e-5)) / 2e-5
    ours = measured(metric, labels, scores)
    assert ours.influence[place] == pytest.approx(slope, abs=1e-6)
    assert ours.influence.sum() == pytest.approx(0, abs=1e-9)


@given(ROWS, st.integers(1, 30), st.sampled_from(list(METRICS)))
def test_intervals_lie_between_0_and_1_around_the_value(rows, many, metric):
    labels, scores = columns(rows)
    clusters = Clusters(len(rows), ("payer",), (np.arange(len(rows)) % many,))
    value = measured(metric, labels, scores).value
    low, high = ranking_interval(labels, scores, metric, clusters)
    assert np.isnan(value) == np.isnan(low) == np.isnan(high)
    if not np.isnan(value):
        assert 0 <= low <= value + 1e-12
        assert value - 1e-12 <= high <= 1


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [1, 6])
def test_an_error_agrees_with_drawing_accounts_again(metric, size):
    random = np.random.default_rng(5)
    codes = np.arange(1500) // size
    labels = (random.random(codes[-1] + 1) < 0.1)[codes]
    scores = random.normal(size=codes[-1] + 1)[codes] + random.normal(size=1500) + 2 * labels
    one = measured(metric, labels, scores)
    spread = Clusters(1500, ("payer",), (codes,)).spread(one.influence, one.counted)
    members = [np.flatnonzero(codes == each) for each in range(codes[-1] + 1)]
    values = []
    for _ in range(800):
        drawn = random.integers(len(members), size=len(members))
        rows = np.concatenate([members[each] for each in drawn])
        values.append(METRICS[metric](labels[rows], scores[rows]))
    assert np.sqrt(spread.variance) == pytest.approx(np.std(values), rel=0.15)


def test_intervals_cover_the_true_value_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    population = random.random(400_000) < 0.1
    strength = random.normal(size=400_000) + 1.2 * population
    truth = {
        "average_precision": average_precision(population, strength),
        "roc_auc": roc_auc(population, strength),
    }
    for metric, value in truth.items():
        inside = 0
        for _ in range(150):
            rows = random.integers(400_000, size=1500)
            low, high = ranking_interval(population[rows], strength[rows], metric)
            inside += low <= value <= high
        assert inside / 150 >= 0.9


def test_without_positives_there_is_no_interval():
    assert np.isnan(ranking_interval([0, 0], [0.1, 0.2])).all()


CASES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 30), st.integers(0, 2), st.integers(0, 4)),
    min_size=1,
    max_size=40,
    unique_by=lambda case: case[1],  # without ties the brute force is the definition
)


@given(CASES, st.integers(1, 6), st.booleans())
def test_precision_at_capacity_equals_brute_force(cases, capacity, by_payer):
    label, score, day, payer = (np.array(c) for c in zip(*cases, strict=True))
    shares = []
    for today in sorted(set(day)):
        best: dict = {}
        for row in np.flatnonzero(day == today):
            case = payer[row] if by_payer else ("row", row)
            s, y = best.get(case, (-1, 0))
            best[case] = (max(s, score[row]), max(y, label[row]))
        top = sorted(best.values(), reverse=True)[:capacity]
        shares.append(sum(y for _, y in top) / len(top))
    got = precision_at_capacity(label, score, day, capacity, payer if by_payer else None)
    assert got == pytest.approx(np.mean(shares))


@given(ROWS, st.integers(1, 10))
@settings(max_examples=50)
def test_ties_at_the_edge_are_shared_out_whatever_the_order(rows, capacity):
    labels, scores = columns(rows)
    day = np.zeros(len(rows))
    order = np.random.default_rng(0).permutation(len(rows))
    straight = review(labels, scores, day, capacity)
    shuffled = review(labels[order], scores[order], day, capacity)
    assert straight.hits == pytest.approx(shuffled.hits)
    assert straight.cases.sum() == min(capacity, len(rows))


def test_a_row_without_a_payer_is_its_own_case():
    payers = np.array(["a", "a", None, None], dtype=object)
    seen = review([1, 0, 0, 1], [0.9, 0.8, 0.7, 0.6], np.zeros(4), 10, payers)
    assert seen.cases.tolist() == [3]
    assert seen.hits.tolist() == [2]


def test_precision_at_capacity_has_an_interval():
    random = np.random.default_rng(1)
    labels, scores = random.random(2000) < 0.3, random.random(2000)
    seen = review(labels, scores, np.arange(2000) // 200, 50)
    low, high = seen.figure()["interval"]
    assert low < seen.precision() < high
    assert 0.02 < high - low < 0.25


def test_a_ranking_without_a_fault_is_not_called_certain():
    labels = np.arange(1000) >= 960
    low, high = ranking_interval(labels, np.arange(1000))
    assert low == pytest.approx(0.025 ** (1 / 40))
    assert high == 1


def test_no_hit_among_the_reviewed_is_not_called_certain():
    seen = review(np.zeros(400), np.arange(400), np.arange(400) // 100, 10)
    least = 0.025 ** (1 / 40)
    assert seen.figure() == {"value": 0, "interval": [0, pytest.approx(1 - least)]}
    seen = review(np.ones(400), np.arange(400), np.arange(400) // 100, 10)
    assert seen.figure() == {"value": 1, "interval": [pytest.approx(least), 1]}


def test_days_and_accounts_that_differ_make_a_precision_less_sure():
    random = np.random.default_rng(2)
    day, score = np.arange(2000) // 100, random.random(2000)
    plain = review(random.random(2000) < 0.4, score, day, 20).figure()["interval"]
    by_day = random.random(2000) < np.where(day % 2, 0.7, 0.1)
    uneven = review(by_day, score, day, 20).figure()["interval"]
    assert np.ptp(uneven) > 1.5 * np.ptp(plain)
    account = np.arange(2000) % 10
    by_account = random.random(2000) < np.where(account % 2, 0.7, 0.1)
    clusters = Clusters(2000, ("payer",), (account,))
    alone, alike = (
        review(by_account, score, day, 20, clusters=each).figure()["interval"]
        for each in (None, clusters)
    )
    assert np.ptp(alike) > 1.5 * np.ptp(alone)


def test_nothing_reviewed_has_no_precision():
    assert review([], [], [], 5).figure() == {"value": None, "interval": None}
