"""Which decided rows of the holdout want another reviewer."""

import numpy as np
import pandas as pd

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
    assert chosen[0] == "case-210" and "case-211" not in chosen


def test_the_weightiest_come_first():
    table = votes(*CALM, (2, 2), (2, 2))
    chances = np.append(np.full(211, 0.1), 0.09)
    assert wanting(table, chances, 0.0, rare=True)[:2] == ["case-211", "case-210"]


def test_a_share_is_decided_twice_and_a_tie_by_a_third():
    table = votes(*[(1, 0, 0)] * 200, (1, 1, 0), (2, 0, 0))
    chosen = wanting(table, np.full(202, 0.1), 0.2, rare=False)
    assert 20 < len(chosen) < 65 and "case-200" in chosen and "case-201" not in chosen
    assert wanting(table[:0], np.empty(0), 0.2, rare=True) == []
