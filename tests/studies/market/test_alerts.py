"""Alerts: against their definition, and never with knowledge of what comes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.studies.market.alerts import COLUMNS, deviations, find_alerts
from vouch.studies.market.params import MarketParams, Thresholds, thresholds


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-9, 9) | st.none(), min_size=1, max_size=40), st.integers(2, 8))
def test_deviations_are_from_the_windows_before(values, trailing):
    series = pd.Series(values, dtype=float)
    mean, z = deviations(series, trailing, 0.5)
    for now, value in enumerate(series):
        before = series[max(0, now - trailing) : now].iloc[-trailing:].dropna()
        if now == 0 or len(before) < max(1, trailing // 2):
            assert np.isnan(z[now])
            continue
        assert mean[now] == pytest.approx(before.mean(), abs=1e-6)
        wanted = (value - before.mean()) / max(before.std(ddof=0), 0.5)
        assert z[now] == pytest.approx(wanted, abs=1e-4, nan_ok=True)


def windows(tweets):
    starts = pd.date_range("2024-01-01", periods=len(tweets), freq="15min")
    rows = {"asset": "BTC", "starts_at": starts, "tweets": tweets, "sentiment": 0.0}
    rows |= {"followers": 0.0, "retweets": 0.0, "price": 1.0, "return": 0.0}
    return pd.DataFrame(rows)


def test_a_burst_of_tweets_is_an_alert(tmp_path):
    tweets = np.tile([1.0, 3.0], 100)
    tweets[150] = 30
    windows(tweets).to_parquet(tmp_path / "gold.parquet")
    found = find_alerts(tmp_path / "gold.parquet", MarketParams())
    assert list(found.columns) == list(COLUMNS)
    assert found["kind"].tolist() == ["activity"]
    assert found["starts_at"][0] == pd.Timestamp("2024-01-02 13:30")
    assert found["z"][0] == pytest.approx(28)
    higher = MarketParams(thresholds=Thresholds(activity=29))
    assert find_alerts(tmp_path / "gold.parquet", higher).empty


def test_thresholds_are_read():
    assert thresholds("price=4, sentiment=6") == Thresholds(price=4, sentiment=6)
    assert thresholds("") == Thresholds()


@pytest.mark.parametrize(
    ("text", "message"),
    [("pirce=4", "'pirce'"), ("price=x", "price=x"), ("price=-1", "above 0"), ("price", "above 0")],
)
def test_wrong_thresholds_are_named(text, message):
    with pytest.raises(VouchError, match=message):
        thresholds(text)
