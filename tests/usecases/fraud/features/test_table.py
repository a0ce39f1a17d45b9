import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.extract import oracle
from tests.stages.extract.conftest import at, compute, declare, history, labels
from vouch.engine import connect
from vouch.usecases.fraud.features.table import features

WINDOWS = (3, 10)
HISTORIES = ("payer_windows", "payee_windows", "habits", "risk")
ROW = st.tuples(
    st.integers(0, 30),  # minute: small, so that ties are common
    st.sampled_from("ABC"),
    st.sampled_from("XYZ"),
    st.integers(1, 40).map(lambda n: n / 4),
)
ISSUE = st.tuples(
    st.integers(0, 39),  # which row
    st.integers(0, 1),
    st.sampled_from(["rule", "chargeback", "chargeback", "reviewer"]),
    st.integers(0, 12),  # delay in minutes
    st.booleans() | st.just(True),
)


@st.composite
def worlds(draw):
    """Rows, and issues that come a drawn delay after their row."""
    drawn = draw(st.lists(ROW, min_size=1, max_size=40))
    rows = [(f"r{number:02}", *row) for number, row in enumerate(drawn)]
    issues = [
        (rows[number][0], label, source, rows[number][1] + delay, in_force)
        for number, label, source, delay, in_force in draw(st.lists(ISSUE, max_size=40))
        if number < len(rows)
    ]
    return rows, issues


def run(rows, issues, groups=HISTORIES):
    with connect(threads=1) as engine:
        table, found = features(history(rows), declare(), labels(issues), groups)
        return compute(engine, table, found)


@settings(max_examples=8, deadline=None)
@given(worlds())
def test_history_features_equal_the_brute_force(world):
    got = run(*world)
    wanted = pd.DataFrame.from_dict(oracle.features(*world, WINDOWS), orient="index").sort_index()
    assert set(got.columns) == set(wanted.columns)
    for name in wanted:
        np.testing.assert_allclose(
            got[name].to_numpy(float),
            wanted[name].to_numpy(float),
            rtol=1e-4,
            atol=1e-5,
            err_msg=name,
        )


@settings(max_examples=4, deadline=None)
@given(worlds(), st.integers(0, 25))
def test_what_comes_later_changes_nothing(world, minute):
    rows, issues = world
    kept = [row for row in rows if row[1] <= minute]
    if not kept:
        return
    names = {row[0] for row in kept}
    known = [issue for issue in issues if issue[0] in names and issue[3] <= minute]
    groups = ("amount", "time", *HISTORIES)
    whole, part = run(rows, issues, groups), run(kept, known, groups)
    pd.testing.assert_frame_equal(whole.loc[sorted(names)], part, check_exact=True)


@settings(max_examples=4, deadline=None)
@given(worlds(), st.data())
def test_a_row_never_sees_its_own_label(world, data):
    rows, issues = world
    name = data.draw(st.sampled_from([row[0] for row in rows]))
    turned = [(e, 1 - label if e == name else label, *rest) for e, label, *rest in issues]
    pd.testing.assert_frame_equal(run(rows, issues).loc[[name]], run(rows, turned).loc[[name]])


def test_a_fixed_delay_gives_the_handbooks_shifted_windows(engine):
    rows = [(f"r{n}", n, "A", "X", 1.0) for n in range(12)]
    delay, window = 4, 3
    issues = [(f"r{n}", n % 2, "chargeback", n + delay, True) for n in range(12)]
    table, found = features(history(rows), declare(), labels(issues), ("risk",))
    got = compute(engine, table, found)
    for n in range(12):
        shifted = [m for m in range(12) if n - delay - window < m <= n - delay]
        assert got.loc[f"r{n}", "payee_known_3m"] == len(shifted)
        assert got.loc[f"r{n}", "payee_frauds_3m"] == sum(m % 2 for m in shifted)


def test_parties_without_history_get_none_of_its_groups(engine):
    columns = {
        "when": {"role": "time"},
        "from": {"role": "payer", "history": False},
        "to": {"role": "payee", "history": False},
        "money": {"role": "amount"},
        "bad": {"role": "label"},
    }
    rows = history([("a", 0, "A", "X", 1.0)])
    _, found = features(rows, declare(columns), labels([]))
    assert {feature.group for feature in found} == {"amount", "time"}


def test_only_the_party_with_history_gets_it(engine):
    columns = {
        "when": {"role": "time"},
        "from": {"role": "payer", "history": False},
        "to": {"role": "payee"},
        "money": {"role": "amount"},
        "bad": {"role": "label"},
    }
    table, found = features(history([("a", 0, "A", "X", 1.0)]), declare(columns), labels([]))
    assert {f.group for f in found} == {"amount", "time", "payee_windows", "risk"}
    assert not any(f.name.startswith("payer") for f in found)
    assert len(compute(engine, table, found)) == 1


def test_without_time_a_row_speaks_for_itself_alone(engine):
    rows = history([("a", 0, "A", "X", 2.5)]).drop("time")
    table, found = features(rows, declare(), labels([]))
    assert [feature.name for feature in found] == ["amount", "amount_log"]
    assert compute(engine, table, found).loc["a", "amount"] == 2.5


def test_a_missing_payer_has_no_history_and_keeps_its_row(engine):
    rows = [("a", 0, None, "X", 1.0), ("b", 1, None, "X", 1.0), ("c", 1, "A", "X", 1.0)]
    table, found = features(history(rows), declare(), labels([]))
    got = compute(engine, table, found)
    assert list(got.index) == ["a", "b", "c"]
    assert got.loc[["a", "b"], "payer_count_3m"].isna().all()
    assert got.loc["b", "payee_count_3m"] == 2


def test_columns_are_float32_and_groups_can_be_left_out(engine):
    table, found = features(history([("a", 0, "A", "X", 1.0)]), declare(), None, ("time",))
    assert [feature.name for feature in found] == ["hour", "weekend", "night"]
    assert {str(table.schema()[f.name]) for f in found} <= {"float32", "!float32"}


@pytest.mark.parametrize("minute", [0, 1])
def test_a_label_of_the_very_moment_is_known_after_it(engine, minute):
    rows = history([("a", 0, "A", "X", 1.0), ("b", minute, "A", "X", 1.0)])
    table, found = features(rows, declare(), labels([("a", 1, "chargeback", 0, True)]))
    assert compute(engine, table, found).loc["b", "payer_frauds_3m"] == minute


def test_times_of_day(engine):
    # 2024-01-01 was a Monday
    rows = [("mon", 6 * 60, "A", "X", 1.0), ("sat", 5 * 1440 + 7 * 60, "A", "X", 1.0)]
    assert at(5 * 1440).strftime("%a") == "Sat"
    table, found = features(history(rows), declare(), None, ("time",))
    got = compute(engine, table, found)
    assert got.loc["mon"].to_list() == [6, 0, 1]
    assert got.loc["sat"].to_list() == [7, 1, 0]
