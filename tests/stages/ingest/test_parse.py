from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.sources.declaration import FARTHEST, Declaration, plain_word
from vouch.sources.readers import Raw, literal
from vouch.stages.ingest.parse import LATEST, TWICE, plain, query

ZONES = [
    *("Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "Antarctica/Casey"),
    *("Asia/Pyongyang", "Pacific/Norfolk", "Asia/Kolkata", "America/New_York"),
    *("Africa/Casablanca", "Pacific/Apia", "UTC"),
]
FIRST, LAST = datetime(1990, 1, 2), datetime(2099, 12, 30)
MOROCCO = datetime(2026, 9, 1)
"""Up to here DuckDB's zone data and Python's agree on Morocco; it then ended its summer time."""
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@cache
def changes(zone: str) -> list[datetime]:
    """List the days (UTC) on which a zone's offset changes, or one of each year if it never does.

    They are what is worth asking about.
    """
    last = MOROCCO if zone == "Africa/Casablanca" else LAST
    days = [FIRST + n * DAY for n in range(1, (last - FIRST) // DAY)]
    offsets = [day.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    found = [day for day, now, then in zip(days, offsets[1:], offsets, strict=False) if now != then]
    return found or days[::365]


def meanings(zone: str, local: datetime) -> list[datetime]:
    """List the times in UTC at which the clocks of a zone show a local time, by Python's data."""
    times = {
        local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC).replace(tzinfo=None)
        for fold in (0, 1)
    }
    return sorted(
        time
        for time in times
        if time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    )


@st.composite
def local_times(draw: st.DrawFn, zone: str) -> list[datetime]:
    near = st.builds(
        lambda day, minutes: day + minutes * MINUTE,
        st.sampled_from(changes(zone)),
        st.integers(-26 * 60, 50 * 60),
    )
    return draw(st.lists(near, min_size=1, max_size=60))


def read(zone: str, times: list[datetime]) -> list[tuple]:
    columns = {
        "at": {"role": "time", "zone": zone},
        "sum": {"role": "amount"},
        "bad": {"role": "label"},
    }
    source = Declaration.model_validate(
        {"name": "payments", "usecase": "fraud", "format": "csv", "columns": columns}
    )
    rows = ", ".join(f"({n}, {literal(str(time))})" for n, time in enumerate(times))
    sql = f"SELECT *, NULL AS raw, NULL AS problem FROM (VALUES {rows}) AS t(line, cell)"
    raw = Raw(sql, ("at", "sum", "bad"), ("cell", "'1'", "'0'"))
    return duckdb.sql(f"SELECT time, {TWICE} FROM ({query(source, raw)}) ORDER BY line").fetchall()


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_are_the_first_of_their_meanings(zone):
    @settings(max_examples=10, deadline=None)
    @given(local_times(zone))
    def holds(times):
        for local, (time, twice) in zip(times, read(zone, times), strict=True):
            utc = meanings(zone, local)
            assert (time, twice) == (utc[0] if utc else None, len(utc) == 2), local

    holds()


@pytest.mark.parametrize(
    ("zone", "local", "utc", "twice"),
    [
        ("Australia/Lord_Howe", "2024-04-07 01:45", "2024-04-06 14:45", True),
        ("Australia/Lord_Howe", "2024-10-06 02:15", None, False),
        ("Antarctica/Troll", "2024-10-27 01:30", "2024-10-26 23:30", True),
        ("Antarctica/Troll", "2024-10-27 02:30", "2024-10-27 00:30", True),
        ("Antarctica/Casey", "2010-03-05 00:30", "2010-03-04 13:30", True),
        ("Asia/Pyongyang", "2015-08-14 23:45", "2015-08-14 14:45", True),
        ("Asia/Pyongyang", "2018-05-04 23:45", None, False),
        ("Pacific/Norfolk", "2015-10-04 01:45", "2015-10-03 14:15", True),
        ("Pacific/Norfolk", "2024-04-07 02:30", "2024-04-06 14:30", True),
        ("Pacific/Apia", "2011-12-30 12:00", None, False),
        ("Asia/Kolkata", "2024-03-31 02:30", "2024-03-30 21:00", False),
    ],
)
def test_shifts_of_other_than_an_hour(zone, local, utc, twice):
    time = None if utc is None else datetime.fromisoformat(utc)
    assert read(zone, [datetime.fromisoformat(local)]) == [(time, twice)]


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        *(("", 10), ("Z", 10), (" UTC", 10), (" GMT", 10), ("+02:00", 8), ("-05:00", 15)),
        *((" EST", 15), (" PST", 18), (" PDT", 17), (" CEST", 8), (" Europe/Berlin", 8)),
        *((" BST", None), (" IST", None), (" AST", None), (" ECT", None), (" SST", None)),
        *((" EST5EDT", None), (" XYZ", None)),
    ],
)
@pytest.mark.parametrize("declared", ["UTC", "Europe/London"])
def test_a_zones_abbreviation_is_read_only_if_it_has_one_meaning(zone, hour, declared):
    columns = {"at": {"role": "time"}, "paid": {"role": "amount"}}
    declaration = Declaration.model_validate(
        {"name": "shop", "format": "csv", "zone": declared, "columns": columns}
    )
    text = literal(f"2024-07-01 10:00:00{zone}")
    sql = f"SELECT 1 AS line, NULL AS problem, NULL AS raw, {text} AS a, '1' AS b"
    raw = Raw(sql, ("at", "paid"), ("a", "b"))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        time, reason = connection.execute(
            f"SELECT time, reason FROM ({query(declaration, raw)})"
        ).fetchall()[0]
    if hour is None:
        assert "is not a time" in reason
        assert "an offset such as +02:00" in reason
    else:
        summer = 1 if not zone and declared != "UTC" else 0
        assert (time, reason) == (datetime(2024, 7, 1, hour - summer), None)


LETTERS = st.characters(codec="utf-8")
PARTS = st.sampled_from([*"ΣςİIıẞK+-.01１", "1.0", ".00", " ", "\t", "\n", "\u00a0", "\u2028"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(LETTERS) | st.lists(PARTS).map("".join), min_size=1))
def test_a_labels_text_is_compared_alike_in_python_and_sql(texts: list[str]) -> None:
    with duckdb.connect() as connection:
        sql = f"SELECT {plain('text')} FROM (SELECT unnest(?) AS text)"
        rows = connection.execute(sql, [texts]).fetchall()
    assert [word for (word,) in rows] == [plain_word(text) for text in texts]
    assert all(plain_word(text) == plain_word(f" {text}\t") for text in texts)


@pytest.mark.parametrize("first", [-FARTHEST, 0, FARTHEST])
@pytest.mark.parametrize("origin", [datetime(1900, 1, 1), datetime(2024, 1, 1)])
def test_every_step_of_the_farthest_numbers_is_read(first, origin):
    when = {"role": "time", "unit": "step", "step": "0.000001s", "first": first, "origin": origin}
    columns = {"at": when, "paid": {"role": "amount"}}
    source = Declaration.model_validate({"name": "shop", "format": "csv", "columns": columns})
    last = first + (LATEST - origin) // timedelta(microseconds=1)
    steps = (first - 1, first, first + 1, last, last + 1)
    rows = ", ".join(f"({n}, '{step}')" for n, step in enumerate(steps))
    sql = f"SELECT *, NULL AS raw, NULL AS problem FROM (VALUES {rows}) AS t(line, cell)"
    read_rows = query(source, Raw(sql, ("at", "paid"), ("cell", "'1'")))
    times = duckdb.sql(f"SELECT time FROM ({read_rows}) ORDER BY line").fetchall()
    second = origin + timedelta(microseconds=1)
    assert [time for (time,) in times] == [None, origin, second, LATEST, None]
