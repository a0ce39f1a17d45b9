"""``vouch market``, from files to a page."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.browser import check_layout
from tests.project import vouch
from vouch.cli import app
from vouch.core.errors import VouchError
from vouch.core.files import read_json

REAL = os.environ.get("VOUCH_REAL_DATA", "")
FILES = ("bronze", "silver", "gold", "alerts")


@pytest.fixture(scope="module")
def scores(generated, tmp_path_factory) -> Path:
    """The true classes, as a model would write them that never errs."""
    tweets = pd.read_csv(generated[0])
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    told = tweets[["id", "true_label"]].rename(columns={"true_label": "prediction"})
    told.assign(score_2=0.5).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def told(checkout, generated, scores, tmp_path_factory):
    out = tmp_path_factory.mktemp("market") / "out"
    tweets, prices = map(str, generated)
    done = vouch(
        checkout, "market", "--tweets", tweets, "--prices", prices, "--scores", str(scores),
        "--out", str(out), "--json", str(out / "told.json"),
        "--alerts", "activity=4", "--lags", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, out


def test_the_effect_is_told(told, generated):
    said, out = told
    assert "An effect of sentiment on price is found: 2 windows (30 minutes) after" in said
    found = read_json(out / "told.json")
    assert found["conclusion"][0] in said
    assert found["sentiment"] == "the predictions in scores.csv"
    assert found["tweets"]["source"] == "tweets"
    assert (found["tweets"]["rows"], found["tweets"]["unclassed"]) == (3_000, 0)
    true = pd.read_csv(generated[0])["true_label"].value_counts().to_dict()
    assert found["tweets"]["classes"] == true
    assert found == read_json(out / "market.json")


def test_every_table_is_there_and_adds_up(told):
    _, out = told
    tables = {name: pd.read_parquet(out / f"{name}.parquet") for name in FILES}
    assert len(tables["bronze"]) == 3_000
    assert "arrived_at" in tables["bronze"]
    counted = tables["silver"].dropna(subset=["asset", "class"])
    assert tables["gold"]["tweets"].sum() == len(counted)
    assert tables["gold"]["sentiment"].sum() == (counted["class"] - 1).sum()
    assert len(tables["alerts"]) == len(read_json(out / "market.json")["alerts"])
    late = tables["gold"]["price_known_at"] > tables["gold"]["ends_at"]
    assert not late.any()


def test_the_page_is_whole_and_loads_nothing(told):
    page = (told[1] / "report.html").read_text()
    assert page.count("<img ") == 8
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "nan" not in re.sub(r'src="[^"]*"', "", page).lower().split()
    for section in ("summary", "data", "texts", "time", "effect", "alerts", "method"):
        assert f'id="{section}"' in page
        assert f'href="#{section}"' in page


def test_vader_is_the_rule_without_scores(checkout, generated, tmp_path, monkeypatch):
    monkeypatch.chdir(checkout)
    small = pd.read_csv(generated[0]).head(1_000)
    small.loc[0, "text"] = "<script>alert(1)</script> $BTC <b>great</b>"
    small.to_parquet(tmp_path / "small.parquet")
    words = ["--tweets", str(tmp_path / "small.parquet"), "--prices", str(generated[1])]
    done = CliRunner().invoke(
        app, ["market", *words, "--out", str(tmp_path / "o"), "--lags", "1", "--source", "tweets"]
    )
    assert done.exit_code == 0, done.output
    assert "VADER's rule: compound score from 0.05" in done.output
    assert "<script" not in (tmp_path / "o/report.html").read_text()
    silver = pd.read_parquet(tmp_path / "o/silver.parquet")
    assert set(silver["class"]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lags", "0"], "--lags"),
        (["--alpha", "2"], "--alpha"),
        (["--alerts", "volume=3"], "'volume'"),
        (["--assets", "none.yaml"], "none.yaml: no such file"),
        (["--source", "cards"], "role 'text'"),
    ],
)
def test_a_mistake_is_told(checkout, generated, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(checkout)
    words = ["--tweets", str(generated[0]), "--prices", str(generated[1]), "--out", str(tmp_path)]
    done = CliRunner().invoke(app, ["market", *words, *options])
    assert isinstance(done.exception, VouchError)
    assert message in str(done.exception)


def test_tweets_about_nothing_in_the_table_are_told(checkout, generated, tmp_path, monkeypatch):
    monkeypatch.chdir(checkout)
    (tmp_path / "t.csv").write_text("time,text\n2024-01-01,good morning\n2024-01-02,good night\n")
    (tmp_path / "file").touch()
    words = ["market", "--tweets", str(tmp_path / "t.csv"), "--prices", str(generated[1]), "--out"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "o")])
    assert "none of its 2 tweets has an asset" in str(done.exception)
    assert "is a file" in str(CliRunner().invoke(app, [*words, str(tmp_path / "file")]).exception)


@pytest.mark.skipif(not REAL, reason="VOUCH_REAL_DATA is not set: no real tweets and prices")
def test_real_tweets_overlap_too_little_with_real_prices(checkout, tmp_path):
    folder = Path(REAL) / "crypto"
    done = vouch(
        checkout, "market", "--tweets", str(folder / "crypto_tweets.csv"),
        "--prices", str(folder / "BTCUSDT_15m.csv"), "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Too few windows overlap to conclude anything" in done.stdout
    told = read_json(tmp_path / "out/market.json")
    assert told["tweets"]["source"] == "crypto"
    assert (told["tweets"]["rows"], told["prices"]["rows"]) == (1_199, 3_072)
    assert told["tweets"]["assets"] == ["BTC", "DOGE", "DOT", "ETH", "LTC", "USDT"]


def test_the_page_is_readable_at_every_width(told, tmp_path):
    assert check_layout((told[1] / "report.html").read_text(), tmp_path) > 3
