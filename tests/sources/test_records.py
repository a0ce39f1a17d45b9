import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.sources import records
from vouch.sources.records import OPEN, split, write_records

FIELD = st.text(st.sampled_from('ab ",;\n\tä😀\u2028\x0b\x00'), max_size=6)
TABLE = st.lists(st.lists(FIELD, min_size=3, max_size=3), min_size=1, max_size=8)


def written(table, separator=","):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(table)
    return out.getvalue().removesuffix("\n")


def read(text, width=3, separator=","):
    return list(split(text.split("\n"), separator, width))


@settings(deadline=None, max_examples=200)
@given(TABLE, st.sampled_from(",;\t"))
def test_what_pythons_csv_writes_comes_back_row_by_row(table, separator):
    found = read(written(table, separator), separator=separator)
    assert [record.cells for record in found] == table
    assert all(record.problem is None for record in found)


@settings(deadline=None, max_examples=200)
@given(TABLE)
def test_each_row_bears_the_line_it_begins_on(table):
    text = written(table)
    lines = text.split("\n")
    for record in read(text):
        assert lines[record.line - 1] == record.raw.split("\n")[0]


@settings(deadline=None, max_examples=400)
@given(st.text(st.sampled_from('a1 ",\n'), max_size=40))
def test_no_line_is_lost_and_none_is_read_twice(text):
    lines = text.split("\n")
    found = read(text, width=2)
    covered = [
        n for record in found for n in range(record.line, record.line + record.raw.count("\n") + 1)
    ]
    assert covered == sorted(set(covered))
    assert {n for n, line in enumerate(lines, 1) if line.strip(" ")} <= set(covered)
    assert "\n".join(r.raw for r in found).replace("\n", "") == "".join(
        lines[n - 1] for n in covered
    )
    assert all((record.cells is None) == (record.problem is not None) for record in found)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ('1,"open,x\n2,fine,y\n3,fine,z', [OPEN, None, None]),
        ('1,"open,x\n2,"quoted, fine",y', [OPEN, None]),
        ('1,"a" b,x\n2,fine,y', [OPEN, None]),
        ('1,said "hi" twice,x', [None]),
        ('1,"two\n\nlines",x\n\n2,b,y', [None, None]),
        ('1,"a\nb","c\nd"\n2,b,y', [None, None]),
        ('1,"a\nb"\n2,b,y', ["has 2 fields, not 3", None]),
        ("1,2\n1,2,3,4", ["has 2 fields, not 3", "has 4 fields, not 3"]),
    ],
)
def test_stray_quotes_cost_no_other_row(text, problems):
    assert [record.problem for record in read(text)] == problems


def test_a_quote_open_for_too_long_is_a_stray_one(monkeypatch):
    monkeypatch.setattr(records, "LONGEST", 50)
    found = read('1,"open,x\n' + "2,fine,y\n" * 20 + '3,closed",z')
    assert [record.problem for record in found] == [OPEN, *[None] * 21]


def write(tmp_path, content, encoding="utf-8"):
    from pyarrow import parquet

    path, out = tmp_path / "t.csv", tmp_path / "t.parquet"
    path.write_bytes(content)
    write_records(path, encoding, ",", 2, out)
    return parquet.read_table(out).to_pylist()


def test_line_ends_of_any_kind_and_a_mark_at_the_front(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        content = '\ufeffa,b\n1,"x\ny"\n2,z\n'.replace("\n", end).encode()
        found = write(tmp_path, content)
        assert [(r["line"], r["cells"]) for r in found] == [(1, ["1", "x\ny"]), (3, ["2", "z"])]


def test_bytes_that_are_no_text_are_a_problem_but_a_replacement_character_is_not(tmp_path):
    lines = [b"%d,x" % n for n in range(300)]
    lines[7], lines[9] = b"7,\xff", "9,\ufffd".encode()
    found = write(tmp_path, b"a,b\n" + b"\n".join(lines))
    assert found[7]["problem"] == "has bytes that are not utf-8 text"
    assert found[9]["cells"] == ["9", "\ufffd"]


def test_another_encoding_is_told(tmp_path):
    with pytest.raises(VouchError, match=re.escape("2 of 2 rows are not utf-8 text")):
        write(tmp_path, "a,b\n1,ä\n2,ö\n".encode("cp1252"))
    found = write(tmp_path, "a,b\n1,ä\n2,ö😀\n".encode("utf-16"), "utf-16")
    assert [r["cells"] for r in found] == [["1", "ä"], ["2", "ö😀"]]
