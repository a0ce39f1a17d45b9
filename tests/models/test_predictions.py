"""Classes of probabilities, in memory and in SQL."""

import duckdb
import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.predictions import (
    AtLeast,
    Likeliest,
    decision_at,
    probabilities,
    score_columns,
    scored_names,
)

PROBABILITIES = st.integers(2, 12).flatmap(
    lambda classes: st.lists(
        st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=classes, max_size=classes),
        min_size=1,
        max_size=9,
    )
)


@settings(deadline=None, max_examples=40)
@given(PROBABILITIES, st.sampled_from([None, 0.0, 0.25, 0.4, 1.0]))
def test_a_row_has_the_same_class_in_memory_and_in_sql(rows, threshold):
    decide = decision_at(threshold)
    frame = pd.DataFrame(rows, columns=score_columns(len(rows[0])))
    classes, surest = decide.sql(list(frame)), decide.surest(list(frame))

    by_sql = duckdb.sql(f"SELECT {classes} AS class, {surest} AS sure FROM frame").df()

    expected = [
        int(row[1] >= threshold) if threshold is not None else row.index(max(row)) for row in rows
    ]
    assert decide.classes(probabilities(frame)).tolist() == by_sql["class"].tolist() == expected
    assert by_sql["sure"].tolist() == [max(r) if threshold is None else r[1] for r in rows]


def test_the_columns_of_predictions_come_in_the_order_of_the_classes():
    columns = [*score_columns(11)[::-1], "score", "scored", "label"]
    assert scored_names(columns) == score_columns(11)


def test_predictions_of_early_versions_are_read():
    early = pd.DataFrame({"score": [0.9, 0.4]})
    np.testing.assert_allclose(probabilities(early), [[0.1, 0.9], [0.6, 0.4]])


def test_the_rule_is_that_of_the_evaluation():
    assert decision_at(0.25) == AtLeast(0.25)
    assert decision_at(None) == Likeliest()


def test_no_row_has_no_class():
    assert Likeliest().classes(np.empty((0, 3))).tolist() == []
    assert AtLeast(0.5).classes(np.empty((0, 2))).tolist() == []
