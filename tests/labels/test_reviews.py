"""Decisions keep what people meant when a declaration numbers or maps its classes anew."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.labels.reviews import SCHEMA, DecisionWords, numbered

EARLY = ["negative", "neutral", "positive"]
NAMES = [*EARLY, "joy"]
DECIDED = st.lists(st.sampled_from([0, 1, 2, *NAMES]), max_size=20)
"""Words, or the numbers alone that early batches have."""


def batch(decided: list[int | str]) -> pa.Table:
    rows = [
        {"label": 9, "class_name": each} if isinstance(each, str) else {"label": each}
        for each in decided
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


@given(DECIDED, st.lists(st.sampled_from([0, 1, 2, None]), min_size=4, max_size=4))
def test_a_decision_has_the_present_class_of_its_word(decided, classes):
    words = dict(zip(NAMES, classes, strict=True))
    rows = numbered(batch(decided), DecisionWords(words, EARLY), Path("reviews"))
    assert rows.schema == SCHEMA
    numbers = [words[each if isinstance(each, str) else EARLY[each]] for each in decided]
    assert rows["label"].to_pylist() == [number for number in numbers if number is not None]
    assert numbered(batch(decided), None, Path("reviews")) == batch(decided)


def test_a_class_that_is_gone_is_named():
    words = DecisionWords({name: n for n, name in enumerate(EARLY)}, EARLY)
    with pytest.raises(VouchError, match="reviews: people decided for the class 'joy'") as caught:
        numbered(batch(["negative", "joy"]), words, Path("reviews"))
    assert "values: {joy: ..., ...}" in caught.value.hint
