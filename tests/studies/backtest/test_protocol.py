from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.studies.backtest.protocol import (
    Fold,
    assessed_rows,
    card_precision,
    check_folds,
    measure,
    parse_folds,
)
from vouch.studies.backtest.run import training_rows

START = datetime(2018, 6, 20)
DAY = timedelta(days=1)
ROW = st.tuples(st.integers(-40, 24 * 24), st.sampled_from("ABCDE"), st.booleans())


def table(rows):
    frame = pd.DataFrame(rows, columns=["hour", "payer", "truth"])
    frame["time"] = pd.to_datetime([START + timedelta(hours=h) for h in frame["hour"]])
    frame["truth"] = frame["truth"].astype("int8")
    return frame


def is_assessed(row, rows):
    """The published rule: frauds of the training days and, day by day, of those since."""
    day = row[0] // 24
    if not 14 <= day < 21:
        return False
    known = {payer for hour, payer, fraud in rows if fraud and 0 <= hour // 24 < day - 7}
    return row[1] not in known


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, max_size=40))
def test_customers_known_for_a_fraud_are_not_assessed(rows):
    got = assessed_rows(table(rows), Fold(START))
    assert got.tolist() == [is_assessed(row, rows) for row in rows]


def day_by_day(rows, capacity):
    detected, shares = set(), []
    for day in sorted({row[0] // 24 for row in rows}):
        best = {}
        for hour, payer, fraud, score in rows:
            if hour // 24 == day and payer not in detected:
                top, bad = best.get(payer, (0, False))
                best[payer] = (max(top, score), bad or fraud)
        riskiest = sorted(best, key=lambda payer: -best[payer][0])[:capacity]
        caught = {payer for payer in riskiest if best[payer][1]}
        detected |= caught
        shares.append(len(caught) / capacity)
    return sum(shares) / len(shares)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 4), st.randoms())
def test_card_precision_is_the_published_one(rows, capacity, random):
    scores = random.sample(range(1, 1000), len(rows))  # no ties
    frame = table(rows).assign(score=scores)
    scored = [(*row, score) for row, score in zip(rows, scores, strict=True)]
    assert card_precision(frame, capacity) == pytest.approx(day_by_day(scored, capacity))


def test_measures_are_scikit_learns():
    from sklearn.metrics import average_precision_score, roc_auc_score

    generator = np.random.default_rng(0)
    frame = table([(n % 48, "A", n % 5 == 0) for n in range(200)])
    frame["score"] = generator.random(200).round(2) + 0.3 * frame["truth"]
    got = measure(frame)
    assert got["auc"] == pytest.approx(roc_auc_score(frame["truth"], frame["score"]))
    assert got["ap"] == pytest.approx(average_precision_score(frame["truth"], frame["score"]))


@pytest.mark.parametrize("history", [None, 7, 3])
def test_training_rows_are_those_whose_truth_was_known(history):
    hours = np.arange(-10 * 24, 21 * 24, 5)
    frame = pd.DataFrame({"time": [START + timedelta(hours=int(h)) for h in hours]})
    delays = np.where(np.arange(len(hours)) % 2, 7, 1)
    frame["truth_known_at"] = frame["time"] + pd.to_timedelta(delays, unit="D")
    chosen = frame[training_rows(frame, Fold(START), history)]
    assert (chosen["truth_known_at"] <= START + 14 * DAY).all()
    late = (frame["truth_known_at"] > START + 14 * DAY) | (frame["time"] >= START + 14 * DAY)
    first = frame["time"].min() if history is None else START + (7 - history) * DAY
    assert len(chosen) == (~late & (frame["time"] >= first)).sum()


def test_dates_are_read_in_order():
    assert [fold.start.day for fold in parse_folds(" 2018-06-20, 2018-06-13 ")] == [20, 13]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2018-13-40", "'2018-13-40' is no date"),
        ("11.07.2018", "is no date"),
        ("", "no date"),
        ("2018-06-20,2018-06-20", "twice"),
    ],
)
def test_dates_that_cannot_be_read_are_told(text, message):
    with pytest.raises(VouchError, match=message):
        parse_folds(text)


@pytest.mark.parametrize(("day", "side"), [("2018-03-31", "early"), ("2018-07-12", "late")])
def test_a_fold_outside_the_rows_is_told_the_range(day, side):
    first, last = datetime(2018, 4, 1, 8), datetime(2018, 7, 31, 22)
    with pytest.raises(VouchError, match=f"{day} is too {side}") as caught:
        check_folds(parse_folds(day), first, last, "cards.parquet")
    assert caught.value.hint == "choose dates from 2018-04-01 to 2018-07-11"
    check_folds(parse_folds("2018-04-01,2018-07-11"), first, last, "cards.parquet")


def test_too_short_a_file_is_told():
    with pytest.raises(VouchError) as caught:
        check_folds([Fold(START)], START, START + 5 * DAY, "cards.parquet")
    assert "21 days" in caught.value.hint
