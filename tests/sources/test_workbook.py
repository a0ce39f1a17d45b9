import zipfile
from datetime import date, datetime, time

import openpyxl
import pyarrow.parquet as pq
import pytest

from vouch.core.errors import VouchError
from vouch.sources import workbook
from vouch.sources.declaration import Declaration
from vouch.sources.workbook import sheets, write_sheet


def declared(**fields):
    columns = {"id": {"role": "id"}, "amount": {"role": "amount"}}
    return Declaration(name="t", format="excel", columns=columns, **fields)


def save(path, *rows, **more):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, lines in more.items():
        sheet = book.create_sheet(name)
        for row in lines:
            sheet.append(row)
    book.save(path)
    return path


def read(path, **fields):
    out = path.with_suffix(".parquet")
    names = write_sheet(path, declared(**fields), out)
    return names, [(r["line"], r["cells"], r["problem"]) for r in pq.read_table(out).to_pylist()]


def test_each_kind_of_cell_as_a_text(tmp_path):
    cells = [1, 2.5, 3.0, 123456789012345, True, None, "=x", datetime(2024, 3, 1, 0, 40),
             datetime(2024, 3, 1), date(2024, 3, 2), time(12, 30)]  # fmt: skip
    names = ["id", "amount", *"abcdefghi"]
    path = save(tmp_path / "t.xlsx", names, ["x", 1, *cells[2:]], cells[:6])
    book = openpyxl.load_workbook(path)
    book.active["G2"].data_type = "s"  # a text that begins as a formula would
    book.save(path)
    found, rows = read(path)
    assert found == names
    assert rows[0][1] == ["x", "1", "3", "123456789012345", "true", "", "=x",
                          "2024-03-01 00:40:00", "2024-03-01", "2024-03-02",
                          "12:30:00"]  # fmt: skip
    assert rows[1][1][:2] == ["1", "2.5"]


def test_the_first_sheet_or_the_declared_one(tmp_path):
    path = save(tmp_path / "t.xlsx", ["id", "amount"], ["a", 1], more=[["id", "amount"], ["b", 2]])
    assert read(path)[1] == [(1, ["a", "1"], None)]
    assert read(path, sheet="more")[1] == [(1, ["b", "2"], None)]
    assert sheets(path) == ["Sheet", "more"]
    with pytest.raises(VouchError, match=r"t.xlsx: has no sheet 'mor'"):
        read(path, sheet="mor")


def test_the_header_is_looked_for_blank_rows_count_and_wide_ones_are_problems(tmp_path):
    path = save(
        tmp_path / "t.xlsx", ["Title"], [], ["id", "amount"], ["a", 1], [], ["b", 2, "x"], ["c"]
    )
    assert read(path)[1] == [
        (1, ["a", "1"], None),
        (3, None, "has 3 cells, not 2"),
        (4, ["c", ""], None),
    ]
    assert read(path, header=0)[0] == ["column_1", "column_2", "column_3"]
    with pytest.raises(VouchError, match=r"t.xlsx: its sheet has no line 9, the header"):
        read(path, header=9)


def test_numbers_are_written_as_numbers_are_declared_texts_stay(tmp_path):
    path = save(tmp_path / "t.xlsx", ["id", "amount"], [1.5, 2.5], ["x", "2.500,75"])
    rows = read(path, decimal=",", thousands=".")[1]
    assert [cells for _, cells, _ in rows] == [["1.5", "2,5"], ["x", "2.500,75"]]


def test_a_line_break_in_a_columns_name_is_a_space(tmp_path):
    path = save(tmp_path / "t.xlsx", ["id", "amount \n(EUR)"], ["a", 1.5])
    assert read(path)[0] == ["id", "amount (EUR)"]


def computed(path, values):
    """Fill in the values of formulas, as a spreadsheet program does when it saves."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    for formula, value in values.items():
        parts[sheet] = parts[sheet].replace(
            f"<f>{formula}</f><v></v>", f"<f>{formula}</f><v>{value}</v>"
        ).replace(f"<f>{formula}</f><v />", f"<f>{formula}</f><v>{value}</v>")  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def test_a_formula_gives_its_value(tmp_path):
    path = save(tmp_path / "t.xlsx", ["id", "amount"], ["a", "=1+1"], ["b", "=2+1"])
    with pytest.raises(VouchError, match=r"t.xlsx: none of its 2 formulas has a value"):
        read(path)
    computed(path, {"1+1": 2})
    assert [cells for _, cells, _ in read(path)[1]] == [["a", "2"], ["b", ""]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 cut off", "is no workbook that can be read"),
        (b"id,amount\n1,2\n", "is no workbook that can be read"),
        (workbook.OLE + b"\0" * 100, r"is an old workbook \(.xls\)"),
        (workbook.OLE + "EncryptedPackage".encode("utf-16-le"), "is protected by a password"),
    ],
)
def test_what_is_no_workbook(tmp_path, content, message):
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    with pytest.raises(VouchError, match=rf"t.xlsx: {message}"):
        read(path)


@pytest.mark.parametrize("place", range(200, 4000, 250))
def test_a_damaged_workbook_is_refused_or_read_whole(tmp_path, place):
    path = save(tmp_path / "t.xlsx", ["id", "amount"], *([f"r{n}", n] for n in range(50)))
    content = bytearray(path.read_bytes())
    for each in range(place, min(place + 20, len(content))):
        content[each] ^= 0x55
    path.write_bytes(content)
    try:
        rows = read(path)[1]
    except VouchError as error:
        assert "t.xlsx" in str(error)
    else:
        assert len(rows) == 50


def test_a_workbook_with_nothing_or_too_much_in_it(tmp_path, monkeypatch):
    path = save(tmp_path / "t.xlsx", ["id", "amount"])
    with pytest.raises(VouchError, match=r"t.xlsx: has a header and no rows"):
        read(path)
    monkeypatch.setattr(workbook, "LARGEST", 1000)
    with pytest.raises(VouchError, match=r"bytes of XML; the most a workbook may have is 1,000"):
        read(path)
