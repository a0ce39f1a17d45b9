import time

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.engine import connect
from vouch.text.vader import classify, compound


@pytest.mark.parametrize(
    ("text", "sign"),
    [("I love this", 1), ("I hate this", -1), ("the chart is here", 0), ("😍", 1), ("", 0)],
)
def test_scores_have_their_sign(text, sign):
    assert (compound(text) > 0) - (compound(text) < 0) == sign


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_every_text_has_a_score(text):
    assert -1 <= compound(text) <= 1


def test_a_text_of_ten_thousand_characters_takes_no_age():
    began = time.process_time()
    compound("not good but " * 770)
    assert time.process_time() - began < 5


def test_classes_by_threshold():
    texts = ["I love this", "a chart", None, "I hate this", "okay"]
    with connect(threads=1) as engine:
        rows = engine.create_table("t", ibis.memtable({"n": range(5), "text": texts}), temp=True)
        asked = rows.select("n", low=classify(rows.text, 0.05), high=classify(rows.text, 0.6))
        found = engine.to_pandas(asked.order_by("n"))
    assert found["low"].tolist() == [2, 1, 1, 0, 2]
    assert found["high"].tolist() == [2, 1, 1, 1, 1]
    assert str(found["low"].dtype) == "int8"
