"""Rows that come after the holdout: some are kept for the next one, the others train at once."""

import tempfile
from datetime import timedelta
from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.extract.conftest import START
from vouch.core.errors import VouchError
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.holdout.split import Terms, split

HERE = Path("rows.parquet")
ROWS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=15)
"""Minutes and payers of rows that come together; they may be late."""


class Shop:
    """Rows that come in turn, and what an extract makes of them."""

    def __init__(self, state):
        self.keeper, self.generation, self.rows = Keeper(state), 1, []

    def add(self, rows, minutes=0):
        self.rows += [
            (f"r{len(self.rows) + n}", START + timedelta(minutes=minutes + at), f"p{payer}")
            for n, (at, payer) in enumerate(rows)
        ]

    def split(self, share):
        frame = pd.DataFrame(self.rows, columns=["id", "time", "payer"])
        table = ibis.memtable(frame.astype({"time": "datetime64[us]"}))
        key = HoldoutKey("fraud", "shop", "first", self.generation)
        self.keeper.records.rotate(key)
        parted = split(
            table, table, Terms(key, 0.2, share, (), HERE), self.keeper.records, record=True
        )
        parts = {"holdout": parted.holdout, "reserved": parted.reserved}
        ids = {
            name: set(table.filter(part).id.to_pyarrow().to_pylist())
            for name, part in parts.items()
        }
        return ids | {"train": set(frame["id"]) - ids["holdout"] - ids["reserved"]}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(ROWS, st.booleans(), st.sampled_from([0.05, 0.3, 0.6, 1.0])),
        min_size=2,
        max_size=8,
    )
)
def test_a_holdouts_rows_never_trained_and_were_in_no_earlier_one(steps):
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        shop.add([(n, n) for n in range(20)])
        trained, asked = set(), {}
        for number, (rows, rotate, share) in enumerate(steps):
            shop.add(rows, minutes=20 * number)
            parts = shop.split(share)
            assert parts["holdout"].isdisjoint(parts["reserved"])
            assert parts["holdout"].isdisjoint(trained)
            earlier = [ids for generation, ids in asked.items() if generation < shop.generation]
            assert parts["holdout"].isdisjoint(set().union(*earlier))
            trained |= parts["train"]
            asked[shop.generation] = asked.get(shop.generation, set()) | parts["holdout"]
            shop.generation += rotate and bool(parts["reserved"])


class Notes(Shop):
    """Rows without time."""

    def add(self, rows, minutes=0):
        self.rows += [(f"r{len(self.rows) + n}", f"p{payer}") for n, (_, payer) in enumerate(rows)]

    def split(self, holdout, reserve):
        table = ibis.memtable(pd.DataFrame(self.rows, columns=["id", "payer"]))
        key = HoldoutKey("fraud", "shop", "first", self.generation)
        self.keeper.records.rotate(key)
        terms = Terms(key, holdout, reserve, (), HERE)
        parted = split(table, table, terms, self.keeper.records, record=True)
        everything = {row[0] for row in self.rows}
        held, kept = (
            set(table.filter(part).id.to_pyarrow().to_pylist())
            for part in (parted.holdout, parted.reserved)
        )
        return {"holdout": held, "reserved": kept, "train": everything - held - kept}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            ROWS,
            st.booleans(),
            st.sampled_from([0.05, 0.2, 0.5]),
            st.sampled_from([0.05, 0.3, 1.0]),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_without_time_too_no_holdouts_row_ever_trained_whatever_is_added_or_changed(steps):
    with tempfile.TemporaryDirectory() as folder:
        notes = Notes(Path(folder))
        notes.add([(0, n) for n in range(60)])
        trained, asked = set(), {}
        for rows, rotate, holdout, reserve in steps:
            notes.add(rows)
            parts = notes.split(holdout, reserve)
            assert parts["holdout"].isdisjoint(parts["reserved"]) and parts["train"]
            assert parts["holdout"].isdisjoint(trained)
            earlier = [ids for generation, ids in asked.items() if generation < notes.generation]
            assert parts["holdout"].isdisjoint(set().union(*earlier))
            assert asked.get(notes.generation, set()) <= parts["holdout"]
            trained |= parts["train"]
            asked[notes.generation] = parts["holdout"]
            notes.generation += rotate and bool(parts["reserved"])


def test_a_set_that_an_earlier_release_cut_keeps_its_holdout_and_opens_no_other(tmp_path):
    notes = Notes(tmp_path)
    notes.add([(0, n) for n in range(200)])
    notes.keeper.cut(HoldoutKey("fraud", "shop", "first", 1), lambda: None)
    parts = notes.split(0.2, 0.3)
    assert len(parts["holdout"]) > 20 and not parts["reserved"]
    assert notes.split(0.1, 0.3) == parts
    notes.generation = 2
    with pytest.raises(VouchError, match="all others have been learned from") as caught:
        notes.split(0.2, 0.3)
    assert "--holdout FILE" in caught.value.hint


def test_a_holdout_that_was_cut_while_all_rows_were_kept_stays_whole(tmp_path):
    shop = Shop(tmp_path)
    shop.add([(n, n) for n in range(100)])
    first = HoldoutKey("fraud", "shop", "first", 1)
    ends = (START + timedelta(minutes=80), START + timedelta(minutes=99))
    shop.keeper.cut(first, lambda: ends)  # as an earlier release cut it
    shop.add([(100 + n, n) for n in range(50)])
    shop.generation = 2
    whole = shop.split(0.2)["holdout"]
    assert len(whole) > 20
    shop.generation = 1
    assert shop.split(0.2)["train"] & whole == set()  # nor does a look back release its rows
    shop.generation = 2
    assert shop.split(0.2)["holdout"] == whole


def test_parties_are_kept_whole_in_about_the_declared_share(tmp_path):
    shop = Shop(tmp_path)
    shop.add([(n, n) for n in range(100)])
    shop.split(0.2)
    shop.add([(100 + n, n % 1000) for n in range(4000)])
    parts = shop.split(0.2)
    payers = {row[0]: row[2] for row in shop.rows if row[1] >= START + timedelta(minutes=100)}
    kept = {payers[each] for each in parts["reserved"]}
    assert all((payers[each] in kept) == (each in parts["reserved"]) for each in payers)
    assert 150 < len(kept) < 250
