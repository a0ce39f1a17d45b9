"""Prices: the forms they come in, and what is wrong with them."""

import duckdb
import pytest

from vouch.core.errors import VouchError
from vouch.studies.market.assets import load_assets
from vouch.studies.market.prices import load_prices

BINANCE = """date,open,close,Return,Return_sign
2022-01-01 00:00:00,46216.93,46332.51,0.0025,1
2022-01-01 00:15:00,46332.52,46375.42,0.0009,1
2022-01-01 00:30:00,46375.41,46200.00,-0.003,0
"""


@pytest.fixture
def load(tmp_path):
    def run(text, name="BTCUSDT_15m.csv", asset=None):
        path = tmp_path / name
        path.write_text(text)
        connection = duckdb.connect()
        told = load_prices(connection, path, load_assets(), asset, 15)
        return told, connection.sql("FROM bars ORDER BY asset, begins_at").fetchall()

    return run


def test_a_file_of_one_pair_is_named_by_its_file(load):
    told, bars = load(BINANCE)
    assert (told["rows"], told["assets"], told["volume"]) == (3, ["BTC"], False)
    assert [str(bar[2])[11:16] for bar in bars] == ["00:15", "00:30", "00:45"]
    assert bars[0][3:5] == (46216.93, 46332.51)


def test_assets_by_column_zones_and_volume(load):
    told, bars = load(
        "Time,Symbol,Open,Close,Volume\n2022-01-01T01:00:00+01:00,ETH-USD,1,2,5\n"
        "2022-01-01T00:05:00Z,ethusdt,2,3,6\n2022-01-01 00:00:00,FOO,2,3,6\n",
        "p.csv",
    )
    assert told["assets"] == ["ETH", "FOO"]
    assert told["bar_minutes"] == 5
    assert [(str(b[1]), b[5]) for b in bars if b[0] == "ETH"] == [
        ("2022-01-01 00:00:00", 5.0),
        ("2022-01-01 00:05:00", 6.0),
    ]


def test_the_asset_may_be_told(load):
    assert load(BINANCE, "p.csv", "doge")[0]["assets"] == ["DOGE"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,open\n2022-01-01,1\n", "no column for close; the file has: date, open"),
        (BINANCE.replace("46332.52", "dear"), "row 2: open: 'dear' is not a price"),
        (BINANCE.replace("46200.00", "-1"), "row 3: close: '-1' is not a price"),
        (BINANCE.replace("2022-01-01 00:30:00", "half past"), "row 3: time: 'half past'"),
        (BINANCE.replace("00:30:00", "00:15:00"), "two prices of BTC at 2022-01-01 00:15:00"),
        (BINANCE.replace("00:15:00", "01:00:00").replace("00:30", "02:00"), "every 60 minutes"),
        ("date,open,close\n2022-01-01,1,2\n", "fewer than two prices"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_named(load, text, message):
    with pytest.raises(VouchError, match=message):
        load(text)


def test_an_unknown_name_asks_for_the_asset(load):
    with pytest.raises(VouchError, match="no asset is called 'quotes'") as told:
        load(BINANCE, "quotes.csv")
    assert "--price-asset" in told.value.hint


def test_a_file_that_is_not_there():
    with pytest.raises(VouchError, match="no such file"):
        from pathlib import Path

        load_prices(duckdb.connect(), Path("nowhere.csv"), load_assets(), None, 15)
