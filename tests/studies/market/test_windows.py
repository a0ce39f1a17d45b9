"""Gold, against a count by hand: sums, prices as of each window's end, nothing from later."""

from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.studies.market.params import MarketParams
from vouch.studies.market.windows import each_asset, load_panel, write_gold

START = datetime(2024, 3, 1)
QUARTER = timedelta(minutes=15)
TWEETS = st.lists(
    st.tuples(
        st.sampled_from(["BTC", "ETH"]),
        st.integers(0, 6 * 3600),
        st.sampled_from([0, 1, 2]),
        st.sampled_from([None, 0, 5, 100]),
    ),
    min_size=1,
    max_size=25,
)
BARS = st.lists(
    st.tuples(st.sampled_from(["BTC", "ETH"]), st.integers(0, 80), st.floats(1, 9)),
    max_size=40,
    unique_by=lambda bar: bar[:2],
)


def gold(folder, tweets, bars, length=QUARTER):
    silver = pd.DataFrame(tweets, columns=["asset", "time", "class", "followers"])
    silver["time"] = START + pd.to_timedelta(silver["time"], unit="s")
    silver["followers"] = silver["followers"].astype("Float64")
    silver["retweets"] = 1.0
    silver.to_parquet(folder / "silver.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE bars (asset VARCHAR, begins_at TIMESTAMP, known_at TIMESTAMP, "
            "open DOUBLE, close DOUBLE, volume DOUBLE)"
        )
        for asset, step, close in bars:
            begins = START + step * timedelta(minutes=5)
            row = [asset, begins, begins + length, close * 0.9, close, 2.0]
            connection.execute("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?)", row)
        write_gold(connection, folder / "silver.parquet", folder / "gold.parquet", 15)
    return pd.read_parquet(folder / "gold.parquet")


@settings(deadline=None, max_examples=40)
@given(TWEETS, BARS, st.sampled_from([5, 15]))
def test_every_window_is_what_a_count_by_hand_gives(tmp_path_factory, tweets, bars, minutes):
    length = timedelta(minutes=minutes)
    rows = gold(tmp_path_factory.mktemp("gold"), tweets, bars, length)
    assert not rows.duplicated(["asset", "starts_at"]).any()
    assert rows["tweets"].sum() == len(tweets)
    for row in rows.to_dict("records"):
        starts, ends = row["starts_at"], row["starts_at"] + QUARTER
        mine = [
            t for t in tweets
            if t[0] == row["asset"] and starts <= START + timedelta(seconds=t[1]) < ends
        ]  # fmt: skip
        assert row["tweets"] == len(mine) == row["retweets"]
        assert row["sentiment"] == sum(t[2] - 1 for t in mine)
        assert row["followers"] == sum(t[3] or 0 for t in mine)
        known = [
            (START + step * timedelta(minutes=5), close)
            for asset, step, close in bars
            if asset == row["asset"]
        ]
        here = max((b for b in known if b[0] + length <= ends), default=None)
        before = max((b for b in known if b[0] + length <= starts), default=None)
        assert row["price"] == pytest.approx(here[1] if here else np.nan, nan_ok=True)
        moved = np.nan
        if here and here[0] + length > starts:
            if before and before[0] + length > starts - QUARTER:
                moved = here[1] / before[1] - 1
            elif here[0] == starts:
                moved = here[1] / (here[1] * 0.9) - 1
        assert row["return"] == pytest.approx(moved, nan_ok=True)
        sold = sum(2.0 for begins, _ in known if starts <= begins < ends)
        assert row["volume"] == pytest.approx(sold or np.nan, nan_ok=True)


@settings(deadline=None, max_examples=20)
@given(TWEETS, BARS, st.integers(0, 24))
def test_what_comes_later_changes_nothing(tmp_path_factory, tweets, bars, until):
    end = START + until * QUARTER
    folder = tmp_path_factory.mktemp("gold")
    columns = ["asset", "starts_at", "tweets", "sentiment", "price", "return"]
    first = gold(folder, tweets, bars)
    changed = [
        bar if START + bar[1] * timedelta(minutes=5) + QUARTER <= end else (*bar[:2], bar[2] * 7)
        for bar in bars
    ]
    second = gold(folder, tweets, changed)
    early = [rows.loc[rows["ends_at"] <= end, columns] for rows in (first, second)]
    pd.testing.assert_frame_equal(*early)


def test_silent_windows_between_tweets_count_as_none(tmp_path):
    gold(tmp_path, [("BTC", 0, 2, 1), ("BTC", 3600, 0, 1)], [("BTC", 3 * n, 5.0) for n in range(9)])
    ((asset, rows),) = each_asset(tmp_path / "gold.parquet", 15)
    assert asset == "BTC"
    assert rows["tweets"].tolist() == [1, 0, 0, 0, 1]
    panel, index = load_panel(tmp_path / "gold.parquet", MarketParams())
    assert panel.impulses["sentiment"].ravel().tolist() == [1, 0, 0, 0, -1]
    assert len(index) == 5
    assert panel.windows.tolist() == [2]


def test_without_prices_there_is_no_panel(tmp_path):
    gold(tmp_path, [("BTC", 0, 2, 1)], [])
    panel, index = load_panel(tmp_path / "gold.parquet", MarketParams())
    assert (panel.assets, len(index)) == ((), 0)
