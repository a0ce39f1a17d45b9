"""Every published fact, with its tolerance, at half a million rows."""

import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from vouch.core.errors import VouchError
from vouch.sources.paysim import COLUMNS, batches, simulate, write
from vouch.sources.paysim.accounts import running
from vouch.sources.paysim.parameters import PUBLISHED_ROWS

ROWS = 500_000
REAL = os.environ.get("VOUCH_REAL_DATA")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return simulate(ROWS, 1).to_pandas()


@pytest.fixture(scope="module")
def frauds(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["isFraud"] == 1]


def near_share(got: float, fact: float) -> bool:
    """Within one point, or five percent of the fact."""
    return abs(got - fact) <= max(0.01, 0.05 * fact)


def written_as_moved(rows: pd.DataFrame) -> pd.Series:
    sign = np.where(rows["type"] == "CASH_IN", -1, 1)
    after = np.maximum(rows["oldbalanceDest"] + sign * rows["amount"], 0)
    return (after - rows["newbalanceDest"]).abs() < 0.005


def zero_to_zero(rows: pd.DataFrame) -> float:
    zeros = (rows["oldbalanceDest"] == 0) & (rows["newbalanceDest"] == 0) & (rows["amount"] > 0)
    return float(zeros.mean())


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("CASH_OUT", 2_237_500),
        ("PAYMENT", 2_151_495),
        ("CASH_IN", 1_399_284),
        ("TRANSFER", 532_909),
        ("DEBIT", 41_432),
    ],
)
def test_shares_of_types(table, kind, count):
    assert near_share((table["type"] == kind).mean(), count / PUBLISHED_ROWS)


def test_frauds_are_cash_outs_and_transfers_alone(table, frauds):
    assert len(table) == ROWS
    assert len(frauds) == round(8_213 * ROWS / PUBLISHED_ROWS)
    assert set(frauds["type"]) == {"CASH_OUT", "TRANSFER"}
    assert near_share((frauds["type"] == "CASH_OUT").mean(), 4_116 / 8_213)


@pytest.mark.parametrize("rows", [10_000, 37_123])
def test_fraud_share_at_every_size(rows):
    made = simulate(rows, 3).to_pandas()
    assert len(made) == rows
    assert made["isFraud"].sum() == round(8_213 * rows / PUBLISHED_ROWS)


@pytest.mark.parametrize(
    ("level", "fact"), [(0.25, 13_389.57), (0.5, 74_871.94), (0.75, 208_721.48)]
)
def test_quartiles_of_amounts(table, level, fact):
    assert table["amount"].quantile(level) == pytest.approx(fact, rel=0.05)


def test_mean_and_heavy_tail_of_amounts(table):
    assert table["amount"].mean() == pytest.approx(179_861.9, rel=0.05)
    assert table["amount"].std() == pytest.approx(603_858, rel=0.10)
    assert 2e7 < table["amount"].max() <= 92_445_516.64


@pytest.mark.parametrize(
    ("kind", "shape", "scale"),
    [
        ("CASH_IN", 1.444, 116_791),
        ("CASH_OUT", 1.455, 119_336),
        ("PAYMENT", 1.142, 11_329),
        ("DEBIT", 1.084, 3_761),
    ],
)
def test_genuine_amounts_follow_the_published_gammas(table, kind, shape, scale):
    from scipy import stats

    amounts = table.loc[(table["type"] == kind) & (table["isFraud"] == 0), "amount"]
    fit = stats.gamma(shape, scale=scale)
    levels = np.array([0.5, 0.75, 0.9, 0.95])
    # the quartiles of all amounts ask for a little more than the fits give
    assert amounts.quantile(levels).to_numpy() == pytest.approx(
        fit.ppf(levels), rel=0.06 + 2 / np.sqrt(len(amounts))
    )


def test_genuine_transfers_follow_the_published_lognormal(table):
    amounts = table.loc[(table["type"] == "TRANSFER") & (table["isFraud"] == 0), "amount"]
    assert np.log(amounts).mean() == pytest.approx(13.107, abs=0.1)
    assert np.log(amounts).std() == pytest.approx(1.201, rel=0.05)


def test_fraud_amounts(frauds):
    logs = np.log(frauds["amount"])
    assert frauds["amount"].max() == 10_000_000
    assert logs.mean() == pytest.approx(13.01, abs=0.2)
    assert logs.std() == pytest.approx(1.70, rel=0.1)
    # a few hundred frauds: the median and mean of so wide a law are known to a tenth
    assert frauds["amount"].median() == pytest.approx(441_423, rel=0.1)
    assert frauds["amount"].mean() == pytest.approx(1_467_967, rel=0.1)


