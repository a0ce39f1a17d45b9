import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.models.strength import (
    ENOUGH,
    FOUND,
    MOST_FOUND,
    decided,
    filled,
    found_weight,
    judged,
    measuring,
    mixed,
    ruled,
    trains,
    weigh,
)

sources = st.lists(st.sampled_from(["rule", "given", "chargeback", "reviewer"]), max_size=20)


@given(sources)
def test_only_the_rules_rows_weigh_less(names):
    frame = pd.DataFrame({"label_source": names})
    assert ruled(frame).tolist() == [name == "rule" for name in names]
    assert mixed(frame) == ("rule" in names and set(names) != {"rule"})
    assert weigh(ruled(frame), 0.3).tolist() == [0.3 if name == "rule" else 1.0 for name in names]


def test_without_a_source_all_rows_are_alike():
    frame = pd.DataFrame({"label": [0, 1]})
    assert not ruled(frame).any()
    assert not mixed(frame)
    assert judged(frame, frame["label"].to_numpy())[0].all()


@pytest.mark.parametrize(
    ("strong", "alone"), [((ENOUGH, ENOUGH), True), ((500, ENOUGH - 1), False), ((500, 0), False)]
)
def test_candidates_are_measured_on_stronger_labels_where_they_suffice(strong, alone):
    labels = np.repeat([0, 1, 0, 1], [1000, 50, *strong])
    frame = pd.DataFrame({"label_source": ["rule"] * 1050 + ["reviewer"] * sum(strong)})
    asked, warnings = judged(frame, labels)
    assert asked.tolist() == ([not alone] * 1050 + [True] * sum(strong))
    assert len(warnings) == 1
    assert ("these alone" if alone else "no truth") in warnings[0]
    assert f"{sum(strong):,} of {len(frame):,} rows" in warnings[0]


def test_a_rare_class_needs_no_more_rows_than_it_has():
    labels = np.repeat([0, 1, 0, 1], [100, 0, 100, 5])
    frame = pd.DataFrame({"label_source": ["rule"] * 100 + ["reviewer"] * 105})
    assert judged(frame, labels)[0].sum() == 105


def test_where_truth_is_known_of_most_rows_the_rule_measures_nothing():
    labels = np.repeat([0, 1, 0, 1], [40, 2, 900, 8])
    frame = pd.DataFrame({"label_source": ["rule"] * 42 + ["chargeback"] * 908})
    measured_on, warnings = judged(frame, labels)
    assert measured_on.tolist() == [False] * 42 + [True] * 908
    assert "these alone" in warnings[0] and "people" not in warnings[0]
    assert "though only 8 of one class: a rough guide" in warnings[0]
    # without any of a class there is nothing to measure
    assert judged(frame[:942], labels[:942])[0].all()


def test_truth_measures_whether_it_may_train_or_not():
    frame = pd.DataFrame(
        {
            "label": [0, 1, None, 0],
            "label_source": ["rule", "chargeback", None, "rule"],
            "truth": [1, 1, 0, None],
        }
    )
    rows = filled(frame)
    assert trains(rows).tolist() == [True, True, False, True]
    assert rows["label"].tolist() == [0, 1, 0, 0]
    assert measuring(rows).tolist() == [1, 1, 0, 0]
    assert judged(rows, measuring(rows))[0].tolist() == [True, True, True, False]


@given(st.lists(st.tuples(st.sampled_from(["rule", "chargeback", "reviewer"]), st.booleans())))
def test_what_people_found_weighs_as_much_as_what_came_by_itself(rows):
    frame = pd.DataFrame(rows, columns=["label_source", "label"])
    weight = found_weight(frame["label"].to_numpy(bool), frame)
    assert decided(frame).tolist() == [name == "reviewer" for name, _ in rows]
    found, came = (rows.count((name, True)) for name in ("reviewer", "chargeback"))
    expected = FOUND * came / max(found, 1)
    assert weight == pytest.approx(min(max(expected, 1), MOST_FOUND))


def test_a_first_find_does_not_weigh_more_than_all():
    frame = pd.DataFrame({"label_source": ["reviewer"] + ["chargeback"] * 5000})
    assert found_weight(np.ones(5001, bool), frame) == MOST_FOUND
    assert found_weight(np.ones(5001, bool), frame[[]]) == 1
