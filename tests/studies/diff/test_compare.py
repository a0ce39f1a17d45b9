"""What differs between two tables, against a count by hand."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.studies.diff import diff

START = datetime(2024, 1, 1)
SILVER = {
    "id": "string",
    "amount": "float64",
    "type": "string",
    "file": "string",
    "known_at": "datetime64[us]",
    "superseded_at": "datetime64[us]",
}
VERSION = st.tuples(
    st.sampled_from([1.0, 2.0, None]), st.sampled_from(["x", None]), st.sampled_from("fg")
)
# id to its versions, in order
TABLE = st.dictionaries(st.sampled_from("abcd"), st.lists(VERSION, min_size=1, max_size=3))


def silver(table):
    """Rows as validate writes them: each version known a day after the one before it."""
    rows = []
    for name, versions in table.items():
        days = [START + timedelta(days=n) for n in range(len(versions))]
        for n, version in enumerate(versions):
            rows.append((name, *version, days[n], days[n + 1] if n + 1 < len(days) else None))
    return pd.DataFrame(rows, columns=list(SILVER)).astype(SILVER)


def compare(a, b, **options):
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("a.parquet", "b.parquet")]
        for frame, path in zip((a, b), paths, strict=True):
            frame.to_parquet(path, index=False)
        return diff(Path(folder), Path(folder), *map(str, paths), **options)


def oracle(one, other):
    """Count kinds of rows and changed columns by hand."""
    found = dict.fromkeys(
        ("a", "b", "same", "added", "corrected", "changed", "bookkeeping", "removed"), 0
    )
    columns = {"changed": {}, "corrected": {}}

    def note(kind, was, now, *more):
        pairs = zip(("amount", "type", "file"), was, now, strict=True)
        for name in [*(c for c, x, y in pairs if x != y), *more]:
            columns[kind][name] = columns[kind].get(name, 0) + 1

    for name in sorted(one.keys() | other.keys()):
        was, now = one.get(name, []), other.get(name, [])
        found["a"] += len(was)
        found["b"] += len(now)
        found["removed"] += max(len(was) - len(now), 0)
        found["corrected" if was else "added"] += max(len(now) - len(was), 0)
        for n in range(min(len(was), len(now))):
            superseded = (n + 1 < len(was)) != (n + 1 < len(now))
            changed = was[n][:2] != now[n][:2]
            differs = changed or was[n] != now[n] or superseded
            found["changed" if changed else "bookkeeping" if differs else "same"] += 1
            note("changed", was[n], now[n], *(["superseded_at"] if superseded else []))
        if was:
            for n in range(len(was), len(now)):
                ended = n + 1 < len(now)
                note("corrected", now[n - 1], now[n], "known_at", "superseded_at")
                assert ended or n == len(now) - 1
    return found, columns


@settings(max_examples=25, deadline=None)
@given(TABLE, TABLE)
def test_versions_of_silver_are_counted_as_by_hand(one, other):
    found = compare(silver(one), silver(other))
    counts, columns = oracle(one, other)
    assert found["rows"] == counts
    for kind in columns:
        told = {c["column"]: c["rows"] for c in found["columns"][kind]}
        assert told == columns[kind]
    assert counts["b"] == sum(
        counts[k] for k in ("same", "changed", "bookkeeping", "added", "corrected")
    )


ROW = st.tuples(st.sampled_from("ab"), st.integers(0, 1))


@settings(max_examples=15, deadline=None)
@given(st.lists(ROW, max_size=6), st.lists(ROW, max_size=6))
def test_without_an_id_rows_are_counted_as_a_bag(one, other):
    frames = [
        pd.DataFrame(rows, columns=["p", "q"]).astype({"p": "string", "q": "int64"})
        for rows in (one, other)
    ]
    found = compare(*frames)["rows"]
    kept = sum(min(one.count(row), other.count(row)) for row in set(one))
    assert (found["same"], found["removed"], found["added"]) == (
        kept,
        len(one) - kept,
        len(other) - kept,
    )
    assert found["changed"] == 0


def test_examples_show_what_changed_and_what_it_was():
    one, other = ({"a": [(n, "x", "f")], "b": [(1.0, "x", "f")]} for n in (1.0, 2.0))
    found = compare(silver(one), silver(other))
    assert found["examples"]["changed"] == [{"row": {"id": "a"}, "columns": {"amount": [1.0, 2.0]}}]
    corrected = compare(silver(one), silver({**one, "a": [*one["a"], (5.0, "x", "g")]}))
    assert corrected["examples"]["corrected"] == [
        {"row": {"id": "a"}, "columns": {"amount": [1.0, 5.0]}}
    ]
    assert corrected["rows"]["bookkeeping"] == 1  # the version before it is superseded now


def test_columns_that_came_went_or_changed_type_are_told_and_values_still_compared():
    one = pd.DataFrame({"id": ["a", "b"], "n": [1, 2], "old": [0, 0]}).astype({"n": "int8"})
    other = pd.DataFrame({"id": ["a", "b"], "n": [1.0, 2.5], "new": [0, 0]})
    found = compare(one, other)
    assert found["columns"]["added"] == ["new"]
    assert found["columns"]["removed"] == ["old"]
    assert found["columns"]["retyped"] == [{"column": "n", "a": "TINYINT", "b": "DOUBLE"}]
    assert found["rows"]["same"] == 1
    assert found["rows"]["changed"] == 1


def test_a_key_of_ones_own_names_rows(tmp_path):
    frames = [pd.DataFrame({"shop": ["s", "s"], "no": [1, 2], "sum": [5, n]}) for n in (6, 7)]
    for name, frame in zip("ab", frames, strict=True):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [str(tmp_path / f"{name}.csv") for name in "ab"]
    found = diff(tmp_path, tmp_path, *paths, key=("shop", "no"))
    assert found["rows"]["changed"] == 1
    assert found["examples"]["changed"][0]["columns"] == {"sum": ["6", "7"]}
    with pytest.raises(VouchError, match="no column 'shops'") as caught:
        diff(tmp_path, tmp_path, *paths, key=("shops",))
    assert "'shop'" in caught.value.hint


def test_what_is_no_table_is_told(tmp_path):
    (tmp_path / "a.parquet").write_text("nothing of the kind")
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "one").mkdir()
    for name in ("x", "y"):
        pd.DataFrame({name: [1]}).to_parquet(tmp_path / "one" / f"{name}.parquet")
    for name, said in (
        ("a.parquet", "cannot be read"),
        ("b.json", "no table"),
        ("one", "different columns"),
        ("c.parquet", "no such file"),
    ):
        with pytest.raises(VouchError, match=said):
            diff(tmp_path, tmp_path, str(tmp_path / name), str(tmp_path / name))


def test_tables_with_nothing_in_common_are_told():
    with pytest.raises(VouchError, match="no column in common"):
        compare(pd.DataFrame({"p": [1]}), pd.DataFrame({"q": [1]}))


def test_a_quarter_of_the_memory_is_enough():
    n = 200_000
    frames = [
        pd.DataFrame({"id": [f"row-{i:012}" for i in range(n)], "x": range(s, n + s)})
        for s in (0, 1)
    ]
    found = compare(*frames, memory="64MB")
    assert found["rows"]["changed"] == n


@pytest.mark.parametrize("name", ["kind", "said", "whole", "h", "#", "a", "differing", "again"])
@pytest.mark.parametrize("key", [False, True])
def test_columns_may_be_called_as_anything(name, key):
    a = pd.DataFrame({name: ["p", "q", "q"], "amount": [1, 2, 4]})
    b = pd.DataFrame({name: ["p", "q", "r"], "amount": [1, 5, 4]})
    rows = compare(a, b, key=[name] if key else [])["rows"]
    changed = {"changed": 1, "added": 1, "removed": 1, "same": 1, "bookkeeping": 0}
    unnamed = {"changed": 0, "added": 2, "removed": 2, "same": 1, "bookkeeping": 0}
    wanted = changed if key else unnamed
    assert {kind: rows[kind] for kind in wanted} == wanted


def test_issues_in_csv_are_compared_as_rows(tmp_path):
    issue = {"entity": "e", "source": "rule", "actor": "r", "issued_at": START, "in_force": True}
    for name, label in (("a", 0), ("b", 1)):
        pd.DataFrame([issue | {"label": label}]).to_csv(tmp_path / f"{name}.csv", index=False)
    found = diff(tmp_path, tmp_path, *(str(tmp_path / f"{name}.csv") for name in "ab"))
    assert found["rows"]["changed"] == 1 and found["labels"] is None


def test_memory_that_is_no_size_is_an_error():
    frame = pd.DataFrame({"id": [1]})
    with pytest.raises(VouchError, match="memory: 'lots' is no size"):
        compare(frame, frame, memory="lots")


def test_no_part_of_a_files_name_is_a_pattern(tmp_path):
    for name, value in (("x1.csv", 1), ("x[1].csv", 2), ("y.csv", 2)):
        (tmp_path / name).write_text(f"id,a\n1,{value}\n")
    one, other = str(tmp_path / "x[1].csv"), str(tmp_path / "y.csv")
    found = diff(tmp_path, tmp_path, one, other, key=["id"])
    assert found["rows"]["same"] == 1 and found["rows"]["changed"] == 0