def test_quartiles_of_step_and_thin_tail(table):
    assert table["step"].is_monotonic_increasing
    assert table["step"].quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx(
        [156, 239, 335], abs=2
    )
    genuine = table.loc[table["isFraud"] == 0, "step"]
    assert near_share((genuine // 24 <= 16).mean(), 0.95)
    hours = (genuine % 24).value_counts(normalize=True)
    assert hours[range(3, 8)].sum() < 0.01
    assert hours[range(9, 21)].sum() > 0.85


def test_frauds_are_flat_over_time(frauds):
    assert frauds["step"].between(1, 743).all()
    thirds = np.histogram(frauds["step"], bins=3, range=(1, 744))[0] / len(frauds)
    assert thirds == pytest.approx([1 / 3] * 3, abs=0.07)


def test_names(table, frauds):
    assert table["nameOrig"].nunique() / ROWS > 0.998
    assert table["nameOrig"].value_counts().iloc[0] <= 3
    assert near_share(table["nameDest"].nunique() / ROWS, 2_722_362 / PUBLISHED_ROWS)
    assert 30 <= table["nameDest"].value_counts().iloc[0] <= 150
    merchants = table["nameDest"].str.startswith("M")
    assert (merchants == (table["type"] == "PAYMENT")).all()
    assert (table.loc[merchants, ["oldbalanceDest", "newbalanceDest"]] == 0).all(axis=None)
    assert table["nameOrig"].str.startswith("C").all()
    transfer, cash_out = (
        set(frauds.loc[frauds["type"] == kind, ["nameOrig", "nameDest"]].to_numpy().ravel())
        for kind in ("TRANSFER", "CASH_OUT")
    )
    assert not transfer & cash_out


@pytest.mark.parametrize(
    ("column", "fact"),
    [
        ("oldbalanceOrg", 0.3304),
        ("newbalanceOrig", 0.5673),
        ("oldbalanceDest", 0.4250),
        ("newbalanceDest", 0.3834),
    ],
)
def test_zero_balances(table, column, fact):
    assert near_share((table[column] == 0).mean(), fact)


def test_arithmetic_of_the_payer(table):
    moved = table[table["isFlaggedFraud"] == 0]
    sign = np.where(moved["type"] == "CASH_IN", 1, -1)
    after = np.maximum(moved["oldbalanceOrg"] + sign * moved["amount"], 0)
    assert (after - moved["newbalanceOrig"]).abs().max() < 0.005


@pytest.mark.parametrize(
    ("kind", "empty", "too_much"),
    [("CASH_OUT", 0.46, 0.888), ("TRANSFER", 0.57, 0.967), ("PAYMENT", 0.36, 0.506)],
)
def test_payers_hold_too_little(table, kind, empty, too_much):
    rows = table[table["type"] == kind]
    assert near_share((rows["oldbalanceOrg"] == 0).mean(), empty)
    assert near_share((rows["amount"] > rows["oldbalanceOrg"]).mean(), too_much)


@pytest.mark.parametrize(
    ("kind", "fact"),
    [("CASH_OUT", 0.897), ("TRANSFER", 0.902), ("DEBIT", 0.929), ("CASH_IN", 0.919)],
)
def test_arithmetic_of_the_payee(table, kind, fact):
    assert near_share(written_as_moved(table[table["type"] == kind]).mean(), fact)


def test_payees_without_money(table, frauds):
    genuine = table[(table["isFraud"] == 0) & table["type"].isin(["TRANSFER", "CASH_OUT"])]
    assert near_share(zero_to_zero(frauds), 0.4956)
    assert 0.0 < zero_to_zero(genuine) < 0.002


def test_fraud_transfers(frauds):
    rows = frauds[frauds["type"] == "TRANSFER"]
    assert zero_to_zero(rows) == 1.0
    assert near_share((rows["amount"] == rows["oldbalanceOrg"]).mean(), 0.951)


def test_fraud_cash_outs(frauds):
    rows = frauds[frauds["type"] == "CASH_OUT"]
    assert near_share((rows["amount"] == rows["oldbalanceOrg"]).mean(), 0.992)
    # a few hundred rows: three standard errors
    assert (rows["oldbalanceDest"] == 0).mean() == pytest.approx(0.327, abs=0.08)


def test_a_cash_out_of_the_same_amount_follows_each_fraud_transfer(table):
    at = np.flatnonzero(
        (table["isFraud"] == 1) & (table["type"] == "TRANSFER") & (table["isFlaggedFraud"] == 0)
    )
    transfer, cash_out = table.iloc[at], table.iloc[at + 1]
    assert (cash_out["type"] == "CASH_OUT").all()
    assert (cash_out["isFraud"] == 1).all()
    assert (cash_out["amount"].to_numpy() == transfer["amount"].to_numpy()).all()
    assert (cash_out["step"].to_numpy() == transfer["step"].to_numpy()).all()


def test_flagged(table):
    rows = table[table["isFlaggedFraud"] == 1]
    assert len(rows) == round(16 * ROWS / PUBLISHED_ROWS)
    assert (rows["type"] == "TRANSFER").all()
    assert (rows["amount"] >= 353_874.22).all()
    assert (rows["newbalanceOrig"] == rows["oldbalanceOrg"]).all()
    assert zero_to_zero(rows) == 1.0


def test_money_is_whole_cents(table):
    money = ["amount", "oldbalanceOrg", "newbalanceOrig", "oldbalanceDest", "newbalanceDest"]
    assert (table[money].round(2) == table[money]).all(axis=None)
    assert (table[money] >= 0).all(axis=None)


def test_an_account_goes_on_with_what_it_holds():
    """Between two rows far apart in time, the next balance before is the one written after."""
    rows = simulate(50_000, 5).to_pandas()
    rows = rows[~rows["nameDest"].str.startswith("M")]
    later = rows.groupby("nameDest")[["step", "oldbalanceDest"]].shift(-1)
    apart = (later["step"] - rows["step"] >= 2) & (rows["step"] > 8)
    assert apart.sum() > 1_000
    assert (later["oldbalanceDest"] == rows["newbalanceDest"])[apart].mean() > 0.95


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.lists(st.integers(-60, 60), min_size=1)), min_size=1)
)
def test_running_against_one_account_at_a_time(accounts):
    first = np.concatenate([np.arange(len(changes)) == 0 for _, changes in accounts])
    change = np.concatenate([changes for _, changes in accounts])
    old, new = running(first, np.array([opening for opening, _ in accounts]), change)
    expected = []
    for opening, changes in accounts:
        held = [opening]
        for amount in changes:
            held.append(max(held[-1] + amount, 0))
        expected += itertools.pairwise(held)
    assert list(zip(old.tolist(), new.tolist(), strict=True)) == expected


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_same_seed_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{name}{suffix}" for name in "abc"]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        write(path, 10_000, seed)
    one, same, other = (path.read_bytes() for path in paths)
    assert one == same != other


