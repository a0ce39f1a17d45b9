import ibis
import pandas as pd
import pytest

from tests.stages.extract.conftest import compute, declare
from vouch.usecases.fraud.features.plain import observe
from vouch.usecases.fraud.features.table import features

COLUMNS = {
    "type": {"role": "category"},
    "money": {"role": "amount"},
    "Score No": {"role": "number"},
    "o1": {"role": "payer_balance_before"},
    "o2": {"role": "payer_balance_after"},
    "d1": {"role": "payee_balance_before"},
    "d2": {"role": "payee_balance_after"},
}
NAMES = [
    "id",
    "type",
    "amount",
    "score_no",
    "payer_balance_before",
    "payer_balance_after",
    "payee_balance_before",
    "payee_balance_after",
]


def run(engine, *rows, values=None):
    schema = dict.fromkeys(NAMES, "float64") | {"id": "string", "type": "string"}
    table = ibis.memtable(pd.DataFrame(rows, columns=NAMES), schema=ibis.schema(schema))
    return compute(engine, *features(table, declare(COLUMNS), values=values or {"type": []}))


def test_balances_tell_what_the_amount_does_not_explain(engine):
    got = run(engine, ("a", "x", 10.0, 7.0, 10.0, 0.0, 5.0, 15.0), ("b", "x", 10, 1, 4, 0, 0, 0))
    clean, fraud = got.loc["a"], got.loc["b"]
    assert clean[["payer_balance_error", "payee_balance_error"]].to_list() == [0, 0]
    assert (
        clean[["payer_drained", "payer_whole_balance", "payer_amount_share"]].to_list() == [1] * 3
    )
    assert fraud[["payer_balance_error", "payee_balance_error"]].to_list() == [6, -10]
    assert fraud[["payer_shortfall", "payee_empty", "payer_whole_balance"]].to_list() == [6, 1, 0]
    assert pd.isna(fraud["payee_amount_share"])
    assert got["number_score_no"].to_list() == [7, 1]


def test_a_difference_of_large_balances_is_computed_before_it_is_rounded(engine):
    got = run(engine, ("a", "x", 1.0, 0, 90_000_001.0, 90_000_000.0, 0, 0))
    assert got.loc["a", "payer_balance_error"] == 0
    assert got.loc["a", "payer_balance_change"] == -1


def test_categories_become_one_column_a_value_whatever_is_seen(engine):
    rows = [("a", "Cash out", 1, 1, 1, 1, 1, 1), ("b", None, 1, 1, 1, 1, 1, 1)]
    got = run(engine, *rows, values={"type": ["Cash out", "cash-out", "x"]})
    columns = [name for name in got if name.startswith("type_")]
    assert columns == ["type_cash_out", "type_cash_out_1", "type_x"]
    assert got[columns].to_numpy().tolist() == [[1, 0, 0], [0, 0, 0]]


def test_the_commonest_values_are_observed():
    frame = pd.DataFrame({"type": [f"v{n:02}" for n in range(50) for _ in range(n)]})
    seen = observe(ibis.memtable(frame), declare(COLUMNS))
    assert seen == {"type": [f"v{n:02}" for n in range(18, 50)]}


@pytest.mark.parametrize("value", [float("nan"), None, 1e300])
def test_what_cannot_be_a_float32_is_undefined(engine, value):
    got = run(engine, ("a", "x", 1, value, 1, 1, 1, 1))
    assert pd.isna(got.loc["a", "number_score_no"])
