"""The context of texts against an oracle that looks at one pair of rows at a time."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.results.context import Context
from vouch.sources.declaration import Declaration
from vouch.usecases import find
from vouch.usecases.sentiment.context import valued

START = datetime(2024, 1, 1)
SOURCE = Declaration.model_validate(
    {
        "name": "made",
        "usecase": "sentiment",
        "format": "csv",
        "columns": {
            "number": {"role": "id"},
            "when": {"role": "time", "optional": True},
            "words": {"role": "text"},
            "who": {"role": "author", "optional": True},
        },
        "rule": {"name": "words", "lexicon": "vader"},
    }
)


def contexts(rows, without=()):
    table = pd.DataFrame(rows).drop(columns=list(without))
    table["superseded_at"] = pd.Series(pd.NaT, table.index, "datetime64[us]")
    times = [name for name in ("time", "known_at") if name in table]
    table = table.astype(dict.fromkeys(times, "datetime64[us]"))
    with TemporaryDirectory() as folder:
        table.to_parquet(path := Path(folder) / "rows.parquet")
        ids = [row["id"] for row in rows]
        return list(find("sentiment").context(SOURCE, path, ids))


def text_row(number, hours, author, text):
    time = START + timedelta(hours=hours)
    return {"id": str(number), "time": time, "text": text, "author": author, "known_at": time}


rows_of = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["ann", "bob", None]), st.text(max_size=40)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(rows_of)
def test_only_strictly_earlier_texts_of_the_author_count(given_rows):
    rows = [text_row(n, *row) for n, row in enumerate(given_rows)]
    for row, context in zip(rows, contexts(rows), strict=True):
        assert Context.model_validate(context.content()) == context
        told = {statement.label: statement for statement in context.headline}
        before = [
            each
            for each in rows
            if each["author"] == row["author"] and each["time"] < row["time"] and row["author"]
        ]
        if row["author"] is None:
            assert "Author's earlier texts" not in told
        else:
            assert told["Author's earlier texts"].value == (str(len(before)) if before else "none")
        assert context.rule.value in {"negative", "neutral", "positive"}


def test_the_rule_tells_its_words():
    rows = [text_row(1, 0, "ann", "I LOVE this, not bad at all 🎉"), text_row(2, 0, None, "")]
    first, second = contexts(rows)
    words = next(s for s in first.headline if s.label == "Words")
    assert (words.value, words.comparison) == ("7", "29 characters")
    assert (first.rule.label, first.rule.value) == ("Rule words", "positive")
    assert first.rule.comparison.endswith("love +3.2, bad -2.5")
    assert second.rule.comparison == "score +0.00 of -1 to 1, no word of its lexicon"
    assert valued("bad love bad") == [("love", 3.2), ("bad", -2.5)]


def test_a_table_of_texts_alone_gives_what_it_can():
    row = text_row(1, 0, "ann", "fine") | {"known_at": None}
    (context,) = contexts([row], without=["time", "author"])
    assert [statement.label for statement in context.headline] == ["Words"]
    assert context.time is None
