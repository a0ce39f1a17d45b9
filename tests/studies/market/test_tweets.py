"""Bronze and silver: the source that fits, scores, and what tweets are about."""

import json

import duckdb
import pandas as pd
import pytest

from vouch.core.errors import VouchError
from vouch.core.progress import silent
from vouch.studies.market.assets import load_assets
from vouch.studies.market.params import MarketParams
from vouch.studies.market.tweets import choose_source, read_bronze, write_silver

TWEETS = """id,time,text,author,asset,followers
1,2024-01-01 10:00:00,"I love it, great!",ann,@btc,10
2,2024-01-01 10:01:00,"$ETH and #Bitcoin are awful. Terrible, I hate it",bob,,20
3,2024-01-01 10:02:00,@btc_whale1 the meeting is at noon,cy,,
4,2024-01-01 10:03:00,solana &amp; dot https://t.co/x,di,NOBODY,5
4,2024-01-01 10:03:00,solana &amp; dot https://t.co/x,di,NOBODY,5
5,no time,broken,di,,5
"""


@pytest.fixture
def silver(checkout, tmp_path):
    def run(scores=None, name="s.csv", tweets=TWEETS):
        file = tmp_path / "tweets.csv"
        file.write_text(tweets)
        path = None
        if scores is not None:
            path = tmp_path / name
            path.write_text(scores)
        source = choose_source(checkout, file, None)
        bronze = read_bronze(source, file, tmp_path, silent)
        out = tmp_path / "silver.parquet"
        with duckdb.connect() as connection:
            told = write_silver(
                connection, bronze, path, load_assets(), out, MarketParams(), silent
            )
        return bronze, told, pd.read_parquet(out)

    return run


def test_lines_become_rows_or_rejects(silver, tmp_path):
    bronze, told, _ = silver()
    assert (bronze.source.name, bronze.lines, bronze.rows) == ("tweets_csv", 6, 5)
    assert "arrived_at" in pd.read_parquet(tmp_path / "bronze.parquet")
    rejects = pd.read_parquet(tmp_path / "rejects.parquet")
    assert rejects["reason"].str.contains("time").tolist() == [True]
    assert (told["tweets"], told["twice"], told["unmapped"]) == (4, 1, 1)
    assert told["classes"] == {"negative": 1, "neutral": 2, "positive": 1}


def test_the_column_decides_and_else_the_text(silver):
    _, _, rows = silver()
    about = rows.groupby("id")["asset"].agg(lambda found: set(found.dropna())).to_dict()
    assert about == {"1": {"BTC"}, "2": {"BTC", "ETH"}, "3": set(), "4": {"SOL"}}
    assert rows.loc[rows["id"] == "4", "text"].tolist() == ["solana & dot"]


@pytest.mark.parametrize("names", [("negative", "neutral", "positive"), ("0", "1", "2")])
def test_scores_decide_where_they_are_given(silver, names):
    low, _, high = names
    _, told, rows = silver(f"id,prediction,score_0\n1,{low},0.1\n2,{high},0.2\n3,,\n")
    classes = rows.drop_duplicates("id").set_index("id")["class"]
    assert (classes["1"], classes["2"]) == (0, 2)
    assert classes[["3", "4"]].isna().all()
    assert told["unclassed"] == 2


def test_scores_of_an_id_like_a_formula_find_their_tweet(silver):
    tweets = "id,time,text\n=1+1,2024-01-01 10:00:00,the meeting is at noon\n"
    _, told, _ = silver("id,prediction\n'=1+1,positive\n", tweets=tweets)
    assert told["classes"]["positive"] == 1


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ("id,said\n1,2\n", "no column 'prediction'"),
        ("id,prediction\n1,good\n", "prediction of '1': 'good' is no class"),
        ("id,prediction\n77,2\n", "has the id of none of the 4 tweets"),
    ],
)
def test_wrong_scores_are_named(silver, scores, message):
    with pytest.raises(VouchError, match=message):
        silver(scores)


def test_the_source_that_fits_is_found(checkout, generated, tmp_path):
    assert choose_source(checkout, generated[0], None).name == "tweets"
    lines = tmp_path / "t.jsonl"
    lines.write_text(json.dumps({"text": "a", "time": "2024-01-01"}) + "\n")
    assert choose_source(checkout, lines, None).name == "tweets_csv"
    crypto = tmp_path / "c.csv"
    crypto.write_text("crypto,tweet_id,text,retweet_count,created_at\n@btc,1,a,2,2024-01-01\n")
    assert choose_source(checkout, crypto, None).name == "crypto"


def test_a_source_that_does_not_do_is_named(checkout, tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("words,day\na,b\n")
    with pytest.raises(VouchError, match="fits no source of texts with a time"):
        choose_source(checkout, file, None)
    with pytest.raises(VouchError, match="no source 'payism'"):
        choose_source(checkout, file, "payism")
    with pytest.raises(VouchError, match="no column has the role 'text'"):
        choose_source(checkout, file, "paysim")
    with pytest.raises(VouchError, match="no such file"):
        choose_source(checkout, tmp_path / "u.csv", None)
