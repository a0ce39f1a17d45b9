"""The measure at past dates, against plain counting by hand."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, recall_score

from tests.results import extracted
from tests.stages.report.conftest import DECLARATION
from vouch.labels.resolve import STRENGTH
from vouch.sources.declaration import Declaration
from vouch.stages.report.sliding import FEW, POINTS, dates_of, sliding, spacing

START = datetime(2024, 1, 1)
SOURCE = Declaration.model_validate(DECLARATION)
TEXTS = Declaration.model_validate(
    {
        "name": "notes",
        "usecase": "sentiment",
        "format": "csv",
        "columns": {
            "at": {"role": "time"},
            "said": {"role": "text"},
            "mood": {"role": "label", "values": ["bad", "so", "good"]},
        },
        "rule": {"lexicon": "vader"},
    }
)
ORDER = ("rule", "given", "chargeback", "reviewer")
ISSUES = st.lists(
    st.tuples(
        st.integers(0, 29),
        st.integers(0, 1),
        st.sampled_from(ORDER),
        st.integers(0, 80),
        st.booleans(),
    ),
    max_size=60,
)


def at(hour):
    return START + timedelta(hours=hour)


def write(folder, rows, issues):
    """Write predictions of hour and probabilities, and issues; an issue's row may not be there."""
    frame = pd.DataFrame({"id": [str(n) for n in range(len(rows))]})
    frame["time"] = pd.Series([at(hour) for hour, *_ in rows]).astype("datetime64[us]")
    for number in range(len(rows[0]) - 1):
        frame[f"score_{number}"] = [row[number + 1] for row in rows]
    frame.to_parquet(folder / "predictions.parquet")
    table = pd.DataFrame(issues, columns=["entity", "label", "source", "hour", "in_force"])
    types = {"entity": "string", "label": "int8", "source": "string", "in_force": "bool"}
    table = table.astype(types | {"hour": "int64"})
    hours = pd.to_timedelta(table.pop("hour"), unit="h")
    table["issued_at"] = (pd.Timestamp(START) + hours).astype("datetime64[us]")
    table.to_parquet(folder / "labels.parquet")
    return folder / "predictions.parquet", folder / "labels.parquet"


def truth_of(row, issues, hour):
    known = [
        (STRENGTH[i[2]], i[3], i[1])
        for i in issues
        if i[0] == row and i[2] != "rule" and i[3] <= hour and i[4]
    ]
    return max(known)[2] if known else None


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), min_size=3, max_size=30).filter(
        lambda rows: max(rows)[0] > min(rows)[0]
    ),
    issues=ISSUES,
    now=st.integers(40, 80),
)
def test_each_date_knows_what_was_known_then(rows, issues, now):
    scored = [(hour, 1 - score / 5, score / 5) for hour, score in rows]
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), scored, issues)
        described = extracted(as_of=at(now).isoformat())
        past = sliding(*files, SOURCE, described, "average_precision")
    hours = [hour for hour, *_ in rows]
    dates = [h for h in range(200) if h - min(hours) >= 5 * 3 and h % 3 == 0 and h < max(hours) + 3]
    if max(hours) - min(hours) <= 20:  # by the hour
        dates = [h for h in range(200) if min(hours) + 5 <= h <= max(hours)]
    step = 1 if max(hours) - min(hours) <= 20 else 3
    expected = []
    for date in dict.fromkeys(min(date, now) for date in dates):
        inside = [n for n, (hour, _) in enumerate(rows) if date - 5 * step < hour <= date]
        if not inside:
            continue
        values = []
        for moment in (date, now):
            truth = {n: truth_of(n, issues, moment) for n in inside}
            known = [n for n in inside if truth[n] is not None]
            labels = [truth[n] for n in known]
            scores = [rows[n][1] for n in known]
            shown = any(labels) and all(labels.count(k) >= FEW for k in set(labels))
            values += [len(known), average_precision_score(labels, scores) if shown else None]
        expected.append((date, len(inside), *values))
    if past is None:
        shown = [e for e in expected if e[5] is not None]
        assert not shown or len(expected) < 2 or all(e[2:4] == e[4:] for e in expected)
        return
    got = [
        (
            (datetime.fromisoformat(p["at"]) - START) / timedelta(hours=1),
            p["rows"],
            *(p[k][what] if what == "rows" else p[k]["figure"]["value"]
              for k in ("then", "now") for what in ("rows", "figure")),
        )
        for p in past["points"]
    ]  # fmt: skip
    assert [e[:3] for e in got] == [e[:3] for e in expected]
    for mine, plain in zip(got, expected, strict=True):
        assert mine[4] == plain[4]
        for place in (3, 5):
            assert mine[place] == pytest.approx(plain[place])


