"""Both engines make the same features, row for row and bit for bit."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.engine.parity import KINDS, SHOP, compute, issues, payments, save
from vouch.engine import connect, write_parquet
from vouch.labels.known import mean_delay, rows_when_scored
from vouch.labels.resolve import ARRIVING
from vouch.usecases.fraud.features.plain import observe
from vouch.usecases.fraud.features.table import features

ROOT = Path(__file__).parents[2]
AMOUNTS = st.floats(width=64) | st.integers(-4, 40).map(lambda n: n / 4) | st.none()


def equal(left, right):
    pd.testing.assert_frame_equal(
        left.astype({"time": "datetime64[us]"}),
        right.astype({"time": "datetime64[us]"}),
        check_exact=True,
    )


def both(rows, labels, duck, spark, folder):
    rows = save(rows, folder / "rows.parquet", duck)
    labels = save(labels, folder / "labels.parquet", duck)
    equal(compute(duck, rows, labels), compute(spark, rows, labels))


@pytest.mark.slow
def test_payments_with_history_and_oddities(duck, spark, tmp_path):
    rows = payments(1500)
    assert rows["time"].duplicated().any()
    assert rows["amount"].isna().any()
    both(rows, issues(rows), duck, spark, tmp_path)
    seen = [observe(b.read_parquet(tmp_path / "rows.parquet"), SHOP) for b in (duck, spark)]
    assert seen == [{"kind": sorted(KINDS)}] * 2


@pytest.mark.parametrize("lag", [timedelta(0), timedelta(hours=30)])
def test_rows_have_the_same_version_when_scored(duck, spark, tmp_path, lag):
    first = payments(200).assign(known_at=lambda rows: rows["time"], superseded_at=pd.NaT)
    first["arrived_at"] = first["time"].max() + pd.Timedelta("1h")
    second = first.iloc[::3].assign(amount=-1.0)
    second["arrived_at"] += pd.to_timedelta(np.arange(len(second)) % 3, "h")  # some came with it
    second["known_at"] = second["arrived_at"]
    first.loc[second.index, "superseded_at"] = second["arrived_at"]
    rows = pd.concat([first, second], ignore_index=True)
    times = dict.fromkeys(["known_at", "superseded_at", "arrived_at"], "datetime64[us]")
    path = save(rows.astype(times), tmp_path / "versions.parquet", duck)
    chosen = [
        backend.to_pandas(rows_when_scored(backend.read_parquet(path), until, lag))
        .sort_values("id")[["id", "amount"]]
        .reset_index(drop=True)
        for backend in (duck, spark)
        for until in (None, rows["known_at"].max().to_pydatetime())
    ]
    for other in chosen[1:]:
        pd.testing.assert_frame_equal(chosen[0], other, check_exact=True)
    assert len(chosen[0]) == 200 and 0 < (chosen[0]["amount"] == -1).sum() < len(second)


def test_the_mean_delay_of_labels_within_a_second_is_the_same(duck, spark, tmp_path):
    rows = payments(300)
    labels = issues(rows)
    within = np.random.default_rng(0).integers(0, 1_000_000, len(labels))
    late = labels["issued_at"] + pd.to_timedelta(within, "us")
    labels["issued_at"] = late.astype("datetime64[us]")
    labels["in_force"] = True
    delays = [
        mean_delay(
            b.read_parquet(save(labels, tmp_path / "labels.parquet", duck)),
            b.read_parquet(save(rows, tmp_path / "rows.parquet", duck)),
        )
        for b in (duck, spark)
    ]
    known = labels[labels.source.isin(ARRIVING)].merge(rows, left_on="entity", right_on="id")
    wanted = ((known.issued_at - known.time) // pd.Timedelta("1s")).mean()
    assert delays == [pytest.approx(wanted, rel=1e-12)] * 2
    assert delays[0] == delays[1] > 0


@pytest.mark.slow
@settings(
    max_examples=2,  # Spark compiles the query anew each time: seconds
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=30), seed=st.integers(0, 99))
def test_any_amounts(duck, spark, tmp_path, amounts, seed):
    rows = payments(len(amounts), seed, days=0.2)
    rows["amount"] = pd.array(amounts, dtype="Float64").to_numpy("float64", na_value=float("nan"))
    both(rows, issues(rows, seed), duck, spark, tmp_path)


def test_a_written_file_has_the_same_rows_in_order(duck, spark, tmp_path):
    rows = payments(2000)
    given_rows = save(rows, tmp_path / "rows.parquet", duck)
    for name, backend in (("duck", duck), ("spark", spark)):
        table, _ = features(backend.read_parquet(given_rows), SHOP, groups=("amount", "time"))
        write_parquet(table.order_by(["time", "id"]), tmp_path / name)
    left, right = (pd.read_parquet(tmp_path / name) for name in ("duck", "spark"))
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert (left["id"] == rows.sort_values(["time", "id"])["id"].to_numpy()).all()
    assert {path.name for path in tmp_path.iterdir()} == {"rows.parquet", "duck", "spark"}


def test_an_empty_table_is_written_with_its_columns(spark, duck, tmp_path):
    rows = save(payments(5), tmp_path / "rows.parquet", duck)
    table = spark.read_parquet(rows)
    write_parquet(table.filter(table.amount > 1e308), tmp_path / "none")
    assert list(pd.read_parquet(tmp_path / "none").columns) == list(table.columns)


CLUSTER = """
import sys
from tests.engine.killing import Killer
from tests.engine.parity import compute
from vouch.engine import connect
rows, labels, target, after = sys.argv[1:]
with connect("spark", memory="1GB") as backend:
    context = backend._session.sparkContext
    assert context.master.startswith("local-cluster"), context.master
    killer = Killer(context, int(after)) if after != "never" else None
    compute(backend, rows, labels).to_pickle(target)
    print("jobs", killer.check() if killer else None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", ["never", "2"])
def test_executors_of_their_own_make_the_same_though_one_is_killed(duck, tmp_path, after):
    rows = payments(1500)
    files = [
        save(rows, tmp_path / "rows.parquet", duck),
        save(issues(rows), tmp_path / "labels.parquet", duck),
    ]
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER, *files, tmp_path / "cluster.pkl", after],
        cwd=ROOT,
        env=os.environ | {"VOUCH_SPARK_MASTER": "local-cluster[2,1,1024]"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "jobs" in done.stdout
    equal(compute(duck, *files), pd.read_pickle(tmp_path / "cluster.pkl"))


@pytest.mark.slow
def test_spark_leaves_nothing_behind(tmp_path):
    code = "from vouch.engine import connect\nwith connect('spark') as b: print(b.list_tables())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "VOUCH_SPARK_MASTER": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir() if "hsperf" not in path.name] == []


def test_a_running_spark_is_joined_and_left_running(spark):
    with connect("spark") as second:
        assert second._session is spark._session
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_join).result()
    assert spark._session.range(3).count() == 3


def _join():
    with connect("spark") as other:
        assert other._session.range(2).count() == 2
