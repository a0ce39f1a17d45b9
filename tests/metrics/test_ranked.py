import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from vouch.metrics.ranked import (
    average_precision,
    bootstrap,
    bootstrap_interval,
    gather,
    paired_bootstrap,
    precision_at_capacity,
    review,
    roc_auc,
)

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


@given(ROWS, st.integers(0, 2**32 - 1))
def test_a_bootstrap_sample_is_the_metric_of_weighted_rows(rows, seed):
    """The gathered cells, drawn as one, are the rows repeated as often as the cell was drawn."""
    labels, scores = columns(rows)
    cells = gather(labels, scores)
    weights = np.random.default_rng(seed).poisson(cells.rows)
    # a cell's rows rank alike: let one row of the cell's code stand for all its draws
    drawn = np.repeat(cells.positive, weights)
    ranks = np.repeat(-cells.codes[0], weights)
    value = bootstrap(labels, scores, metric="average_precision", repeats=1, seed=seed)[0, 0]
    expected = average_precision_score(drawn, ranks) if drawn.any() else np.nan
    assert value == pytest.approx(expected, nan_ok=True)


@given(ROWS)
def test_cells_hold_every_row_once(rows):
    labels, scores = columns(rows)
    cells = gather(labels, scores, 1 - scores)
    assert cells.rows.sum() == len(rows)
    assert cells.rows[cells.positive].sum() == labels.sum()


def test_the_poisson_bootstrap_agrees_with_the_plain_one():
    random = np.random.default_rng(5)
    labels = random.random(3000) < 0.05
    scores = random.normal(size=3000) + 1.5 * labels
    fast = bootstrap(labels, scores, metric="average_precision", repeats=2000, seed=1)[0]
    plain = []
    for _ in range(1000):
        rows = random.integers(3000, size=3000)
        plain.append(average_precision_score(labels[rows], scores[rows]))
    # samples with replacement repeat rows, which ties them: a small bias both must share
    assert np.mean(fast) == pytest.approx(np.mean(plain), abs=0.006)
    assert np.std(fast) == pytest.approx(np.std(plain), rel=0.12)


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
        for trial in range(150):
            rows = random.integers(400_000, size=1500)
            low, high = bootstrap_interval(
                population[rows], strength[rows], metric, repeats=200, seed=trial
            )
            inside += low <= value <= high
        assert 0.88 <= inside / 150 <= 0.995


def test_a_paired_difference_is_surer_than_two_intervals():
    random = np.random.default_rng(8)
    labels = random.random(4000) < 0.05
    champion = random.normal(size=4000) + 1.5 * labels
    challenger = champion + 0.3 * labels
    answer = paired_bootstrap(labels, challenger, champion, seed=2)
    low, high = answer["difference"]["interval"]
    assert 0 < low <= answer["difference"]["value"] <= high
    assert answer["share_better"] == 1
    alone = bootstrap_interval(labels, champion)
    assert high - low < 0.6 * (alone[1] - alone[0])


def test_a_model_is_no_better_than_itself():
    random = np.random.default_rng(8)
    labels, scores = random.random(500) < 0.2, random.random(500)
    answer = paired_bootstrap(labels, scores, scores)
    assert answer["difference"] == {"value": 0.0, "interval": [0.0, 0.0]}
    assert answer["share_better"] == 0


def test_the_same_seed_gives_the_same_interval():
    random = np.random.default_rng(8)
    labels, scores = random.random(500) < 0.2, random.random(500)
    first, again = (bootstrap_interval(labels, scores, seed=4) for _ in range(2))
    assert first == again != bootstrap_interval(labels, scores, seed=5)


def test_without_positives_there_is_no_interval():
    assert np.isnan(bootstrap_interval([0, 0], [0.1, 0.2])).all()


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
    low, high = seen.interval()
    assert low < seen.precision() < high
    assert 0.02 < high - low < 0.25


def test_a_ranking_without_a_fault_is_not_called_certain():
    labels = np.arange(1000) >= 960
    low, high = bootstrap_interval(labels, np.arange(1000))
    assert low == pytest.approx(0.025 ** (1 / 40))
    assert high == 1


def test_no_hit_among_the_reviewed_is_not_called_certain():
    seen = review(np.zeros(400), np.arange(400), np.arange(400) // 100, 10)
    assert seen.interval() == (0, pytest.approx(1 - 0.025 ** (1 / 40)))
    seen = review(np.ones(400), np.arange(400), np.arange(400) // 100, 10)
    assert seen.interval() == (pytest.approx(0.025 ** (1 / 40)), 1)
