"""What was known of a row when it would have been scored, against a walk through its versions."""

from datetime import datetime, timedelta

import ibis
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels.conftest import START
from vouch.labels.known import rows_when_scored

SCHEMA = {
    "id": "string",
    "version": "int64",
    "known_at": "timestamp(6)",
    "superseded_at": "timestamp(6)",
    "arrived_at": "timestamp(6)",
}
ARRIVALS = st.lists(st.integers(10, 40), min_size=1, max_size=5).map(sorted)
"""When the versions of a row came, in minutes."""
ROWS = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 20)), ARRIVALS), max_size=6)
"""When it happened, if that is known, and its versions."""


def at(minute):
    return None if minute is None else START + timedelta(minutes=minute)


def silver(drawn, arrivals=True):
    """Lay versions out as validate does: the first is known when it happened, others on arrival."""
    lines = []
    for number, (happened, came) in enumerate(drawn):
        for version, arrived in enumerate(came):
            known = arrived if version else happened
            until = came[version + 1] if version + 1 < len(came) else None
            lines.append((f"r{number}", version, at(known), at(until), at(arrived)))
    frame = pd.DataFrame(lines, columns=list(SCHEMA))
    table = ibis.memtable(frame, schema=ibis.schema(SCHEMA))
    return table if arrivals else table.drop("arrived_at")


def walked(happened, came, as_of, lag):
    """Return the version in force when a row is scored: the last one known by then."""
    first = -(10**6) if happened is None else happened
    standing = None
    for version, arrived in enumerate(came):
        known = arrived if version else first
        if as_of is not None and known > as_of:
            continue
        # what came with the first version was known with it
        moment = first if arrived == came[0] else known
        if standing is None or moment <= first + lag:
            standing = version
    return standing


@settings(deadline=None)
@given(
    drawn=ROWS,
    as_of=st.one_of(st.none(), st.integers(0, 45)),
    lag=st.integers(0, 30),
)
def test_each_row_has_the_version_of_its_scoring(engine, drawn, as_of, lag):
    # a row happens before it arrives, as far as anyone knows
    drawn = [(h if h is None else min(h, came[0]), came) for h, came in drawn]
    kept = rows_when_scored(silver(drawn), at(as_of), timedelta(minutes=lag))
    assert kept.columns == tuple(SCHEMA)
    got = {row["id"]: row["version"] for row in engine.to_pyarrow(kept).to_pylist()}
    assert len(got) == engine.execute(kept.count())
    expected = {f"r{n}": walked(*row, as_of, lag) for n, row in enumerate(drawn)}
    assert got == {name: version for name, version in expected.items() if version is not None}


def test_where_arrivals_are_not_known_versions_are_by_their_own_times(engine):
    rows = silver([(5, [10, 10, 30])], arrivals=False)
    for lag, version in ((0, 0), (4, 0), (5, 1), (24, 1), (25, 2)):
        kept = engine.to_pandas(rows_when_scored(rows, None, timedelta(minutes=lag)))
        assert kept["version"].tolist() == [version]


def test_rows_that_nobody_corrected_are_those_known_by_the_time(engine):
    rows = silver([(n, [15]) for n in range(10)])
    kept = rows_when_scored(rows, datetime(2024, 1, 1, 0, 6), timedelta(0))
    assert sorted(engine.to_pandas(kept)["id"]) == [f"r{n}" for n in range(7)]


def test_a_sources_columns_may_bear_any_name(engine):
    words = {name: ibis.literal(name) for name in ("first", "came", "arrived", "known_from")}
    rows = silver([(5, [10, 30]), (5, [10])]).mutate(**words)
    kept = engine.to_pandas(rows_when_scored(rows, None, timedelta(minutes=1)))
    assert kept["version"].tolist() == [0, 0]
    assert all((kept[name] == name).all() for name in words)
