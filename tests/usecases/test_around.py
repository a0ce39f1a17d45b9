from datetime import datetime, timedelta

import pandas as pd
import pytest

from vouch.core.errors import VouchError
from vouch.engine import connect
from vouch.usecases.around import FIRST, gather

DAY = timedelta(days=1)
START = datetime(2024, 1, 1)
COLUMNS = ("id", "payer", "name", "known_at", "superseded_at", "arrived_at")
ROWS = [
    ("a", "ann", "x", START, None, START),
    ("b", "ann", "y", None, None, START),
    ("c", "bob", "z", START, None, START),
    # a payment of bob's that a correction gave to ann, and one that a correction took from her
    ("d", "bob", "old", START, START + 2 * DAY, START),
    ("d", "ann", "new", START + 2 * DAY, None, START + 2 * DAY),
    ("e", "ann", "old", START, START + 2 * DAY, START),
    ("e", "bob", "new", START + 2 * DAY, None, START + 2 * DAY),
]


@pytest.fixture
def silver(tmp_path):
    table = pd.DataFrame(ROWS, columns=COLUMNS)
    times = [name for name in COLUMNS if name.endswith("_at")]
    table.astype(dict.fromkeys(times, "datetime64[us]")).to_parquet(path := tmp_path / "s.parquet")
    return path


def around(silver, ids, roles, lag):
    with connect() as backend:
        columns = gather(backend, silver, ids, roles, lag)
        assert columns == set(COLUMNS)
        query = f'SELECT id, payer, name, "{FIRST}" FROM around ORDER BY id'
        return backend.con.execute(query).fetchall()


@pytest.mark.parametrize(
    ("lag", "d", "e"),
    [(DAY, ("bob", "old"), ("ann", "old")), (3 * DAY, ("ann", "new"), ("bob", "new"))],
)
def test_rows_are_those_of_the_parties_as_they_were_when_scored(silver, lag, d, e):
    rows = around(silver, ["a"], ["payer", "payee"], lag)
    assert ("a", "ann", "x", START) in rows and ("b", "ann", "y", None) in rows
    assert ("d", *d, START) in rows and ("e", *e, START) in rows
    assert "c" not in {name for name, *_ in rows}


def test_without_parties_only_the_cases_and_corrected_rows_are_read(silver):
    assert [row[0] for row in around(silver, ["c"], [], DAY)] == ["c", "d", "e"]


def test_a_row_that_is_gone_is_named(silver):
    with pytest.raises(VouchError, match="no row 'z'"):
        around(silver, ["a", "z"], ["payer"], DAY)
