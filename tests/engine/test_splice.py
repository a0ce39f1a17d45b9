import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.engine.splice import digests, is_regular, lay_out, splice, unchanged

GROUP = 2048
FORM = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP}, WRITE_BLOOM_FILTER false)"
COLUMNS = """i, md5(i::VARCHAR) AS id, TIMESTAMP '2024-01-01' + to_seconds(i // 100) AS time,
  ['a', 'b', NULL][1 + i % 3] AS kind, NULL::VARCHAR AS never, i % 2 = 0 AS even,
  CASE WHEN i % 5 > 0 THEN (i / 7)::FLOAT END AS part, (i % 100)::TINYINT AS small"""


def write(path, first, end):
    duckdb.execute(f"COPY (SELECT {COLUMNS} FROM range({first}, {end}) t(i)) TO '{path}' {FORM}")
    return path


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(0, 9000), more=st.integers(0, 9000), keep=st.integers(0, 4))
def test_a_spliced_file_is_the_bytes_of_one_written_whole(tmp_path_factory, rows, more, keep):
    folder = tmp_path_factory.mktemp("splice")
    stays = min(keep, rows // GROUP)
    old = write(folder / "old", 0, rows)
    tail = write(folder / "tail", stays * GROUP, rows + more)
    splice(old, stays, tail, folder / "out")
    whole = write(folder / "whole", 0, rows + more)
    assert (folder / "out").read_bytes() == whole.read_bytes()


def test_digests_tell_which_row_groups_stayed(tmp_path, monkeypatch):
    monkeypatch.setattr("vouch.engine.splice.ROW_GROUP", GROUP)
    old, new = write(tmp_path / "old", 0, 5000), write(tmp_path / "new", 0, 9000)
    other = write(tmp_path / "other", 1, 9000)
    assert len(digests(old)) == 3
    assert unchanged(digests(old), digests(new), 5000) == 2
    assert unchanged(digests(old), digests(old), 5000) == 3
    assert unchanged(digests(old), digests(other), 5000) == 0


def test_row_groups_of_other_sizes_are_noticed(tmp_path, monkeypatch):
    path = write(tmp_path / "old", 0, 5000)
    assert not is_regular(path)
    monkeypatch.setattr("vouch.engine.splice.ROW_GROUP", GROUP)
    assert is_regular(path)


def test_files_of_other_columns_are_refused(tmp_path):
    old = write(tmp_path / "old", 0, 5000)
    duckdb.execute(f"COPY (SELECT 1 AS i) TO '{tmp_path / 'tail'}' {FORM}")
    with pytest.raises(ValueError, match="columns"):
        splice(old, 2, tmp_path / "tail", tmp_path / "out")


def test_half_a_file_is_refused(tmp_path):
    old = write(tmp_path / "old", 0, 5000)
    half = tmp_path / "half"
    half.write_bytes(old.read_bytes()[:-100])
    with pytest.raises(ValueError):
        lay_out(half)
