import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.models.surrogate import Part
from vouch.usecases.fraud.vocabulary import Vocabulary, number

BACKGROUND = np.column_stack(
    [np.arange(1000.0), np.arange(1000) % 2, np.where(np.arange(1000) < 990, 0.0, 5.0)]
)
WORDS = Vocabulary(("amount", "night", "risk"), ("the amount", "", "risk"), BACKGROUND)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        (Part(0, 0.1), 980.0, "the amount is 980 (above 98% of rows)"),
        (Part(0, 0.1), 5000.0, "the amount is 5,000 (above all rows)"),
        (Part(0, 0.1), 10.0, "the amount is 10 (below 98.9% of rows)"),
        (Part(0, 0.1), 500.0, "the amount is 500 (as usual)"),
        (Part(0, 0.1), np.nan, "the amount is unknown"),
        (Part(1, 0.1), 1.0, "night: yes"),
        (Part(1, 0.1), 0.0, "night: no"),
        (Part(2, 0.1), 0.0, "risk is 0 (as usual)"),
        (Part(2, 0.1), 0.25, "risk is 0.25 (above 99% of rows)"),
        (Part(0, 0.1, low=None, high=249.75), 3.0, "the amount ≤ 249.8"),
        (Part(0, 0.1, low=749.25), 900.0, "the amount > 749.2"),
        (Part(0, 0.1, low=0.5, high=2.0), 1.0, "the amount in (0.5, 2]"),
        (Part(0, 0.1, scale=288.0), 980.0, "the amount is 980 (weight per 288 more)"),
    ],
)
def test_a_condition_reads_like_a_sentence(part, value, said):
    assert WORDS.condition(part, value) == said


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (1234567.891, "1,234,568"), (0.123456, "0.123"), (12.3456, "12.3"), (-4.0, "-4")],
)
def test_numbers_are_short(value, written):
    assert number(value) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_about_itself(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.006)


def test_a_column_never_known_is_said_so():
    words = Vocabulary(("x",), ("",), np.full((5, 1), np.nan))
    assert words.condition(Part(0, 0.1), 3.0) == "x is 3 (seldom known)"
