import csv
import encodings.aliases
import io
import pkgutil

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.engine import connect
from vouch.sources.declaration import Declaration
from vouch.sources.readers import (
    file_literal,
    is_encoding,
    literal,
    open_raw,
    pattern,
    quoted,
    read_csv,
    readable,
    table,
)


def read(connection, path, scratch, separator=",", **columns):
    declared = Declaration(name="t", format="csv", separator=separator, columns=columns)
    return read_csv(connection, path, declared, "utf-8", scratch)


def cells(connection, path, scratch, separator=","):
    raw = read(connection, path, scratch, separator)
    query = f"SELECT line, [{', '.join(raw.cells)}], problem FROM ({raw.sql}) ORDER BY line"
    return connection.execute(query).fetchall()


FIELD = st.text(st.sampled_from('ab ",;|\tä'), max_size=5)


TABLE = st.lists(st.lists(FIELD, min_size=3, max_size=3), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(TABLE, st.sampled_from(",;|\t"))
@example([["", "", ""]], "\t")
def test_quoting_is_read_as_pythons_csv_writes_it(tmp_path_factory, table, separator):
    folder = tmp_path_factory.mktemp("csv")
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows([["x", "y", "z"], *table])
    path = folder / "t.csv"
    path.write_text(out.getvalue(), encoding="utf-8")
    with duckdb.connect() as connection:
        found = cells(connection, path, folder, separator)
    assert found == [(n, row, None) for n, row in enumerate(table, 1)]


LINE = st.text(st.sampled_from('ab1 ."",,\ufffd\n'), max_size=8)


@settings(deadline=None, max_examples=150)
@given(st.lists(LINE, min_size=1, max_size=6), st.booleans())
@example([",,"], False)
@example(["1,,", "2,3"], True)
def test_the_quick_reader_is_either_right_or_known_not_to_be(tmp_path_factory, lines, ended):
    folder = tmp_path_factory.mktemp("csv")
    path = folder / "t.csv"
    text = "\n".join(["x,y", *lines]) + "\n" * ended
    path.write_text(text, encoding="utf-8")
    if not text.removeprefix("x,y").strip():
        return
    with duckdb.connect() as connection:
        raw = read(connection, path, folder, y={"role": "number"})
        if raw.quick is None:
            return
        try:
            quick = rows(connection, raw.quick)
        except duckdb.Error:
            return
        if len(quick) == raw.lines and not any(problem for *_, problem in quick):
            careful = rows(connection, raw)
            assert [line for line, *_ in careful] == list(range(1, raw.lines + 1))
            assert [row[1:] for row in quick] == [row[1:] for row in careful]


def rows(connection, raw):
    x, y = raw.cells
    number = f"TRY_CAST(nullif(trim(CAST({y} AS VARCHAR)), '') AS DOUBLE)"
    return connection.execute(
        f"SELECT line, coalesce({x}, ''), {number}, problem FROM ({raw.sql}) ORDER BY line"
    ).fetchall()


def test_a_plain_file_is_read_in_place(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,ä\n", encoding="utf-8")
    assert readable(path, "utf-8", tmp_path) == path


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", b"a\nb\x00\n"])
def test_another_file_is_copied_to_plain_text(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    copy = readable(path, "utf-8", tmp_path)
    assert copy != path
    assert copy.read_text(encoding="utf-8").replace("\ufffd", "") == "a\nb\n"


def test_an_unknown_encoding(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    with pytest.raises(VouchError, match="unknown encoding 'utf9'"):
        readable(path, "utf9", tmp_path)


def test_lines_keep_their_numbers_over_many_buffers(tmp_path):
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write("n,text\n")
        file.writelines(f"{n},{'x' * 200}\n" for n in range(1, 200_001))
    with duckdb.connect() as connection:
        raw = read(connection, path, tmp_path)
        wrong = connection.execute(
            f"SELECT count(*), count(*) FILTER (line <> cells[1]::INT) FROM ({raw.sql})"
        ).fetchall()
    assert wrong == [(200_000, 0)]


def test_names_and_strings_are_quoted():
    assert quoted('a"b') == '"a""b"'
    assert literal("o'neill") == "'o''neill'"


@pytest.mark.parametrize("name", ["x[1].csv", "x*.csv", "x?.csv", "[x]/x1.csv"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_no_part_of_a_files_name_is_a_pattern(tmp_path, name, kind):
    """DuckDB would read the file beside it; browsers call a second download like this."""
    path = (tmp_path / name).with_suffix(f".{kind}")
    path.parent.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        for place, value in ((tmp_path / f"x1.{kind}", "other"), (path, "own")):
            if kind == "parquet":
                pd.DataFrame({"a": [value]}).to_parquet(place)
            else:
                place.write_text(f"a\n{value}\n" if kind == "csv" else f'{{"a": "{value}"}}\n')
        declared = Declaration(name="t", format=kind, columns={"a": {"role": "category"}})
        raw = open_raw(connection, path, declared, tmp_path)
        query = f"SELECT {', '.join(raw.cells)} FROM ({raw.sql})"
        assert connection.execute(query).fetchall() == [("own",)]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_no_folder_is_a_column(tmp_path, kind):
    """DuckDB takes a folder such as ``label=1`` for a partition, and its value for the column."""
    path = tmp_path / "a=1" / f"x.{kind}"
    path.parent.mkdir()
    with duckdb.connect() as connection, connect() as engine:
        if kind == "parquet":
            pd.DataFrame({"a": ["0"]}).to_parquet(path)
            assert list(engine.read_parquet(path).execute()["a"]) == ["0"]
        else:
            path.write_text("a\n0\n" if kind == "csv" else '{"a": "0"}\n')
        declared = Declaration(name="t", format=kind, columns={"a": {"role": "category"}})
        raw = open_raw(connection, path, declared, tmp_path / "a=1")
        assert connection.execute(f"SELECT {raw.cells[0]} FROM ({raw.sql})").fetchall() == [("0",)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_loose_table_takes_no_folder_for_a_column(tmp_path, kind):
    """Such as scores or prices, which lie anywhere."""
    path = tmp_path / "prediction=down" / f"scores.{kind}"
    path.parent.mkdir()
    rows = pd.DataFrame({"id": ["1"], "prediction": ["up"]})
    rows.to_parquet(path) if kind == "parquet" else rows.to_csv(path, index=False)
    with duckdb.connect() as connection:
        assert connection.execute(f"FROM {table(path)}").fetchall() == [("1", "up")]


NAME = st.text(st.sampled_from("ab*?[]!"), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.sets(NAME, min_size=1, max_size=5))
@example({"a[12]", "a1", "a*", "ab"})
def test_a_files_name_is_its_own_and_no_pattern(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("names")
    for name in names:
        pq.write_table(pa.table({"name": [name]}), folder / name)
    with duckdb.connect() as connection, connect() as engine:
        for name in names:
            query = f"SELECT name FROM read_parquet({file_literal(folder / name)})"
            assert connection.execute(query).fetchall() == [(name,)]
            given = connection.execute("FROM read_parquet(?)", [pattern(folder / name)]).fetchall()
            assert given == [(name,)]
            assert list(engine.read_parquet(folder / name).execute()["name"]) == [name]


def test_control_characters_are_named_as_the_cause(tmp_path):
    file = tmp_path / "esc.csv"
    file.write_text("a,b\n" + "1,\x1b[31mred\n" * 50)
    with pytest.raises(VouchError, match=r"50 control characters") as caught:
        readable(file, "utf-8", tmp_path)
    assert "take the control characters out" in caught.value.hint


@pytest.mark.parametrize("encoding", ["rot13", "unicode-escape", "Raw_Unicode_Escape", "utf8x"])
def test_an_encoding_that_is_none_of_texts_is_refused(tmp_path, encoding):
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(VouchError, match=f"names an unknown encoding '{encoding}'"):
        readable(file, encoding, tmp_path)


BYTES = {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "uu_codec", "zlib_codec"}
OF_NO_TEXT = {
    *BYTES, "rot_13", "charmap", "idna", "punycode", "raw_unicode_escape", "undefined",
    "unicode_escape", "mbcs", "oem", "aliases",
}  # fmt: skip


def test_which_of_pythons_codecs_are_encodings():
    names = {module.name for module in pkgutil.iter_modules(encodings.__path__)}
    assert {name for name in names if not is_encoding(name)} == OF_NO_TEXT
    aliases = encodings.aliases.aliases
    usual = [alias for alias in aliases if alias.lower() == alias]  # Python finds no other
    refused = {aliases[alias] for alias in usual if not is_encoding(alias)}
    assert refused == {*BYTES, "rot_13", "mbcs"}


@pytest.mark.parametrize(
    ("written", "declared", "problem", "hint"),
    [
        ("utf-8", "utf-16", "byte order mark is missing", "encoding: utf-8"),
        ("utf-8", "UTF_32", "byte order mark is missing", "encoding: utf-8"),
        ("utf-16-le", "utf-16", "byte order mark is missing", "encoding: utf-16-le"),
        ("utf-16-be", "utf-16", "byte order mark is missing", "encoding: utf-16-be"),
        ("utf-16", "utf-32", "byte order mark is missing", "encoding: utf-16"),
        ("utf-16", "utf-8", "text, not utf-8", "encoding: utf-16"),
    ],
)
def test_a_text_without_its_byte_order_mark_is_refused(tmp_path, written, declared, problem, hint):
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n", encoding=written)
    with pytest.raises(VouchError, match=rf"a\.csv: is.* {problem}") as caught:
        readable(file, declared, tmp_path)
    assert caught.value.hint.endswith(hint)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-le", "cp037"])
def test_texts_of_rarer_encodings_are_read(tmp_path, encoding):
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,ä\n", encoding=encoding)
    assert readable(file, encoding, tmp_path).read_text(encoding="utf-8") == "a,b\n1,ä\n"


def test_bytes_at_which_a_codec_gives_up_are_told_with_the_file(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"a,b\n1,\x1b)a{,}++\xa2")
    columns = {"a": {"role": "category"}}
    declared = Declaration(name="t", format="csv", encoding="iso2022_jp_3", columns=columns)
    with pytest.raises(VouchError, match=r"a\.csv: cannot be read as csv: pending buffer"):
        open_raw(duckdb.connect(), file, declared, tmp_path)
