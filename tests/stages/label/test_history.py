"""The label history against labels resolved by hand as of every period's end."""

from collections import Counter
from datetime import date, datetime, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.engine import connect
from vouch.labels.resolve import STRENGTH
from vouch.stages.label.history import LAST, history, turns

START = datetime(2024, 1, 30, 5)
CLASSES = ("negative", "neutral", "positive")
ROWS = {
    "id": "string",
    "time": "datetime64[us]",
    "known_at": "datetime64[us]",
    "superseded_at": "datetime64[us]",
}
ISSUES = {
    "entity": "string",
    "label": "int8",
    "source": "string",
    "issued_at": "datetime64[us]",
    "in_force": "bool",
}
# id: day of the event, and days until it arrived
ROW = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1
)
ISSUE = st.tuples(
    st.sampled_from("abcd"),
    st.integers(0, 2),
    st.sampled_from(sorted(STRENGTH)),
    st.integers(0, 80),
    st.sampled_from([True, True, False]),
)


def day(n):
    return START + timedelta(days=n)


def frames(rows, issues):
    known = [(i, day(at), day(at + late), None) for i, (at, late) in rows.items()]
    # an older version of each row, which must not be counted
    older = [(i, day(0), day(0), day(at)) for i, (at, _) in rows.items()]
    issued = [(e, label, source, day(at), force) for e, label, source, at, force in issues]
    return (
        pd.DataFrame(known + older, columns=list(ROWS)).astype(ROWS),
        pd.DataFrame(issued, columns=list(ISSUES)).astype(ISSUES),
    )


def ask(rows, issues):
    with connect(threads=1) as engine:
        tables = [
            engine.create_table(ibis.util.gen_name("t"), ibis.memtable(frame))
            for frame in frames(rows, issues)
        ]
        current = tables[0].filter(tables[0].superseded_at.isnull()).mutate(part=ibis.literal(0))
        turned = [turn for _, turn in turns(current, tables[1])]
        return history(*tables, turned, CLASSES)


def begin(moment, unit):
    found = moment.date()
    if unit == "month":
        return found.replace(day=1)
    return found - timedelta(days=found.weekday()) if unit == "week" else found


def oracle(rows, issues, unit, of, as_of):
    """Count by hand what was known of the rows of a period by the end of another."""
    known, held = 0, {}
    for name, (at, late) in rows.items():
        if begin(day(at), unit) != of:
            continue
        known += begin(day(at + late), unit) <= as_of
        best = [
            (STRENGTH[source], when, label, source)
            for e, label, source, when, force in issues
            if e == name and force and begin(day(when), unit) <= as_of
        ]
        if best:
            # of equal strength, time and label two sources may tie: rank puts chargeback first
            _, _, label, source = max(best, key=lambda b: (*b[:3], b[3] == "chargeback"))
            held.setdefault(source, Counter())[CLASSES[label]] += 1
    return known, held


@settings(max_examples=25, deadline=None)
@given(ROW, st.lists(ISSUE, max_size=12))
def test_every_cell_is_as_resolved_by_hand(rows, issues):
    found = ask(rows, issues)
    for cell in found["cells"]:
        of, as_of = (date.fromisoformat(cell[name]) for name in ("of", "as_of"))
        known, held = oracle(rows, issues, found["unit"], of, as_of)
        assert cell["rows"] == known
        assert cell["by_source"] == held
    told = {(c["of"], c["as_of"]) for c in found["cells"]}
    assert len(told) == len(found["cells"])
    ends = [
        begin(day(d), found["unit"])
        for d in [at + late for at, late in rows.values()]
        + [when for *_, when, force in issues if force]
    ]
    newest = max(ends).isoformat()
    kept = max(ends) - timedelta(days={"day": 1, "week": 7, "month": 28}[found["unit"]] * 20)
    for name, (at, late) in rows.items():
        of = begin(day(at), found["unit"])
        if of > kept:
            assert (of.isoformat(), newest) in told, (name, late)


@pytest.mark.parametrize(
    ("days", "unit"), [(0, "day"), (20, "day"), (30, "week"), (92, "week"), (100, "month")]
)
def test_the_unit_follows_the_span(days, unit):
    found = ask({"a": (0, 0), "b": (days, 0)}, [])
    assert found["unit"] == unit


def test_a_late_label_stretches_the_span():
    assert ask({"a": (0, 0)}, [("a", 1, "reviewer", 200, True)])["unit"] == "month"


def test_only_the_last_periods_are_told():
    found = ask(
        {"a": (0, 0), "b": (2000, 0)}, [("a", 1, "rule", 0, True), ("b", 1, "rule", 2000, True)]
    )
    assert len({cell["of"] for cell in found["cells"]}) == 1
    rows = {chr(97 + n): (n * 31, 0) for n in range(26)} | {"z": (0, 0)}
    found = ask(rows, [])
    assert len({cell["as_of"] for cell in found["cells"]}) == LAST


def test_without_times_or_rows_there_is_none(engine):
    rows, issues = frames({"a": (0, 0)}, [])
    made = [engine.create_table(ibis.util.gen_name("t"), ibis.memtable(f)) for f in (rows, issues)]
    assert history(made[0].drop("time"), made[1], [], CLASSES) is None
    assert history(made[0].filter(False), made[1], [], CLASSES) is None
