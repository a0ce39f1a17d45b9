import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.similarity import similarity


def table(seed, rows, shift=0.0):
    values = np.random.default_rng(seed).normal(shift, 1, (rows, 3))
    return pd.DataFrame(values, columns=list("abc"))


def test_rows_like_what_people_found_come_first_and_a_mistake_is_corrected():
    found, mistaken, denied = table(1, 8, 6), table(2, 1, -6), table(3, 8, -6)
    decided = pd.concat([found, mistaken, denied], ignore_index=True)
    labels = np.repeat([1, 0], [9, 8]).astype("int8")
    rows = pd.concat([table(4, 300), table(5, 20, 6), table(6, 20, -6)], ignore_index=True)
    values = similarity(decided, labels, table(0, 2000), rows)
    assert set(np.argsort(-values)[:20]) == set(range(300, 320))
    assert ((values >= 0) & (values <= 1)).all()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_a_row_is_measured_alone_and_the_same_each_time(seed):
    decided, others, rows = table(seed, 20, 2), table(seed + 1, 300), table(seed + 2, 40, 1)
    rows.loc[::7, "a"] = np.nan
    labels = (np.arange(20) % 3 == 0).astype("int8")
    values = similarity(decided, labels, others, rows)
    assert np.allclose(similarity(decided, labels, others, rows[::-1])[::-1], values)
    assert np.allclose(similarity(decided, labels, others, rows[:3]), values[:3])


def test_where_people_found_nothing_nothing_is_like_it():
    nothing = np.zeros(3, "int8")
    assert similarity(table(0, 3), nothing, table(1, 9), table(2, 4)).tolist() == [0] * 4
    assert similarity(table(0, 0), nothing[:0], table(1, 9), table(2, 4)).tolist() == [0] * 4
    assert similarity(table(0, 3), nothing + 1, table(1, 0), table(2, 4)).tolist() == [0] * 4
    assert len(similarity(table(0, 3), nothing + 1, table(1, 9), table(2, 0))) == 0
