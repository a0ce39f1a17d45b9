"""What a column of texts could be read as."""

from datetime import datetime

import duckdb
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


@settings(max_examples=40, deadline=None)
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
    connection = duckdb.connect()
    connection.execute("CREATE TABLE sample (place BIGINT, cells VARCHAR[])")
    connection.executemany("INSERT INTO sample VALUES (?, [?])", list(enumerate(values)))

    facts = look(connection, "at", 0)

    present = [value for value in values if value not in ("", "n/a")]
    fitting = tuple(
        f
        for f in TIME_FORMATS
        if len(present) - sum(fits(v, f) for v in present) < 0.01 * len(present)
    )
    assert set(fitting) & set(FEW) == set(facts.formats) & set(FEW)
