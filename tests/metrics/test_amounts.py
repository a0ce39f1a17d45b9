import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.metrics.amounts import Stake, lognormal, mean_cost, stake
from vouch.metrics.clusters import Clusters, independent
from vouch.metrics.intervals import garwood

AMOUNTS = st.lists(
    st.tuples(st.sampled_from([0.0, 10.0]), st.floats(0, 1e6), st.booleans()),
    min_size=1,
    max_size=50,
)


@settings(deadline=None)
@given(AMOUNTS, st.integers(1, 20))
def test_the_interval_holds_the_mean_and_rows_that_cost_nothing_can_be_left_out(rows, many):
    prices, amounts, missed = (np.array(part) for part in zip(*rows, strict=True))
    losses = np.where(missed, amounts, 0.0)
    clusters = Clusters(len(rows), ("payer",), (np.arange(len(rows)) % many,))
    at_stake = stake(amounts, missed, clusters)
    figure = mean_cost(prices, losses, at_stake, clusters, len(rows))
    low, high = figure["interval"]
    assert figure["value"] == pytest.approx((prices + losses).mean())
    assert 0 <= low <= figure["value"] * (1 + 1e-9)
    assert figure["value"] <= high * (1 + 1e-9) + 1e-9
    costly = np.flatnonzero(prices + losses)
    short = mean_cost(prices[costly], losses[costly], at_stake, clusters.of(costly), len(rows))
    assert short["interval"] == pytest.approx(figure["interval"], rel=1e-9)


def test_nothing_missed_may_be_missed_yet():
    amounts, fraud = np.full(1000, 50.0), np.arange(1000) < 40
    fours = Clusters(1000, ("payer",), (np.arange(1000) // 4,))
    nothing = np.zeros(1000)
    figure = mean_cost(nothing, nothing, stake(amounts, fraud, fours), fours, 1000)
    # as many as three and more accounts could have been missed, of four frauds each
    assert figure == {"value": 0, "interval": [0, pytest.approx(garwood(0)[1] * 200 / 1000)]}


def test_no_mean_loss_is_above_the_largest_amount():
    losses = np.array([1.0, 1e4, 1e8])
    figure = mean_cost(np.zeros(3), losses, Stake(2e8, 1.0), independent(3), 3)
    assert figure["interval"][1] <= garwood(3)[1] * 2e8 / 3


@pytest.mark.parametrize("missed", [1, 2, 5])
def test_a_few_losses_vary_as_all_that_could_have_been_lost(missed):
    """Small ones neither prove that all are small nor call for the largest amount there is."""
    random = np.random.default_rng(3)
    amounts, fraud = random.lognormal(4, 1, 5000), np.arange(5000) < 100
    amounts[-1] = 1e9  # of a genuine payment
    losses = np.where(np.arange(5000) < missed, amounts, 0.0)
    at_stake = stake(amounts, fraud, independent(5000))
    figure = mean_cost(np.zeros(5000), losses, at_stake, independent(5000), 5000)
    low, high = figure["interval"]
    assert low < figure["value"] < high < 100 * figure["value"]


def test_losses_smaller_than_those_at_stake_could_have_been_smaller_still():
    amounts = np.append(np.random.default_rng(4).lognormal(8, 3, 200), np.linspace(15.0, 25.0, 10))
    fraud, last = np.ones(210, bool), np.arange(210) >= 200
    clusters = independent(210)
    figure = mean_cost(
        np.zeros(210), amounts * last, stake(amounts, fraud, clusters), clusters, 210
    )
    assert figure["interval"][0] < 0.7 * figure["value"]


def test_no_rows_cost_nothing_known():
    none = np.zeros(0)
    figure = mean_cost(none, none, Stake(0.0, 0.0), independent(0), 0)
    assert figure == {"value": None, "interval": None}


def test_prices_alone_have_the_interval_of_a_count():
    prices = np.where(np.arange(500) < 30, 10.0, 0.0)
    figure = mean_cost(prices, np.zeros(500), Stake(0.0, 0.0), independent(500), 500)
    assert figure["interval"] == pytest.approx([end * 10 / 500 for end in garwood(30)])


def test_amounts_that_are_not_lognormal_get_no_lognormal_interval():
    random = np.random.default_rng(0)
    two_kinds = np.where(np.arange(200) % 2, 1.0, 1000.0) * random.uniform(0.9, 1.1, 200)
    at_stake = Stake(1e12, 1.0)
    figure = mean_cost(np.zeros(200), two_kinds, at_stake, independent(200), 200)
    logs = np.log(two_kinds)
    ends = [each / 200 for each in lognormal(logs, logs.var(ddof=1), 199)]
    assert np.ptp(figure["interval"]) < 0.2 * np.ptp(ends)


@pytest.mark.parametrize("deviation", [0.5, 2.0])
def test_a_lognormal_mean_is_held_where_drawing_again_fails(deviation):
    random, inside, drawn = np.random.default_rng(1), 0, 0
    true = 30 * np.exp(4 + deviation**2 / 2)
    for _ in range(300):
        amounts = random.lognormal(4, deviation, random.poisson(30))
        rows = len(amounts)
        at_stake = stake(random.lognormal(4, deviation, 200), np.ones(200, bool), independent(200))
        figure = mean_cost(np.zeros(rows), amounts, at_stake, independent(rows), rows)
        low, high = np.array(figure["interval"]) * rows
        inside += low <= true <= high
        sums = random.poisson(1.0, (200, rows)) @ amounts
        ends = np.quantile(sums, [0.025, 0.975])
        drawn += ends[0] <= true <= ends[1]
    assert inside / 300 >= 0.92
    if deviation == 2.0:
        assert drawn / 300 < 0.75
