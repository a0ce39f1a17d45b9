import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.core.cells import computed, escape, escape_table, restore, restore_table

TEXTS = st.text() | st.text(alphabet="'=+-@\t\r\n 1a＝", max_size=6)


@given(TEXTS)
def test_what_is_escaped_is_restored(text):
    assert restore(escape(text)) == text


@given(TEXTS)
def test_no_escaped_cell_begins_like_a_formula(text):
    assert escape(text).startswith("'") or not computed(text)
    assert not escape(text).lstrip(" ").startswith(("=", "@", "\t", "\r"))


@given(TEXTS)
def test_the_round_trip_holds_through_a_file(text):
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow([escape(text)])
    buffer.seek(0)
    assert restore(next(csv.reader(buffer))[0] if text else "") == text


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("x")', "+1+cmd", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "＝1"]
)
def test_what_a_spreadsheet_computes_gets_an_apostrophe(text):
    assert escape(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-5", "+4.2", "-1e-7", "plain", "a=b", "", -5, 2.5, None])
def test_numbers_and_plain_texts_stay(value):
    assert escape(value) == value


def test_a_table_comes_back_whole():
    table = pd.DataFrame({"id": ["=1+1", "b"], "n": [-1.5, 2.0], "@x": [None, "'=2"]})
    escaped = escape_table(table)
    assert escaped["id"][0] == "'=1+1" and list(escaped.columns) == ["id", "n", "'@x"]
    pd.testing.assert_frame_equal(restore_table(escaped), table)
