import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.novelty import novelty


def table(seed, rows, shift=0.0):
    values = np.random.default_rng(seed).normal(shift, 1, (rows, 3))
    return pd.DataFrame(values, columns=list("abc"))


def test_rows_of_another_kind_come_first():
    others = pd.concat([table(1, 500), table(2, 20, shift=6)], ignore_index=True)
    values = novelty(table(0, 5000), others, 0)
    assert set(np.argsort(-values)[:20]) == set(range(500, 520))
    assert ((values > 0) & (values < 1)).all()


def test_a_value_that_was_never_missing_is_unlike():
    learned, others = table(0, 3000), table(1, 200)
    others.loc[0] = np.nan
    values = novelty(learned, others, 0)
    assert values[0] > np.quantile(values, 0.9)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_a_row_is_judged_alone_and_the_same_each_time(seed):
    learned, others = table(seed, 300), table(seed + 1, 40)
    learned.loc[::7, "a"] = np.nan
    values = novelty(learned, others, seed)
    assert np.allclose(novelty(learned, others[::-1], seed)[::-1], values)
    assert np.allclose(novelty(learned, others[:3], seed), values[:3])


def test_without_rows_there_is_nothing_to_tell_apart():
    assert novelty(table(0, 0), table(1, 3), 0).tolist() == [0.5] * 3
    assert len(novelty(table(0, 10), table(1, 0), 0)) == 0
