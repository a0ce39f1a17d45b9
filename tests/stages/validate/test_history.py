from itertools import groupby

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.sources.declaration import Declaration
from vouch.stages.validate.history import find_repeats, find_versions

SOURCE = Declaration.model_validate(
    {
        "name": "t",
        "format": "csv",
        "columns": {"ref": {"role": "id"}, "at": {"role": "time"}, "sum": {"role": "amount"}},
    }
)
ROW = st.tuples(st.sampled_from("abc"), st.integers(0, 2))  # id, content; content 2 is bad
FILES = st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=4)


def oracle(rows):
    """Walk each id's versions in order of arrival, as the design tells it, by hand."""
    repeats, quarantined, versions = set(), set(), {}
    for _, group in groupby(sorted(rows, key=lambda r: (r["id"], r["key"])), lambda r: r["id"]):
        arrived, before = [], None
        for row in group:
            if before is not None and row["content"] == before:
                repeats.add(row["key"])
            else:
                arrived.append(row)
            before = row["content"]
        quarantined |= {row["key"] for row in arrived if row["content"] == 2}
        kept = []
        for row in arrived:
            if row["key"] in quarantined:
                continue
            if kept and kept[-1]["content"] == row["content"]:
                repeats.add(row["key"])
            else:
                kept.append(row)
        for place, row in enumerate(kept):
            end = kept[place + 1]["day"] if place + 1 < len(kept) else None
            versions[row["key"]] = (place > 0, end)
    return repeats, quarantined, versions


@settings(deadline=None, max_examples=80)
@given(FILES)
def test_repeats_and_versions_are_those_of_a_walk_by_hand(files):
    rows = []
    for day, file in enumerate(files):
        for line, (identity, content) in enumerate(file):
            rows.append(
                {"key": len(rows), "day": day, "line": line, "id": identity, "content": content}
            )
    if not rows:
        return
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE TABLE bronze (file_row_number BIGINT, id VARCHAR, row_hash VARCHAR,
                 arrived_at TIMESTAMP, file VARCHAR, line BIGINT, time TIMESTAMP)"""
        )
        connection.executemany(
            "INSERT INTO bronze VALUES (?, ?, ?, make_timestamp(? * 1000000), 'f', ?, NULL)",
            [(r["key"], r["id"], str(r["content"]), r["day"], r["line"]) for r in rows],
        )
        find_repeats(connection, SOURCE)
        connection.execute(
            """CREATE TABLE quarantined AS SELECT file_row_number FROM bronze
               ANTI JOIN repeats USING (file_row_number) WHERE row_hash = '2'"""
        )
        find_versions(connection)
        repeats, quarantined, versions = oracle(rows)
        found = {
            key: (corrects, end)
            for key, corrects, end in connection.execute(
                "SELECT file_row_number, corrects, epoch_us(superseded_at) // 1000000 FROM versions"
            ).fetchall()
        }
        every = {row["key"] for row in rows}
        assert {k for (k,) in connection.execute("FROM repeats").fetchall()} == repeats
        once = every - repeats - quarantined - found.keys()
        assert all(versions[key] == (False, None) for key in once)
        assert found == {key: versions[key] for key in found}
        assert every == repeats | quarantined | versions.keys()
