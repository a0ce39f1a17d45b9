"""The table of assets."""

import pytest

from vouch.core.errors import VouchError
from vouch.studies.market.assets import load_assets


def test_the_usual_coins():
    assets = load_assets()
    for name in ("@btc", "$BTC", "#Bitcoin", "bitcoin", "XBT", "BTCUSDT", "btc-usd", "BTC/EUR"):
        assert assets.find(name) == "BTC", name
    assert assets.find("@Tether_to") == "USDT"
    assert assets.find("btc_whale1") is None
    tokens = assets.tokens()
    assert tokens["#dot"] == "DOT"
    assert "dot" not in tokens
    assert tokens["polkadot"] == "DOT"


def test_a_table_as_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("asset,name,bare\ngold,XAU,1\ngold,@bullion,0\n")
    assets = load_assets(path)
    assert assets.find("#xau") == assets.find("bullion") == "GOLD"
    assert assets.bare == {"xau"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "BTC: {bare: [btc]}\nETH: {marked: [btc]}\n", "stands for both BTC and ETH"),
        ("a.yaml", "BTC: [btc]\n", "BTC: must have bare and marked"),
        ("a.yaml", "BTC: {bare: [1]}\n", "BTC: 1 is no name"),
        ("a.yaml", "", "names no asset"),
        ("a.csv", "coin,name\nbtc,btc\n", "no column asset"),
        ("a.csv", "asset,name\nbtc,\n", "'' is no name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(VouchError, match=message):
        load_assets(path)
