"""Files made to fill the memory or the disk: refused with their name and the limit."""

import bz2
import gzip
import io
import json
import lzma
import tracemalloc
import zipfile

import duckdb
import pytest

from vouch.core.errors import VouchError
from vouch.sources import readers, records, unpack
from vouch.sources.declaration import Declaration
from vouch.sources.readers import open_raw

LONGEST = 50_000


@pytest.fixture(autouse=True)
def lower(monkeypatch):
    monkeypatch.setattr(records, "LONGEST_LINE", LONGEST)
    monkeypatch.setattr(readers, "PIECE", LONGEST // 3)
    monkeypatch.setattr(unpack, "UNPACKED", 1_000_000)


def read(path, form="csv", **columns):
    declared = Declaration(name="t", format=form, columns=columns or {"a": {"role": "category"}})
    with duckdb.connect() as connection:
        raw = open_raw(connection, path, declared, path.parent)
        return connection.execute(f"SELECT [{', '.join(raw.cells)}] FROM ({raw.sql})").fetchall()


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    return out.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zipped])
def test_an_archive_that_unpacks_to_too_much(tmp_path, pack):
    path = tmp_path / "bomb.csv"
    path.write_bytes(pack(b"a,b\n" + b"0" * 50_000_000))
    tracemalloc.start()
    with pytest.raises(VouchError, match=r"bomb.csv: unpacks to more than 1,000,000 bytes and 200"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert (tmp_path / "bomb.plain").stat().st_size < 12_000_000


def test_a_table_that_is_packed_well_is_read(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000))
    assert len(read(path)) == 100_000


@pytest.mark.parametrize(
    ("content", "form", "columns"),
    [
        ("a,b\n1,2\n{x},3\n", "csv", {"a": {"role": "category"}}),
        ("a,b\n1,2\n{x},3\n", "csv", {"a": {"role": "text"}}),
        ('a,b\n1,2\n"{x}",3\n', "csv", {"a": {"role": "category"}}),
        ("{x}\na,b\n1,2\n", "csv", {"a": {"role": "category"}}),
        ('{{"a": 1}}\n{{"a": "{x}"}}\n', "jsonl", {"a": {"role": "category"}}),
        ("{x}", "csv", {"a": {"role": "category"}}),
    ],
)
def test_a_line_that_is_too_long(tmp_path, content, form, columns):
    path = tmp_path / "long.txt"
    path.write_text(content.format(x="x" * (LONGEST + 1)))
    with pytest.raises(VouchError, match=rf"long.txt: line \d is longer .*{LONGEST:,} characters"):
        read(path, form, **columns)


def test_a_line_as_long_as_may_be_is_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "x" * (LONGEST - 2) + ",1\n1,2\n")
    assert [len(row[0][0]) for row in read(path)] == [LONGEST - 2, 1]


def test_an_object_of_an_array_that_is_too_large(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"a": "x" * 80_000_000}]))
    with pytest.raises(VouchError, match=r"t.json: cannot be read as json: .*maximum_object_size"):
        read(path, "json")


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_too_many_columns(tmp_path, form, monkeypatch):
    monkeypatch.setattr(readers, "MOST_COLUMNS", 200)
    path, names = tmp_path / "wide", ["a", *(f"c{n}" for n in range(200))]
    if form == "csv":
        path.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    elif form == "parquet":
        columns = ", ".join(f"1 AS {name}" for name in names)
        duckdb.sql(f"COPY (SELECT {columns}) TO '{path}' (FORMAT parquet)")
    else:
        row = json.dumps(dict.fromkeys(names, 1))
        path.write_text(row if form == "jsonl" else f"[{row}]")
    with pytest.raises(VouchError, match="wide: has 201 columns; the most a file may have is 200"):
        read(path, form)


@pytest.mark.parametrize("form", ["jsonl", "json"])
@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_json_is_a_text_or_no_json(tmp_path, form, depth, monkeypatch):
    monkeypatch.setattr(records, "LONGEST_LINE", 1_000_000)
    path, deep = tmp_path / "t.json", "[" * depth + "]" * depth
    lines = ['{"a": 1}', f'{{"a": {deep}}}', '{"a": 2}']
    path.write_text("\n".join(lines) if form == "jsonl" else f"[{','.join(lines)}]")
    assert read(path, form) == [(["1"],), ([deep],), (["2"],)]
    broken = ['{"a": 1}', '{"a":' + "[" * depth]
    path.write_text("\n".join(broken) if form == "jsonl" else f"[{','.join(broken)}")
    if form == "jsonl":
        assert read(path, form) == [(["1"],), ([None],)]
    else:
        with pytest.raises(VouchError, match=r"t.json: cannot be read as json: "):
            read(path, form)
