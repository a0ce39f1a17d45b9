"""How ripe labels are, against a plain product-limit estimator."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usecases.fraud.gold import gold_rows
from vouch.models import ripeness as module
from vouch.models.folds import split
from vouch.models.ripeness import (
    LEAST,
    RIPENESS,
    Training,
    as_of_fold,
    one_sided,
    ripeness,
    tells,
    unripe,
)
from vouch.models.strength import ruled

START = pd.Timestamp("2024-01-01")
ROWS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 20), st.sampled_from(["chargeback", "rule", "reviewer"])
    ),
    min_size=1,
    max_size=25,
)


def rows(drawn):
    """Rows of hour, delay in hours and source of the label."""
    frame = pd.DataFrame(drawn, columns=["hour", "delay", "label_source"])
    frame["time"] = START + pd.to_timedelta(frame["hour"], unit="h")
    delays = frame["delay"].where(frame["label_source"] != "rule", 0)
    frame["label_known_at"] = frame["time"] + pd.to_timedelta(delays, unit="h")
    return frame


def arrived_by(drawn, now):
    """Return the estimated share of all truth that has come at each age, row by row."""
    waits = []
    for hour, delay, source in drawn:
        age = now - hour
        if source == "reviewer" or age < 0:
            continue
        came = source == "chargeback" and delay <= age
        waits.append((delay if came else age, came))

    def share(age):
        left = 1.0
        for wait in sorted({w for w, came in waits if came and w <= age}):
            at_risk = sum(w >= wait for w, _ in waits)
            left *= 1 - sum(w == wait and came for w, came in waits) / at_risk
        return 1 - left

    return share, sum(came for _, came in waits)


@settings(deadline=None)
@given(drawn=ROWS, now=st.integers(0, 60))
def test_it_is_the_product_limit_estimate_at_a_rows_age(drawn, now):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST", 1)
        got = ripeness(rows(drawn), START + pd.Timedelta(now, "h"))
    share, came = arrived_by(drawn, now)
    whole = share(1000)
    for (hour, _, source), value in zip(drawn, got, strict=True):
        if source != "rule" or not came:
            assert value == 1
        else:
            assert value == pytest.approx(np.clip(share(now - hour) / whole, LEAST, 1))


@settings(deadline=None)
@given(drawn=ROWS, now=st.integers(0, 60), later=st.lists(st.integers(0, 90), min_size=25))
def test_a_truth_counts_from_the_first_time_one_came(drawn, now, later):
    frame, moment = rows(drawn), START + pd.Timedelta(now, "h")
    again = frame.assign(truth_came_at=frame["label_known_at"].mask(ruled(frame)))
    mended = frame["label_source"] == "chargeback"
    wait = pd.Series(pd.to_timedelta(later[: len(frame)], unit="h"), frame.index)
    again["label_known_at"] += wait.where(mended, pd.Timedelta(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST", 1)
        expected, got = ripeness(frame, moment), ripeness(again, moment)
    np.testing.assert_array_equal(got, expected)


def test_of_few_truths_nothing_is_estimated():
    few = rows([(n, 5, "chargeback") for n in range(29)] + [(30, 0, "rule")])
    assert (ripeness(few, START + timedelta(days=3)) == 1).all()


def test_rows_before_the_holdout_are_as_old_as_they_were_when_it_began():
    frame = rows([(n, 10, "chargeback") for n in range(40)] + [(48, 0, "rule"), (99, 0, "rule")])
    training = Training(datetime(2024, 1, 5, 4), datetime(2024, 1, 3, 6))
    hours = (training.known_until(frame["time"]) - START).dt.total_seconds() / 3600
    assert hours.tolist() == [54] * 41 + [100]
    shares = training.ripeness(frame)
    assert unripe(shares).tolist() == [False] * 40 + [True, True]
    # a fixed delay of ten hours: before it nothing has come
    assert shares[40] == shares[41] == LEAST
    ripe = Training(datetime(2024, 1, 9))
    assert ripe.ripeness(frame) is None
    assert ripe.ripeness(frame.drop(columns="label_known_at")) is None


def test_a_fold_learns_from_what_was_known_when_it_begins():
    frame = gold_rows()
    frame["label_source"] = "chargeback"
    folds, _ = split(frame, 3)
    for fold in folds:
        learned, known = as_of_fold(frame, fold)
        assert learned.tolist() == np.flatnonzero(frame["time"] < fold.start).tolist()
        own = frame.iloc[learned]
        late = (own["label_known_at"] > fold.start).to_numpy()
        assert late.any() and not late.all()
        assert (
            known["label"].to_numpy().tolist() == np.where(late, own["rule"], own["label"]).tolist()
        )
        assert (known["label_source"] == np.where(late, "rule", "chargeback")).all()
        assert known["label"].dtype == frame["label"].dtype
        assert ((known[RIPENESS] < 1) <= late).all()
        ages = (fold.start - own["time"])[late].to_numpy()
        order = np.argsort(ages, kind="stable")
        assert (np.diff(known[RIPENESS].to_numpy()[late][order]) >= 0).all()
    assert tells(frame, folds)


def test_a_fold_whose_labels_were_all_known_tells_nothing():
    frame = gold_rows(delay_hours=0.0)
    folds, _ = split(frame, 3)
    assert not tells(frame, folds)
    for fold in folds:
        learned, known = as_of_fold(frame, fold)
        assert learned.tolist() == fold.train.tolist()
        assert (known[RIPENESS] == 1).all()


def test_people_decide_when_they_are_asked():
    frame = gold_rows()
    frame["label_source"] = np.where(np.arange(len(frame)) % 7 == 0, "reviewer", "chargeback")
    folds, _ = split(frame, 3)
    learned, known = as_of_fold(frame, folds[0])
    people = (frame["label_source"].iloc[learned] == "reviewer").to_numpy()
    assert (known["label_source"].to_numpy()[people] == "reviewer").all()
    assert (known[RIPENESS].to_numpy()[people] == 1).all()


def test_in_a_fold_after_the_holdout_earlier_rows_are_as_unripe_as_in_the_final_fit():
    """Of rows before the holdout late truth never trains, however long ago the holdout began."""
    frame = gold_rows(days=60)
    frame["label_source"] = "chargeback"
    boundary = pd.Timestamp("2024-01-21")
    late = (frame["time"] < boundary) & (frame["label_known_at"] > boundary)
    frame["label"] = frame["label"].mask(late, frame["rule"])
    frame["label_known_at"] = frame["label_known_at"].mask(late, frame["time"])
    frame["label_source"] = frame["label_source"].mask(late, "rule")
    final = Training(datetime(2024, 3, 1), boundary).ripeness(frame)
    fold = split(frame, 3)[0][-1]
    assert fold.start > boundary + timedelta(days=7)
    learned, known = as_of_fold(frame, fold, boundary)
    waiting = late.to_numpy()[learned]
    estimated = known[RIPENESS].to_numpy()[waiting]
    assert unripe(estimated).mean() > 0.8
    assert estimated == pytest.approx(final[late], abs=0.05)
    # without the boundary a week has made them ripe
    assert not unripe(as_of_fold(frame, fold)[1][RIPENESS].to_numpy()[waiting]).any()
    # a fold before it knows no more than it did
    first = split(frame, 3)[0][0]
    if first.start < boundary:
        pd.testing.assert_frame_equal(*(as_of_fold(frame, first, b)[1] for b in (boundary, None)))


@pytest.mark.parametrize(
    ("truth", "expected"), [((1, 1, None), True), ((1, 0, None), False), ((None, None, 1), False)]
)
def test_truth_is_one_sided_where_only_positives_are_reported(truth, expected):
    """The last row's is a person's decision, which is asked for."""
    frame = pd.DataFrame({"truth": truth, "label_source": ["chargeback", "rule", "reviewer"]})
    assert one_sided(frame) == expected
