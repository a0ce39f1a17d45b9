"""Clients with a history, and the declared frauds that happen to them."""

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.project import ROOT
from vouch.core.errors import VouchError
from vouch.sources.declaration import load_declaration
from vouch.sources.patterns import Pattern, Regulars
from vouch.sources.paysim import batches, simulate
from vouch.sources.paysim.parameters import STEPS, TYPES
from vouch.sources.paysim.regulars import count, draw, names

DECLARED = load_declaration(ROOT / "data/sources/simulated.yaml").simulator.regulars
ROWS = 20_000


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return simulate(ROWS, 1, regulars=DECLARED).to_pandas()


def drawn(pattern: Pattern, seed: int, rows: int = 10_000) -> pd.DataFrame:
    """The rows of a fraud that alone happens to clients."""
    made = draw(np.random.default_rng(seed), rows, Regulars(share=0.5, frauds={"it": pattern}))
    frame = pd.DataFrame({name: getattr(made.acts, name) for name in ("client", "step", "payee")})
    frame["type"] = np.array(TYPES)[made.acts.type]
    frame = frame.assign(amount=made.amount, before=made.before, after=made.after)
    return frame[made.acts.pattern == 1].reset_index(drop=True)


def test_paysims_own_rows_are_all_there_as_they_are_without_the_others(table):
    own = simulate(ROWS - count(ROWS, DECLARED), 1).to_pandas()
    assert len(table) == ROWS
    with duckdb.connect() as connection:
        connection.register("own", own)
        connection.register("whole", table)
        kept = "SELECT count(*) FROM (SELECT * FROM own INTERSECT ALL SELECT * FROM whole)"
        assert connection.execute(kept).fetchone() == (len(own),)


def test_rows_stand_by_their_hours_and_pieces_make_the_whole(table):
    assert table["step"].is_monotonic_increasing
    pieces = [piece.to_pandas() for piece in batches(ROWS, 1, regulars=DECLARED)]
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), table)


def test_rows_of_both_kinds_are_mixed_within_an_hour(table):
    regular = set(names(np.arange(count(ROWS, DECLARED)) + 5_000_000))
    busy = table[table["step"] == table["step"].mode()[0]]
    theirs = busy["nameOrig"].str[1:].astype(int).isin(regular).to_numpy()
    assert 5 < theirs.sum() < len(theirs) - 5
    assert (theirs[1:] != theirs[:-1]).sum() > 0.3 * min(theirs.sum(), (~theirs).sum())


def test_balances_follow_from_amounts_and_from_each_other():
    made = draw(np.random.default_rng(3), ROWS, DECLARED)
    frame = pd.DataFrame({"client": made.acts.client, "before": made.before, "after": made.after})
    gain = np.where(np.array(TYPES)[made.acts.type] == "CASH_IN", made.amount, -made.amount)
    assert (made.after == np.maximum(made.before + gain, 0)).all()
    assert frame["before"].ge(0).all()
    last = frame.groupby("client")["after"].shift()
    assert (frame["before"] == last)[last.notna()].all()
    shops = made.acts.type == TYPES.index("PAYMENT")
    assert not made.payee_before[shops].any() and not made.payee_after[shops].any()


def test_clients_pay_often_and_frauds_have_their_declared_shares(table):
    uses = table["nameOrig"].value_counts()
    assert uses.head(100).min() > 20
    made = draw(np.random.default_rng([1, 1]), ROWS, DECLARED)
    found = np.bincount(made.acts.pattern)[1:]
    declared = [round(pattern.share * ROWS) for pattern in DECLARED.frauds.values()]
    assert found.tolist() == declared
    own = simulate(ROWS - count(ROWS, DECLARED), 1).to_pandas()["isFraud"].sum()
    assert table["isFraud"].sum() == own + sum(declared)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.tuples(st.integers(1, 4), st.integers(4, 9)),
    within=st.integers(0, 30),
    since=st.sampled_from([0, 0.3, 0.66, 0.9]),
    hours=st.sampled_from(["usual", "any"]),
)
def test_an_events_rows_come_together_and_not_too_early(seed, rows, within, since, hours):
    pattern = Pattern(
        share=0.01,
        type="TRANSFER",
        rows=rows,
        within=within,
        since=since,
        hours=hours,
        times=(2, 3),
        payee="account",
        round_to=50,
    )
    frame = drawn(pattern, seed)
    assert len(frame) == 100
    assert frame["step"].between(round(since * STEPS) + 1, STEPS).all()
    events = frame.groupby("payee")
    assert (events["step"].max() - events["step"].min()).le(within).all()
    assert events.size().le(rows[1]).all() and (events.size() < rows[0]).sum() <= 1
    assert (frame["amount"] % 5000 == 0).all()  # cents


def test_a_chain_passes_the_money_on_and_cashes_it_out():
    pattern = Pattern(
        share=0.012, type="TRANSFER", rows=(3, 3), within=5, payee="account", chain=True
    )
    frame = drawn(pattern, 5)
    begun = frame[frame["client"] >= 0]
    assert len(begun) == 40 and set(begun["type"]) == {"TRANSFER"}
    paid_into = frame.set_index("payee")
    for row in frame[frame["client"] < 0].itertuples():
        source = paid_into.loc[-row.client]
        assert source["amount"] == pytest.approx(row.before, abs=2)
        assert row.amount < source["amount"] and source["step"] <= row.step
        assert 0 < row.after < 0.1 * row.before
    assert (frame["type"] == "CASH_OUT").sum() == 40


def test_no_two_names_are_the_same():
    numbers = np.random.default_rng(0).choice(2**31, 100_000, replace=False)
    assert len(np.unique(names(numbers))) == len(numbers)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rows", [5, 2], "rows: must be two numbers"),
        ("times", [0, 2], "times: must be two numbers"),
        ("share", 0.5, "less than or equal to 0.1"),
        ("payee", "bank", "'shop' or 'account'"),
        ("sinse", 0.5, "sinse"),
        ("payee", "shop", "chain: needs payee: account"),
    ],
)
def test_a_wrong_pattern_is_named_with_its_file(tmp_path, field, value, message):
    content = yaml.safe_load((ROOT / "data/sources/simulated.yaml").read_text())
    content["simulator"]["regulars"]["frauds"]["mules"][field] = value
    path = tmp_path / "simulated.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(VouchError, match=message) as caught:
        load_declaration(path)
    assert str(path) in str(caught.value) and "mules" in str(caught.value)


def test_more_frauds_than_half_of_the_rows_are_refused():
    with pytest.raises(ValidationError, match="more than half"):
        Regulars(share=0.1, frauds={"a": Pattern(share=0.06)})
