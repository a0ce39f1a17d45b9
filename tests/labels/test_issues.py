from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from tests.labels.conftest import START, declare, issues, silver
from vouch.core.errors import VouchError

USE = ("rule", "chargeback")
RULE = {"name": "big", "where": "amount > 100"}


def stored(engine, rows):
    return engine.create_table(ibis.util.gen_name("silver"), rows, temp=True)


def issue(engine, rows, use=USE, **changes):
    table = issues(stored(engine, silver(rows)), declare(**changes), use)
    return engine.to_pandas(table.order_by("issued_at", "entity", "source"))


def test_rule_speaks_at_once_and_truth_after_a_fixed_delay(engine):
    truth = {"delay": {"mean": "7d"}}
    found = issue(engine, [("a", 0, 500.0, 0), ("b", 5, 1.0, 1)], rule=RULE, truth=truth)
    rule, charge = (found[found.source == s].set_index("entity") for s in USE)
    assert rule.label.to_dict() == {"a": 1, "b": 0}
    assert set(rule.actor) == {"big"}
    assert charge.label.to_dict() == {"a": 0, "b": 1}
    assert rule.issued_at["b"] == START + timedelta(minutes=5)
    assert charge.issued_at["b"] == START + timedelta(days=7, minutes=5)


def test_without_a_label_column_the_rule_is_alone(engine):
    rows = silver([("a", 0, 500.0, 0)]).drop("label")
    found = engine.to_pandas(issues(stored(engine, rows), declare(rule=RULE), USE))
    assert list(found.source) == ["rule"]


def test_with_neither_there_are_no_issues_but_their_columns(engine):
    rows = silver([("a", 0, 500.0, 0)]).drop("label")
    found = engine.to_pandas(issues(rows, declare(), USE))
    assert len(found) == 0
    assert {"entity", "label", "issued_at", "in_force"} <= set(found)


def test_a_row_without_a_value_gets_no_truth(engine):
    found = issue(engine, [("a", 0, 1.0, None), ("b", 1, 1.0, 0)])
    assert list(found.entity) == ["b"]


def test_sources_not_in_use_are_kept_out_of_force(engine):
    found = issue(engine, [("a", 0, 500.0, 0)], use=("chargeback",), rule=RULE)
    assert found.set_index("source").in_force.to_dict() == {"rule": False, "chargeback": True}


def test_exponential_delays_have_the_declared_mean_and_repeat(engine):
    rows = [(f"row{n}", 0, 1.0, 0) for n in range(4000)]
    truth = {"delay": {"distribution": "exponential", "mean": "24h"}}
    first, again = (issue(engine, rows[::step], truth=truth) for step in (1, -1))
    pd.testing.assert_frame_equal(first, again)
    hours = (first.issued_at - START).dt.total_seconds() / 3600
    assert hours.mean() == pytest.approx(24, rel=0.06)
    assert np.percentile(hours, 50) == pytest.approx(24 * np.log(2), rel=0.08)
    assert hours.min() > 0


def test_a_corrected_label_replaces_one_that_never_arrived(engine):
    fixed = START + timedelta(days=1)
    rows = [("a", 0, 1.0, 1, {"superseded_at": fixed}), ("a", 0, 1.0, 0, {"known_at": fixed})]
    found = issue(engine, rows, truth={"delay": {"mean": "7d"}})
    assert list(found.label) == [0]
    assert list(found.issued_at) == [START + timedelta(days=7)]


def test_a_label_corrected_after_it_arrived_stays_and_is_followed(engine):
    fixed = START + timedelta(days=9)
    rows = [("a", 0, 1.0, 1, {"superseded_at": fixed}), ("a", 0, 1.0, 0, {"known_at": fixed})]
    found = issue(engine, rows, truth={"delay": {"mean": "7d"}})
    assert list(found.label) == [1, 0]
    assert list(found.issued_at) == [START + timedelta(days=7), fixed]


@pytest.mark.parametrize(
    ("where", "message", "hint"),
    [
        ("amout > 100", "no column 'amout'", "did you mean 'amount'?"),
        ("amount >", "not an SQL condition", ""),
        ("amount > 1) OR (", "not an SQL condition", ""),
        ("amount + nosuch(1) > 2", "may not hold nosuch(…)", "functions of single values"),
        ("read_text('/etc/passwd') is null", "may not hold read_text(…)", ""),
        ("amount > (select count(*) from read_text('/etc/passwd'))", "may not hold", ""),
        ("exists (from '/etc/passwd')", "", ""),
        ("count(*) over () > 1", "may not hold", ""),
        ("getenv('HOME') = 'x'", "may not hold getenv(…)", ""),
        ("Label = 1", "'Label' is not known when the row is", "amount"),
        ("amount > 1 or known_at is null", "'known_at' is not known when", "amount"),
    ],
)
def test_a_wrong_rule_names_file_rule_and_column(engine, where, message, hint):
    with pytest.raises(VouchError) as caught:
        issue(engine, [("a", 0, 1.0, 0)], rule={"name": "big", "where": where})
    assert "data/sources/shop.yaml: rule 'big': where:" in str(caught.value)
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_a_rule_over_missing_values_says_no(engine):
    found = issue(engine, [("a", 0, None, None)], rule=RULE)
    assert list(found.label) == [0]