def test_files_hold_the_table(tmp_path):
    expected = simulate(10_000, 2)
    write(tmp_path / "t.parquet", 10_000, 2)
    write(tmp_path / "t.csv", 10_000, 2)
    assert parquet.read_table(tmp_path / "t.parquet").equals(expected)
    read = csv.read_csv(tmp_path / "t.csv").cast(COLUMNS)
    assert read.equals(expected)


def test_pieces_are_whole_hours_and_bounded():
    pieces = list(batches(600_000, 1))
    assert len(pieces) > 2
    assert max(len(piece) for piece in pieces) < 400_000
    last_steps = [piece["step"][-1].as_py() for piece in pieces]
    first_steps = [piece["step"][0].as_py() for piece in pieces]
    assert all(a < b for a, b in zip(last_steps, first_steps[1:], strict=False))
    assert pa.Table.from_batches(pieces).num_rows == 600_000


def test_progress_reaches_the_end():
    told = []
    simulate(10_000, 1, lambda done, total, message="": told.append((done, total)))
    assert told[-1] == (10_000, 10_000)


@pytest.mark.parametrize(("rows", "seed"), [(9_999, 1), (6_400_001, 1), (10_000, -1)])
def test_out_of_range(rows, seed):
    with pytest.raises(VouchError):
        batches(rows, seed)


def test_unknown_suffix_leaves_nothing(tmp_path):
    with pytest.raises(VouchError, match="xlsx"):
        write(tmp_path / "t.xlsx", 10_000, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_full_size():
    rows = simulate(PUBLISHED_ROWS, 1)
    uses = rows["nameDest"].value_counts()
    assert 90 <= max(pair["counts"].as_py() for pair in uses) <= 140
    assert sum(rows["isFraud"].to_pylist()) == 8_213
    assert sum(rows["isFlaggedFraud"].to_pylist()) == 16
    payers = rows["nameOrig"].value_counts()
    assert len(payers) == pytest.approx(6_353_307, rel=0.001)
    assert max(pair["counts"].as_py() for pair in payers) <= 3


@pytest.mark.skipif(not REAL, reason="VOUCH_REAL_DATA is not set: no real rows to compare with")
def test_first_hours_are_like_the_real_ones():
    real = pd.read_csv(Path(REAL) / "fraud" / "paysim_first_steps.csv")
    made = next(batches(PUBLISHED_ROWS, 1)).to_pandas()[: len(real)]
    for kind, rows in real[real["type"] != "DEBIT"].groupby("type"):
        mine = made.loc[made["type"] == kind]
        assert mine["amount"].median() == pytest.approx(rows["amount"].median(), rel=0.15)
        assert (mine["oldbalanceOrg"] == 0).mean() == pytest.approx(
            (rows["oldbalanceOrg"] == 0).mean(), abs=0.08
        )
    assert (made["step"].value_counts() - real["step"].value_counts()).abs().max() < 100
