"""Which decided rows of the holdout want another reviewer."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.review.enqueue.held import MOST, wanting


def votes(*counted):
    index = pd.Index([f"case-{number}" for number in range(len(counted))])
    return pd.DataFrame(list(counted), columns=range(len(counted[0])), index=index)


def test_no_word_for_a_rare_class_stands_alone():
    table = votes(*[(1, 0)] * 30, (0, 1), (0, 3))
    chosen = wanting(table, np.full(32, 0.1), 0.0, rare=True)
    assert "case-30" in chosen and "case-31" not in chosen


CALM = [(1, 0)] * 160 + [(5, 1)] * 10 + [(1, 4)] * 40


def test_what_could_be_either_wants_more_up_to_the_most():
    table = votes(*CALM, (2, 2), (MOST - 3, 3))
    chosen = wanting(table, np.full(len(table), 0.1), 0.0, rare=True)
    assert "case-210" in chosen and "case-211" not in chosen


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_their_order_tells_nothing_of_what_was_decided(counted, rare, random):
    """It is the cases' own, whatever was decided of which."""
    table = votes(*CALM, *counted)
    mixed = table.iloc[random.sample(range(len(table)), len(table))]
    chances = pd.Series(np.linspace(0.05, 1, len(table)), table.index)
    chosen = wanting(mixed, chances[mixed.index].to_numpy(), 0.2, rare=rare)
    assert chosen == [case for case in mixed.index if case in set(chosen)]


def test_a_share_is_decided_twice_and_a_tie_by_a_third():
    table = votes(*[(1, 0, 0)] * 200, (1, 1, 0), (2, 0, 0))
    chosen = wanting(table, np.full(202, 0.1), 0.2, rare=False)
    assert 20 < len(chosen) < 65 and "case-200" in chosen and "case-201" not in chosen
    assert wanting(table[:0], np.empty(0), 0.2, rare=True) == []
