import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.models.folds import Fold
from vouch.usecases.sentiment.folds import deal, groups_of, of_all_times, sample, split

rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 9)), min_size=6, max_size=80
)


def table(drawn, time=True):
    frame = pd.DataFrame(drawn, columns=["label", "group", "hour"])
    if time:
        frame["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["hour"], unit="h")
    return frame


@settings(max_examples=200, deadline=None)
@given(rows, st.integers(2, 5), st.integers(0, 9), st.booleans())
def test_no_group_is_on_both_sides_and_no_row_is_assessed_twice(drawn, wanted, seed, by_time):
    frame = table(drawn)
    if frame.group.nunique() < 2:
        with pytest.raises(VouchError, match="one group"):
            split(frame.drop(columns="time"), wanted, seed, by_time)
        return
    folds, warnings = split(frame, wanted, seed, by_time)
    assessed = np.concatenate([fold.assess for fold in folds])
    assert len(set(assessed)) == len(assessed)
    for fold in folds:
        assert len(fold.train)
        assert not set(frame.group[fold.train]) & set(frame.group[fold.assess])
        if fold.start is not None:
            assert by_time
            assert frame.time[fold.train].max() < fold.start <= frame.time[fold.assess].min()
    if folds[0].start is None:
        assert len(assessed) == len(frame)
        assert bool(warnings) == by_time


@given(rows, st.integers(2, 5))
def test_folds_are_the_same_each_time(drawn, wanted):
    frame = table(drawn, time=False)
    groups, labels = groups_of(frame), frame["label"].to_numpy(np.int8)
    np.testing.assert_array_equal(deal(groups, labels, wanted, 3), deal(groups, labels, wanted, 3))


def test_single_rows_are_shared_out_class_by_class():
    labels = np.repeat([0, 1, 2], [30, 300, 150]).astype("int8")
    number = deal(np.arange(480), labels, 3, seed=1)
    for label in range(3):
        counted = np.bincount(number[labels == label], minlength=3)
        assert counted.max() - counted.min() <= 1


def test_time_is_kept_to_where_groups_are_small():
    frame = table([(i % 3, i, i // 10) for i in range(100)])
    folds, warnings = split(frame, 3, 0, by_time=True)
    assert len(folds) == 3
    assert not warnings
    assert folds[-1].until == frame.time.max()
    drawn, _ = split(frame, 3, 0, by_time=False)
    assert all(fold.start is None for fold in drawn)


def test_six_authors_at_all_times_are_folded_by_author():
    frame = table([(i % 3, i % 6, i // 10) for i in range(100)])
    folds, warnings = split(frame, 3, 0, by_time=True)
    assert "groups at all times" in warnings[0]
    assert all(fold.start is None for fold in folds)


def test_rows_without_a_group_are_groups_of_their_own():
    frame = pd.DataFrame({"group": [5, None, 5, None]})
    assert groups_of(frame).tolist() == [0, 1, 0, 2]
    assert groups_of(frame.drop(columns="group")).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("wanted", [100, 450, 700, 5000])
def test_a_sample_takes_whole_groups_in_about_the_number_asked_for(wanted):
    random = np.random.default_rng(0)
    frame = table(
        zip(random.integers(0, 3, 1000), random.integers(0, 400, 1000), [0] * 1000, strict=True)
    )
    drawn = sample(frame, wanted, 0)
    assert min(wanted, 1000) - 12 < len(drawn) <= wanted
    assert not set(frame.group[drawn]) & set(frame.group.drop(drawn))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 9),
            st.integers(0, 9),
            st.sampled_from([None, "a", "b", "c", "d", "e"]),
        ),
        min_size=6,
        max_size=60,
    ),
    st.booleans(),
)
def test_near_duplicates_of_what_is_assessed_are_never_learned_from(drawn, by_time):
    frame = table([row[:3] for row in drawn]).assign(twin=[row[3] for row in drawn])
    if frame.group.nunique() < 2:
        return
    plain, _ = split(frame.drop(columns="twin"), 3, 0, by_time)
    folds, _ = split(frame, 3, 0, by_time)
    for fold, without in zip(folds, plain, strict=True):
        np.testing.assert_array_equal(fold.assess, without.assess)
        asked = {frame.twin[row] for row in fold.assess if frame.twin[row] is not None}
        wanted = [row for row in without.train if frame.twin[row] not in asked]
        assert fold.train.tolist() == wanted
        assert not set(frame.group[fold.train]) & set(frame.group[fold.assess])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), rows=st.integers(60, 200), authors=st.integers(20, 60))
def test_a_model_of_all_times_learns_as_much_and_never_from_what_it_assesses(seed, rows, authors):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), unit="h"),
            "label": random.integers(0, 3, rows).astype("int8"),
            "label_source": "given",
            "group": random.integers(0, authors, rows),
            "twin": random.integers(0, rows, rows),
        }
    )
    latest = Fold(np.arange(rows // 2), np.arange(rows // 2, rows), frame["time"][rows // 2])
    parts = of_all_times(frame, latest, 0)
    assessed = np.concatenate([part.assess for part in parts])
    assert len(np.unique(assessed)) == len(assessed)
    assert set(assessed) <= set(latest.assess)
    for part in parts:
        assert len(np.unique(part.train)) == len(part.train) <= len(latest.train)
        for column in ("group", "twin"):
            assert not set(frame[column][part.train]) & set(frame[column][part.assess])
