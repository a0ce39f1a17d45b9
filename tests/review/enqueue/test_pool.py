import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.review.enqueue.pool import permanent, pool

PAYMENTS = pd.DataFrame(
    {
        "id": ["a", "b"],
        "score_0": [0.1, 0.6],
        "score_1": [0.9, 0.4],
        "rule": [0, 1],
        "amount": [100.0, 10.0],
    }
)
TEXTS = pd.DataFrame(
    {"id": ["a"], "score_0": [0.5], "score_1": [0.2], "score_2": [0.3], "rule": [2], "twin": ["t"]}
)


def test_payments_are_measured_by_hand():
    found = pool(PAYMENTS, "fraud", {"b"}, 3)
    assert found["margin"].round(9).tolist() == [0.8, 0.2]
    assert found["value"].tolist() == [90.0, 4.0]
    assert found["disagreement"].round(9).tolist() == [0.9, 0.6]
    assert found["taken"].tolist() == [False, True]
    assert found["twin"].isna().all()


def test_texts_are_measured_by_hand():
    (found,) = pool(TEXTS, "sentiment", set(), 3).to_dict("records")
    assert round(found["margin"], 9) == 0.2
    assert round(found["disagreement"], 9) == 0.7
    assert np.isnan(found["value"])
    assert found["twin"] == "t"


def test_the_last_days_are_counted_from_the_newest_row():
    times = pd.to_datetime(["2024-01-01 00:00", "2024-01-04 00:00"])
    dated = PAYMENTS.assign(time=times)
    assert pool(dated, "fraud", set(), 3.5)["recent"].tolist() == [True, True]
    assert pool(dated, "fraud", set(), 3)["recent"].tolist() == [False, True]
    assert not pool(PAYMENTS, "fraud", set(), 3)["recent"].any()


def test_a_row_without_a_rule_disagrees_with_nothing():
    assert pool(PAYMENTS.assign(rule=None), "fraud", set(), 3)["disagreement"].isna().all()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text(max_size=5), min_size=1, unique=True))
def test_permanent_numbers_depend_on_the_row_alone(names):
    together = permanent(pd.Series(names), "fraud")
    assert ((together > 0) & (together < 1)).all()
    assert permanent(pd.Series(names[::-1]), "fraud").tolist() == together[::-1].tolist()


def test_like_what_people_found_counts_by_what_the_model_does_not_see():
    found = pool(PAYMENTS.assign(similar=[0.5, 0.0]), "fraud", set(), 3)["similar"]
    assert round(found[0], 9) == 0.05  # half as likely as anything, which the model sees by .9
    assert np.isnan(found[1])
    assert pool(PAYMENTS, "fraud", set(), 3)["similar"].isna().all()


def test_rows_with_a_better_label_than_the_rules_are_settled():
    for source, better in (("rule", False), (None, False), ("chargeback", True), ("given", True)):
        found = pool(PAYMENTS.assign(label_source=source), "fraud", set(), 3)
        assert found["settled"].tolist() == [better, better]
    assert not pool(PAYMENTS, "fraud", set(), 3)["settled"].any()
