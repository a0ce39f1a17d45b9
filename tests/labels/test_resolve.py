from datetime import timedelta

import ibis
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels.conftest import START
from vouch.engine import connect
from vouch.labels.resolve import resolve
from vouch.usecases.classes import MOST

STRENGTH = {"rule": 1, "given": 2, "chargeback": 2, "reviewer": 3}
SCHEMA = {
    "entity": "string",
    "label": "int8",
    "source": "string",
    "issued_at": "timestamp(6)",
    "in_force": "boolean",
}
ISSUE = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, MOST - 1),
    st.sampled_from(sorted(STRENGTH)),
    st.integers(0, 5),
    st.booleans(),
)


def oracle(rows, minute):
    held = {}
    for entity, label, source, issued, in_force in rows:
        if not in_force or issued > minute:
            continue
        candidate = (STRENGTH[source], issued, label)
        held[entity] = max(held.get(entity, (0, 0, 0)), candidate)
    return {entity: (label, issued) for entity, (_, issued, label) in held.items()}


def table(rows):
    moments = [(*row[:3], START + timedelta(minutes=row[3]), row[4]) for row in rows]
    return ibis.memtable(pd.DataFrame(moments, columns=list(SCHEMA)), schema=ibis.schema(SCHEMA))


@settings(max_examples=60, deadline=None)
@given(st.lists(ISSUE, max_size=12), st.integers(0, 5))
def test_the_strongest_then_newest_label_known_holds(rows, minute):
    with connect(threads=1) as engine:
        found = engine.to_pandas(resolve(table(rows), START + timedelta(minutes=minute)))
    got = {
        row.entity: (row.label, (row.issued_at - START) // timedelta(minutes=1))
        for row in found.itertuples()
    }
    assert got == oracle(rows, minute)


def test_source_and_microseconds_survive(engine):
    moment = START + timedelta(microseconds=123_457)
    frame = pd.DataFrame([("a", 1, "given", moment, True)], columns=list(SCHEMA))
    found = engine.to_pandas(resolve(ibis.memtable(frame, schema=ibis.schema(SCHEMA))))
    assert found.iloc[0].to_list() == ["a", 1, "given", moment]
