import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.sources.declaration import Costs
from vouch.usecases.fraud.costs import NOTHING, cheapest, row_costs, stake

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
    answer = cheapest(stake(labels, scores, amounts, costs), repeats=2, confidence=0.9, seed=0)

    def total(threshold):
        return row_costs(labels, scores >= threshold, amounts, costs).sum()

    for point in answer["curve"]:
        assert point["cost"] == pytest.approx(total(point["threshold"]) / len(rows))
    least = min(total(t) for t in [*np.linspace(0, 1, 9), NOTHING])
    assert answer["total"] == pytest.approx(least)
    assert answer["cost"]["value"] == pytest.approx(total(answer["value"]) / len(rows))
    assert answer["flag_nothing"] == pytest.approx(total(NOTHING) / len(rows))
    assert answer["flag_everything"] == pytest.approx(total(0) / len(rows))


def test_a_rows_cost_is_what_was_declared():
    costs = Costs(review=10, missed=0.5, false_alarm=3)
    got = row_costs([1, 1, 0, 0], [1, 0, 1, 0], [100, 100, 100, 100], costs)
    assert got.tolist() == [10, 50, 13, 0]


def test_missing_amounts_count_as_nothing():
    assert row_costs([1], [0], [np.nan], Costs()).tolist() == [0]


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_intervals_are_around_the_cost(seed):
    random = np.random.default_rng(seed)
    labels = random.random(2000) < 0.1
    scores = np.clip(random.normal(0.3 + 0.3 * labels, 0.15), 0, 1)
    stakes = stake(labels, scores, random.lognormal(3, 1, 2000), Costs())
    answer = cheapest(stakes, repeats=100, confidence=0.95, seed=0)
    low, high = answer["cost"]["interval"]
    assert low < answer["cost"]["value"] < high
    assert high - low < answer["cost"]["value"]
    assert answer["interval"][0] <= answer["interval"][1]
