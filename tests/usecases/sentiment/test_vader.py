import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.engine import connect
from vouch.usecases.sentiment.vader import SCORES, classify, scores


@pytest.mark.parametrize(
    ("text", "sign"),
    [("I love this", 1), ("I hate this", -1), ("the chart is here", 0), ("😍", 1), ("", 0)],
)
def test_scores_have_their_sign(text, sign):
    assert np.sign(scores([text])[0, 3]) == sign


def test_capitals_negation_and_emoji_are_read():
    found = scores(["I love it", "I LOVE it!!", "I do not love it", "😍", "", "the table"])
    assert found.dtype == np.float32
    assert found.shape == (6, len(SCORES))
    compound = found[:, 3]
    assert compound[1] > compound[0] > 0.3 > 0 > compound[2]
    assert compound[3] > 0.3
    assert found[4].tolist() == [0, 0, 0, 0]
    assert found[5].tolist() == [0, 1, 0, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=50), max_size=5))
def test_every_text_has_scores_of_its_own(texts):
    found = scores(texts)
    assert np.isfinite(found).all()
    assert (np.abs(found) <= 1).all()
    for text, row in zip(texts, found, strict=True):
        np.testing.assert_array_equal(scores([text])[0], row)


def test_a_long_text_is_read_in_part():
    text = "good but " * 5_000
    np.testing.assert_array_equal(scores([text + "I hate it"]), scores([text]))
    assert scores([text])[0, 3] > 0.5


def test_classes_by_threshold():
    texts = ["I love this", "a chart", None, "I hate this", "okay"]
    with connect(threads=1) as engine:
        rows = engine.create_table("t", ibis.memtable({"n": range(5), "text": texts}), temp=True)
        asked = rows.select("n", low=classify(rows.text, 0.05), high=classify(rows.text, 0.6))
        found = engine.to_pandas(asked.order_by("n"))
    assert found["low"].tolist() == [2, 1, 1, 0, 2]
    assert found["high"].tolist() == [2, 1, 1, 1, 1]
    assert str(found["low"].dtype) == "int8"
