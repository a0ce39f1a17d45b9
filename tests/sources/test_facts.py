"""What a column of texts could be read as."""

from datetime import datetime
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.sources.draft.facts import FIRST, TIME_FORMATS, look

FEW = ("%d.%m.%Y", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%Y%m%d")
NOISE = ("", "n/a", "abc 1.2 3", "31.31.2024")


def fits(value: str, form: str) -> bool:
    try:
        return datetime.strptime(value, form).year >= FIRST
    except ValueError:
        return False


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(FEW),
    st.integers(1, 230),
    st.lists(st.tuples(st.integers(0, 229), st.sampled_from(NOISE)), max_size=4),
)
def test_the_patterns_are_those_that_fit_nearly_all_values(
    form: str, rows: int, noise: list[tuple[int, str]]
) -> None:
    values = [datetime(2024, 1 + n % 12, 1 + n % 28, n % 24).strftime(form) for n in range(rows)]
    for place, value in noise:
        values[place % rows] = value
    cells = [None if value in ("", "n/a") else value for value in values]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE sample (place BIGINT, cells VARCHAR[])")
    connection.executemany("INSERT INTO sample VALUES (?, [?])", list(enumerate(cells)))

    (facts,) = look(connection, ("at",), 0)

    present = [value for value in cells if value is not None]
    fitting = tuple(
        f
        for f in TIME_FORMATS
        if len(present) - sum(fits(v, f) for v in present) < 0.01 * len(present)
    )
    assert set(fitting) & set(FEW) == set(facts.formats) & set(FEW)


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 40), st.integers(1, 6), st.randoms(use_true_random=False))
def test_facts_do_not_depend_on_the_columns_beside(rows: int, taken: int, draw: Random) -> None:
    kinds = (
        lambda: f"${draw.randint(-99, 9999):,}.5",
        lambda: str(draw.randint(0, 9)),
        lambda: f"2024-03-{draw.randint(1, 28)} 12:30+02:00",
        lambda: draw.choice(NOISE),
        lambda: f"{draw.randint(1, 28):02}.03.2024",
        lambda: f"03/{draw.randint(1, 28):02}/2024",
        lambda: draw.choice(["12/28/2024", "12/28/2024", "12/28/2024 10:30"]),
    )
    connection = duckdb.connect()
    connection.execute("CREATE TABLE sample (place BIGINT, cells VARCHAR[])")
    cells = [[kind() for kind in kinds] for _ in range(rows)]
    connection.executemany("INSERT INTO sample VALUES (?, ?)", list(enumerate(cells)))
    names = ("amount", "count", "at", "noise", "day", "month", "mixed")

    alone = [fact for place, name in enumerate(names) for fact in look(connection, (name,), place)]

    some = [*look(connection, names[:taken], 0), *look(connection, names[taken:], taken)]
    assert some == alone


class Counting:
    """A connection that counts its queries."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection, self.queries = connection, 0

    def execute(self, query: str) -> duckdb.DuckDBPyConnection:
        self.queries += 1
        return self.connection.execute(query)


@pytest.mark.parametrize("columns", [2, 60])
def test_as_many_queries_look_at_many_columns_as_at_few(columns: int) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE sample (place BIGINT, cells VARCHAR[])")
    cells = [[f"{row:02}.03.2024"] * columns for row in range(1, 13)]
    connection.executemany("INSERT INTO sample VALUES (?, ?)", list(enumerate(cells)))
    counting = Counting(connection)
    facts = list(look(counting, tuple(f"c{place}" for place in range(columns)), 0))
    assert all("%d.%m.%Y" in each.formats for each in facts) and len(facts) == columns
    assert counting.queries == 5


@pytest.mark.parametrize(
    ("zone", "iso"),
    [
        ("", 1),
        ("Z", 1),
        (" UTC", 1),
        ("+02:00", 1),
        (" Europe/Berlin", 1),
        (" BST", 0),
        (" IST", 0),
    ],
)
def test_times_of_an_ambiguous_zone_are_not_taken_for_iso_times(zone: str, iso: int) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE sample (place BIGINT, cells VARCHAR[])")
    cells = [[f"2024-07-01 10:{minute}:00{zone}"] for minute in range(10, 30)]
    connection.executemany("INSERT INTO sample VALUES (?, ?)", list(enumerate(cells)))
    (facts,) = look(connection, ("at",), 0)
    assert facts.iso == iso