def test_classes_are_measured_by_macro_recall(tmp_path):
    random = np.random.default_rng(1)
    rows = [(n // 2, *random.dirichlet([1, 1, 1])) for n in range(120)]
    issues = [
        (n, int(random.integers(0, 3)), "given", n // 2 + 5 + 20 * (n % 2), True)
        for n in range(120)
    ]
    files = write(tmp_path, rows, issues)
    past = sliding(*files, TEXTS, extracted(as_of=at(200).isoformat()), "macro_recall")
    last = past["points"][-1]
    until = (datetime.fromisoformat(last["at"]) - START) / timedelta(hours=1)
    inside = [n for n in range(120) if until - 15 < n // 2 <= until]
    chosen = [int(np.argmax(rows[n][1:])) for n in inside]
    labels = [issues[n][1] for n in inside]
    assert last["now"]["rows"] == len(inside) > last["then"]["rows"]
    figure = last["now"]["figure"]
    assert figure["value"] == pytest.approx(recall_score(labels, chosen, average="macro"))
    assert figure["interval"][0] <= figure["value"] <= figure["interval"][1]


@pytest.mark.parametrize("late", [0, 5])
def test_where_truth_is_known_at_once_there_is_nothing_to_compare(tmp_path, late):
    rows = [(hour, 0.5, 0.5) for hour in range(60)]
    issues = [(n, n % 2, "given", n + late, True) for n in range(60)]
    files = write(tmp_path, rows, issues)
    past = sliding(*files, SOURCE, extracted(as_of=at(200).isoformat()), "average_precision")
    assert (past is None) == (late == 0)


def test_rows_without_a_time_have_no_past(tmp_path):
    predictions, labels = write(tmp_path, [(n, 0.5, 0.5) for n in range(9)], [])
    pd.read_parquet(predictions).drop(columns="time").to_parquet(predictions)
    assert sliding(predictions, labels, SOURCE, extracted(), "average_precision") is None


@given(
    hours=st.lists(st.integers(0, 20_000), min_size=2, max_size=9, unique=True),
    delay=st.integers(0, 2_000),
)
def test_there_are_few_dates_and_each_looks_back_beyond_the_delay(hours, delay):
    time = pd.Series([at(hour) for hour in hours])
    step, window = spacing(time, timedelta(hours=delay))
    dates = dates_of(time, step, window)
    assert len(dates) <= POINTS
    assert window >= 3 * timedelta(hours=delay) and window >= 5 * step
    assert window % step == timedelta(0)
    for date in dates:
        assert time.min() <= date - window and date - step < time.max()


def test_no_date_is_later_than_what_is_known(tmp_path):
    rows = [(hour, 0.5, 0.5) for hour in range(0, 119, 2)]
    issues = [(n, n % 2, "given", 2 * n + 5, True) for n in range(60)]
    described = extracted(as_of=at(119).isoformat())
    past = sliding(*write(tmp_path, rows, issues), SOURCE, described, "average_precision")
    assert past["step"] == 6 * 3600  # the last row's step ends at hour 120
    assert past["points"][-1]["at"] == at(119).isoformat()


def test_of_one_positive_no_figure_is_shown(tmp_path):
    rows = [(hour, 0.5, 0.5) for hour in range(60)]
    issues = [(n, int(n == 30 or (n > 40 and n % 2)), "given", n + 5, True) for n in range(60)]
    described = extracted(as_of=at(200).isoformat())
    past = sliding(*write(tmp_path, rows, issues), SOURCE, described, "average_precision")
    shown = {
        (datetime.fromisoformat(p["at"]) - START) // timedelta(hours=1): p["now"]["figure"]["value"]
        for p in past["points"]
    }
    assert shown[39] is None and shown[54] is not None
