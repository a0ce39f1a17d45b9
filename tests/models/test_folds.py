from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.folds import cut, split

ORIGIN = pd.Timestamp("2024-01-01")


def table(hours, labels, delays=None, **columns):
    time = ORIGIN + pd.to_timedelta(list(hours), unit="h")
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(time))], "time": time, **columns})
    frame["label"] = np.array(labels, dtype="int8")
    if delays is not None:
        frame["label_known_at"] = time + pd.to_timedelta(list(delays), unit="h")
    return frame


rows = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.integers(0, 30)), min_size=4, max_size=60
)


@settings(max_examples=200, deadline=None)
@given(rows, st.integers(2, 5))
def test_folds_agree_with_a_row_by_row_oracle(drawn, wanted):
    frame = table(*zip(*drawn, strict=True))
    found, warnings = split(frame, wanted)
    if found[0].start is None:
        assert any("hash" in w for w in warnings)
        return
    assert len(found) <= wanted
    late = any("delay" in w for w in warnings)
    starts = [fold.start for fold in found]
    assert starts == sorted(set(starts))
    for number, fold in enumerate(found):
        end = starts[number + 1] if number + 1 < len(found) else None
        train, assess = [], []
        for row in frame.itertuples():
            if row.time < fold.start and (late or row.label_known_at <= fold.start):
                train.append(row.Index)
            if row.time >= fold.start and (end is None or row.time < end):
                assess.append(row.Index)
        assert fold.train.tolist() == train
        assert fold.assess.tolist() == assess
        assert frame.label[assess].any()
        assert frame.label[frame.time < fold.start].any()


@settings(max_examples=100, deadline=None)
@given(rows, st.integers(2, 5))
def test_a_cut_never_leaves_a_part_without_positives(drawn, wanted):
    frame = table(*zip(*drawn, strict=True))
    cuts = cut(frame.time, frame.label.to_numpy(), wanted)
    bounds = [ORIGIN, *cuts, frame.time.max() + pd.Timedelta("1h")]
    for low, high in pairwise(bounds):
        if cuts:
            assert frame.label[(frame.time >= low) & (frame.time < high)].any()


def test_every_row_from_the_first_cut_on_is_assessed_once():
    random = np.random.default_rng(0)
    hours = np.sort(random.integers(0, 700, 5000))
    frame = table(hours, random.random(5000) < 0.05, np.full(5000, 24))
    found, warnings = split(frame, 3)
    assessed = np.concatenate([fold.assess for fold in found])
    assert sorted(assessed) == np.flatnonzero(frame.time >= found[0].start).tolist()
    assert warnings == []
    shares = [fold.assess.size / len(frame) for fold in found]
    assert shares == pytest.approx([0.25] * 3, abs=0.05)


def test_a_span_shorter_than_the_delay_ignores_it_and_says_so():
    random = np.random.default_rng(1)
    hours = np.sort(random.integers(0, 8, 4000))
    frame = table(hours, random.random(4000) < 0.02, np.full(4000, 24))
    found, warnings = split(frame, 3)
    assert any("not known yet" in w for w in warnings)
    assert all(len(fold.train) == (frame.time < fold.start).sum() for fold in found)


def test_few_positives_are_told():
    hours = np.arange(100)
    frame = table(hours, hours % 10 == 3)
    _, warnings = split(frame, 2)
    assert any("positives only" in w for w in warnings)


def test_without_time_a_payer_stays_on_one_side():
    random = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(600)],
            "payer": [None if i % 7 == 0 else f"c{i % 50}" for i in range(600)],
            "label": random.integers(0, 2, 600),
        }
    )
    found, _ = split(frame, 3)
    assert sorted(np.concatenate([fold.assess for fold in found])) == list(range(600))
    for fold in found:
        both = set(frame.payer[fold.train].dropna()) & set(frame.payer[fold.assess].dropna())
        assert both == set()
        assert set(fold.train) | set(fold.assess) == set(range(600))
        labels, judged = frame.label.to_numpy(), np.arange(600) % 2 == 0
        described = fold.describe(labels, 1 - labels, judged)
        assert described["from"] is None
        assert described["rows"] == judged[fold.assess].sum()
        assert described["positives"] == (1 - labels)[fold.assess[judged[fold.assess]]].sum()
        assert described["train_positives"] == labels[fold.train].sum()


def test_folds_are_cut_and_warned_of_by_the_rows_that_are_measured_on():
    """The rule calls many early rows positive, but of the measured ones all positives are late."""
    hours = np.repeat(np.arange(100), 10)
    frame = table(hours, hours < 50)
    frame["truth"] = np.where(hours < 50, np.nan, np.arange(1000) % 10 == 0)
    judged = frame["truth"].notna().to_numpy()
    by_rule, _ = split(frame, 3)
    by_truth, warnings = split(frame, 3, judged)
    positive = frame["truth"].fillna(0).to_numpy() == 1
    assert not positive[by_rule[0].assess].any()
    assert all(positive[fold.assess].any() for fold in by_truth)
    counted = {int(w.split()[1]): int(w.split()[5]) for w in warnings if "positives only" in w}
    assert counted == {n: positive[fold.assess].sum() for n, fold in enumerate(by_truth)}


@pytest.mark.parametrize("column", ["time", "id"])
def test_rows_that_only_measure_are_learned_from_by_no_fold(column):
    frame = table(np.repeat(np.arange(100), 10), np.arange(1000) % 5 == 0)
    frame["label_source"] = np.where(np.arange(1000) % 3 == 0, None, "given")
    folds, _ = split(frame if column == "time" else frame.drop(columns="time"), 3)
    measures_only = frame["label_source"].isna().to_numpy()
    assert any(measures_only[fold.assess].any() for fold in folds)
    for fold in folds:
        assert len(fold.train) and not measures_only[fold.train].any()


def test_one_moment_falls_back_to_the_hash():
    found, warnings = split(table([5] * 90, np.arange(90) % 3 == 0), 3)
    assert any("hash" in w for w in warnings)
    assert found[0].start is None


def test_reviewers_labels_are_learned_from_though_they_came_later():
    frame = table(range(100), [0, 1] * 50, [1] * 50 + [10_000] * 50)
    frame["label_source"] = ["chargeback"] * 50 + ["chargeback", "reviewer"] * 25
    found, warnings = split(frame, 3)
    last = found[-1]
    learned = frame.iloc[last.train]
    assert set(learned["label_source"]) == {"chargeback", "reviewer"}
    late = learned["label_known_at"] > last.start
    assert (learned["label_source"][late] == "reviewer").all()
    assert any(f"{late.sum()} reviewers' labels before they were given" in w for w in warnings)


def test_a_reviewers_label_counts_as_known_when_the_row_happened():
    frame = table(range(200), [0, 1] * 100, delays=[0] * 200, label_source="rule")
    late = frame.index < 10
    frame.loc[late, "label_known_at"] = ORIGIN + pd.Timedelta(days=900)
    without = split(frame, 2)[0][0].train
    frame.loc[late, "label_source"] = "reviewer"
    assert set(split(frame, 2)[0][0].train) - set(without) == set(range(10))
