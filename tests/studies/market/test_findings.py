"""What the analysis concludes of histories whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vouch.sources.tweets.market import ASSETS, Market, unfold
from vouch.studies.market import sentences
from vouch.studies.market.findings import IMPULSES, analyse, out_of_sample, panel
from vouch.studies.market.params import MarketParams

NAMES = [asset.name for asset in ASSETS]
PARAMS = MarketParams(lags=4)


def unfolded(seed, market, params=PARAMS, rows=20_000):
    rng = np.random.default_rng(seed)
    history = unfold(rng, rows, market)
    tweets = history.counts.sum(axis=2).astype(float)
    given_ = {
        "sentiment": (history.counts[..., 2] - history.counts[..., 0]).astype(float),
        "tweets": tweets,
        "followers": tweets * 300,
        "retweets": rng.poisson(tweets).astype(float),
    }
    return panel(NAMES, np.expm1(history.returns), given_, params)


@pytest.fixture(scope="module")
def planted():
    return analyse(unfolded(1, Market(-0.2, 3)), PARAMS)


def test_a_planted_effect_is_found_with_sign_and_lag(planted):
    told = planted["conclusion"]
    assert (told["verdict"], told["sign"], told["lag"], told["series"]) == ("effect", -1, 3, "all")
    assert told["effect"]["interval"][1] < 0
    assert (told["follows"]["lag"], told["follows"]["sign"]) == (-1, 1)
    assert planted["out_of_sample"]["sentiment"]["interval"][0] > 0
    assert planted["judged"] == NAMES


def test_questions_are_corrected_apart_and_whole(planted):
    tests = planted["tests"]
    assert len(tests) == len(IMPULSES) * 7 * 9
    assert all(test["p"] <= test["p_holm"] <= 1 for test in tests)
    asked = [t for t in tests if t["impulse"] == "sentiment" and t["lag"] > 0]
    smallest = min(asked, key=lambda test: test["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, smallest["p"] * len(asked)))
    assert {t["lag"] for t in asked if t["found"]} >= {3}


def test_tweets_that_follow_prices_do_not_move_them():
    told = analyse(unfolded(2, Market(0.0, 1, follow=1.0)), PARAMS)
    assert told["conclusion"]["verdict"] == "none"
    assert told["conclusion"]["follows"]["lag"] == -1
    assert told["out_of_sample"]["sentiment"]["value"] < 0.002
    tests = [t for t in told["tests"] if t["impulse"] == "sentiment" and t["lag"] > 0]
    widest = max(t["error"] for t in tests if t["series"] == "all")
    strictest = stats.norm.isf(0.01 / 2 / len(tests))
    assert told["conclusion"]["detectable"] == pytest.approx(
        widest * (strictest + 0.8416), rel=1e-3
    )


def test_too_few_windows_conclude_nothing():
    few = MarketParams(lags=4, least=5_000)
    told = analyse(unfolded(1, Market(0.5, 1)), few)
    assert told["conclusion"]["verdict"] == "too few"
    assert told["tests"] == []
    assert 0 < told["conclusion"]["most"] == max(told["windows"].values()) < 5_000


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32), st.integers(100, 900))
def test_volatility_looks_back_only(seed, until):
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(1000, 1))
    none = {name: np.zeros((1000, 1)) for name in IMPULSES}
    changed = returns.copy()
    changed[until + 1 :] *= 50
    one, other = (panel(["A"], each, none, PARAMS).returns for each in (returns, changed))
    assert np.array_equal(one[: until + 1], other[: until + 1], equal_nan=True)


def test_out_of_sample_learns_nothing_of_the_test_part():
    whole = unfolded(3, Market(0.3, 1))
    told = out_of_sample(whole, PARAMS)
    boundary = told["boundary"]
    assert boundary == int(0.7 * len(whole.returns))
    # of noise put in place of the test part's returns it explains nothing, however well it learnt
    whole.returns[boundary:] = np.random.default_rng(1).normal(size=whole.returns[boundary:].shape)
    assert told["sentiment"]["value"] > 0.01
    assert out_of_sample(whole, PARAMS)["sentiment"]["value"] < 0


def content(conclusion):
    measured = {"value": 0.01, "interval": [0.001, 0.02], "rows": 1200}
    when = {"since": "2024-01-01T00:00:00", "until": "2024-01-02T00:00:00"}
    return {
        "analysis": {"conclusion": conclusion, "out_of_sample": {"sentiment": measured}},
        "tweets": when,
        "prices": when | {"assets": ["BTC"]},
    }


def test_sentences_name_sign_lag_and_size():
    effect = {"value": -0.12, "interval": [-0.15, -0.09]}
    found = {"verdict": "effect", "sign": -1, "lag": 4, "series": "BTC", "effect": effect}
    told = sentences.conclusion(
        content(found | {"p_holm": 1e-9, "follows": None, "same": None}), PARAMS
    )
    assert "4 windows (60 minutes) after" in told[0]
    assert "the price of BTC falls" in told[0]
    assert "0.120 standard deviations" in told[0]
    assert "better than their mean" in told[1]


def test_sentences_of_none_say_what_would_have_been_found():
    none = {"verdict": "none", "detectable": 0.034, "follows": None, "same": None}
    told = sentences.conclusion(content(none), PARAMS)[0]
    assert "at any lag from 1 to 4 windows (15 minutes to 60 minutes)" in told
    assert "one of 0.034 standard deviations" in told


def test_sentences_say_how_many_windows_there_are():
    assert "has 17 windows" in sentences.conclusion(
        content({"verdict": "too few", "most": 17}), PARAMS
    )[0]  # fmt: skip
    none = sentences.conclusion(content({"verdict": "too few", "most": 0}), PARAMS)
    assert "no asset has a single window" in none[0]
