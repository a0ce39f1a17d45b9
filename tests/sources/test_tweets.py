"""The generator of tweets: what is declared of it holds."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from vouch.core.errors import VouchError
from vouch.sources.tweets import COLUMNS, PRICES, Market, simulate, write
from vouch.sources.tweets.market import ASSETS, BINS, unfold
from vouch.sources.tweets.phrases import FORMS, SLOTS

ROWS = 12_000


@pytest.fixture(scope="module")
def made():
    return simulate(ROWS, 1)


@pytest.fixture(scope="module")
def tweets(made) -> pd.DataFrame:
    return made[0].to_pandas()


def test_columns_and_order(made, tweets):
    table, quotes = made
    assert table.schema.equals(COLUMNS)
    assert quotes.schema.equals(PRICES)
    assert len(tweets) == ROWS
    assert tweets["id"].is_unique
    assert list(zip(tweets["time"], tweets["id"], strict=True)) == sorted(
        zip(tweets["time"], tweets["id"], strict=True)
    )
    assert sum(column.null_count for column in table.columns) == 0


def test_shares_of_forms_add_up_and_every_slot_is_known():
    known = {*SLOTS, "coin", "num", "handle"}
    for forms in FORMS:
        assert sum(form.share for form in forms) == pytest.approx(1)
        for text in (text for form in forms for text in form.texts):
            assert {part.split("}")[0] for part in text.split("{")[1:]} <= known, text


@settings(deadline=None, max_examples=5)
@given(st.integers(1_000, 3_000), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_tables(rows, seed):
    one, again = simulate(rows, seed), simulate(rows, seed)
    assert one[0].equals(again[0])
    assert one[1].equals(again[1])
    assert len(one[0]) == rows
    assert pa.compute.all(pa.compute.greater(pa.compute.utf8_length(one[0]["text"]), 0)).as_py()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_same_seed_same_bytes(tmp_path, suffix):
    paths = [(tmp_path / f"{n}{suffix}", tmp_path / f"{n}-prices{suffix}") for n in "abc"]
    for (path, quotes), seed in zip(paths, (7, 7, 8), strict=True):
        write(path, 1_000, seed, prices_path=quotes)
    for place in (0, 1):
        one, same, other = (pair[place].read_bytes() for pair in paths)
        assert one == same != other


def test_label_noise_is_the_declared_share(tweets):
    assert (tweets["label"] != tweets["true_label"]).mean() == pytest.approx(0.08, abs=1e-4)
    clean = simulate(2_000, 3, label_noise=0)[0].to_pandas()
    assert (clean["label"] == clean["true_label"]).all()


def test_confidence_tells_wrong_labels_from_right_ones(tweets):
    wrong = tweets["label"] != tweets["true_label"]
    assert tweets["label_confidence"].between(0.34, 1).all()
    assert tweets.loc[~wrong, "label_confidence"].mean() > 0.1 + (
        tweets.loc[wrong, "label_confidence"].mean()
    )


def test_tweets_are_as_untidy_as_real_ones(tweets):
    text = tweets["text"]
    shares = {
        r"https://t\.co/": (0.10, 0.25),
        r"@\w": (0.1, 0.3),
        r"[#$][A-Za-z]": (0.3, 0.7),
        "\n": (0.005, 0.1),
        '"': (0, 0.05),
        r"RT @": (0.03, 0.08),
        "[\U0001f300-\U0001faff]": (0.15, 0.6),
        "[\u0400-\u04ff\u0600-\u06ff\u3040-\u30ff]": (0.005, 0.05),
        "&amp;": (0.001, 0.05),
    }
    for pattern, (least, most) in shares.items():
        assert least <= text.str.contains(pattern).mean() <= most, pattern
    assert not text.str.contains(r"[{}]").any()
    assert text.str.len().max() <= 500


def test_authors_differ_in_volume_and_bias(tweets):
    counts = tweets["author"].value_counts()
    assert counts.iloc[0] > 10 * counts.median()
    busy = tweets[tweets["author"].isin(counts.index[:20])]
    positive = (busy["true_label"] == "positive").groupby(busy["author"]).mean()
    assert positive.max() - positive.min() > 0.25


def test_copies_keep_the_class_and_asset_of_the_original(tweets):
    said = tweets["text"].str.extract(r"RT @(\w+): (.*)$")[1]
    originals = tweets.drop_duplicates("text").set_index("text")
    copies = tweets[said.isin(originals.index)].assign(said=said).drop_duplicates("id")
    found = originals.loc[copies["said"]]
    assert len(copies) > 0.01 * ROWS
    assert (found["asset"].to_numpy() == copies["asset"].to_numpy()).mean() > 0.99
    assert (found["true_label"].to_numpy() == copies["true_label"].to_numpy()).mean() > 0.95


def test_times_come_in_bursts_over_six_weeks(tweets):
    a_bin = tweets.groupby([tweets["time"].dt.floor("15min"), "asset"]).size()
    mean = len(tweets) / (BINS * len(ASSETS))
    assert a_bin.max() > 8 * mean
    assert tweets["time"].max() - tweets["time"].min() > pd.Timedelta(days=40)


def test_a_linear_model_reads_much_of_it_and_the_lexicon_less(tweets):
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    train, test = tweets[: ROWS * 3 // 4], tweets[ROWS * 3 // 4 :]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=300),
    ).fit(train["text"], train["label"])
    linear = recall_score(test["label"], model.predict(test["text"]), average="macro")
    scores = test["text"].map(SentimentIntensityAnalyzer().polarity_scores)
    told = np.select(
        [[s["compound"] >= 0.05 for s in scores], [s["compound"] <= -0.05 for s in scores]],
        ["positive", "negative"],
        "neutral",
    )
    lexicon = recall_score(test["label"], told, average="macro")
    assert 0.65 < linear < 0.82
    assert 0.36 < lexicon < linear - 0.15


def correlation(seed, market, shift):
    """Of mood with the return so many quarters of an hour later."""
    history = unfold(np.random.default_rng(seed), 50_000, market)
    mood = history.counts[:, 0, 2] - history.counts[:, 0, 0]
    returns = history.returns[:, 0]
    if shift < 0:
        return float(np.corrcoef(mood[-shift:], returns[:shift])[0, 1])
    return float(np.corrcoef(mood[: BINS - shift], returns[shift:])[0, 1])


def test_without_an_effect_the_price_does_not_know_of_the_tweets():
    found = [correlation(seed, Market(), 1) for seed in range(20)]
    assert abs(np.mean(found)) < 0.012
    assert np.std(found) < 0.04


@pytest.mark.parametrize(("effect", "lag"), [(0.2, 1), (-0.2, 1), (0.2, 4)])
def test_a_planted_effect_has_its_sign_and_lag(effect, lag):
    market = Market(effect, lag, follow=0)
    found = {shift: correlation(2, market, shift) for shift in (1, 2, 3, 4)}
    assert found.pop(lag) * np.sign(effect) > 0.1
    assert max(map(abs, found.values())) < 0.07


def test_tweets_follow_moves():
    assert correlation(2, Market(), -1) > 0.05
    history = unfold(np.random.default_rng(2), 50_000, Market())
    volume = history.counts.sum(axis=2)[1:, 0]
    assert np.corrcoef(volume, np.abs(history.returns[:-1, 0]))[0, 1] > 0.1


def test_prices_are_whole(made):
    quotes = made[1].to_pandas()
    assert len(quotes) == BINS * len(ASSETS)
    for _, asset in quotes.groupby("asset"):
        assert (asset["open"].to_numpy()[1:] == asset["close"].to_numpy()[:-1]).all()
        assert (asset["date"].diff().dropna() == pd.Timedelta(minutes=15)).all()
    assert np.allclose(quotes["close"] / quotes["open"] - 1, quotes["return"])
    assert (quotes["close"] > 0).all()


@pytest.mark.parametrize(
    ("rows", "seed", "noise", "market", "message"),
    [
        (999, 1, 0, Market(), "rows"),
        (1_000_001, 1, 0, Market(), "rows"),
        (1_000, -1, 0, Market(), "seed"),
        (1_000, 1, 0.6, Market(), "label noise"),
        (1_000, 1, 0, Market(effect=2), "price effect"),
        (1_000, 1, 0, Market(lag=0), "price lag"),
        (1_000, 1, 0, Market(follow=2), "follow"),
    ],
)
def test_out_of_range(rows, seed, noise, market, message):
    with pytest.raises(VouchError, match=message):
        simulate(rows, seed, noise, market)


def test_the_command_writes_both_files(tmp_path):
    import typer

    from vouch.cli import own as command

    app = typer.Typer()
    command.add_to(app)
    out, quotes = tmp_path / "made" / "t.csv", tmp_path / "made" / "p.parquet"
    words = ["simulate", "tweets", "--rows", "1000", "--seed", "4", "--out", str(out)]
    told = CliRunner().invoke(app, [*words, "--prices", str(quotes), "--price-effect", "0.3"])
    assert told.exit_code == 0, told.output
    assert "1,000 tweets" in told.output
    tweets, prices = simulate(1_000, 4, market=Market(0.3))
    options = csv.ParseOptions(newlines_in_values=True)
    assert (
        csv.read_csv(out, parse_options=options)["text"].to_pylist() == tweets["text"].to_pylist()
    )
    assert parquet.read_table(quotes).equals(prices)


def test_an_unknown_suffix_leaves_nothing(tmp_path):
    with pytest.raises(VouchError, match="xlsx"):
        write(tmp_path / "t.csv", 1_000, 1, prices_path=tmp_path / "p.xlsx")
    assert not list(tmp_path.iterdir())


def test_prices_do_not_overwrite_the_tweets(tmp_path):
    with pytest.raises(VouchError, match="is the tweets' file"):
        write(tmp_path / "t.csv", 1_000, 1, prices_path=tmp_path / "x/../t.csv")
    assert not list(tmp_path.iterdir())
