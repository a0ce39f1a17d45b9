from datetime import datetime, timedelta
from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.engine import connect
from vouch.holdout.split import by_hash, latest

START = datetime(2024, 1, 1)
HERE = Path("rows.parquet")


@pytest.fixture
def engine():
    with connect(threads=1) as backend:
        yield backend


def times(minutes):
    frame = pd.DataFrame({"time": [START + timedelta(minutes=m) for m in minutes]})
    return frame.astype({"time": "datetime64[us]"})


def propose(minutes, share, after=None):
    return latest(ibis.memtable(times(minutes)), share, HERE, after)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 15), min_size=2, max_size=40), st.floats(0.01, 0.5))
def test_ties_stay_together_and_neither_part_is_empty(minutes, share):
    if len(set(minutes)) < 2:
        with pytest.raises(VouchError, match="1 distinct times"):
            propose(minutes, share)
        return
    boundary, until = propose(minutes, share)
    moments = times(minutes)["time"]
    held = (moments >= boundary).sum()
    assert until == moments.max()
    assert 0 < held < len(minutes)
    # a moment earlier would be too much, unless all of the last moment is
    assert held <= len(minutes) * share + 1e-6 or boundary == until


def test_the_next_holdout_takes_only_rows_after_the_last_one():
    minutes = list(range(100))
    _, until = propose(minutes[:50], 0.2)
    boundary, _ = propose(minutes[:55], 0.2, after=until)
    assert boundary == START + timedelta(minutes=50)
    with pytest.raises(VouchError, match="no labelled rows after"):
        propose(minutes[:50], 0.2, after=until)


def test_parties_stay_together_and_every_generation_takes_others(engine):
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(4000)]})
    frame["payer"] = [f"p{n % 1000}" for n in range(4000)]
    table = ibis.memtable(frame)
    taken = []
    for first in (0, 0.2, 0.4):
        held = engine.to_pandas(table.filter(by_hash(table, first, first + 0.2, "shop")))
        assert held.groupby("payer").size().eq(4).all()
        assert len(held) == pytest.approx(800, rel=0.25)
        taken.append(set(held.payer))
    assert not taken[0] & taken[1]
    assert not taken[1] & taken[2]


def test_rows_without_a_payer_are_split_one_by_one(engine):
    table = ibis.memtable({"id": [f"r{n}" for n in range(2000)]})
    held = engine.to_pandas(table.filter(by_hash(table, 0, 0.5, "shop")))
    assert len(held) == pytest.approx(1000, rel=0.15)
