"""Decisions keep their class when a declaration numbers its classes anew."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.labels.reviews import SCHEMA, numbered

NAMES = ["negative", "neutral", "positive", "joy"]
DECIDED = st.lists(st.sampled_from([None, *NAMES]), max_size=20)


def batch(names: list[str | None]) -> pa.Table:
    rows = [{"label": 7 if name is None else 9, "class_name": name} for name in names]
    return pa.Table.from_pylist(rows, SCHEMA)


@given(DECIDED, st.permutations(NAMES))
def test_a_decision_has_the_present_number_of_its_class(names, classes):
    found = numbered(batch(names), classes, Path("reviews"))
    assert found.schema == SCHEMA
    expected = [7 if name is None else classes.index(name) for name in names]
    assert found["label"].to_pylist() == expected
    assert numbered(batch(names), (), Path("reviews")) == batch(names)


def test_a_class_that_is_gone_is_named():
    with pytest.raises(VouchError, match="reviews: people decided for the class 'joy'") as caught:
        numbered(batch(["negative", "joy"]), NAMES[:3], Path("reviews"))
    assert "values: {joy: joy, ...}" in caught.value.hint
