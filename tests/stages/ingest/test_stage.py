import bz2
import gzip
import io
import json
import lzma
import random
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError

GOOD = "{n},2024-01-02T03:04:05,12.50,anna,shop,web,0"


def table(header: str, *lines: str) -> str:
    return "\n".join([header, *lines]) + "\n"


def good(n: int) -> str:
    return GOOD.format(n=n)


def test_values_bear_their_roles_names(project, header):
    project.give(table(header, "7,2024-01-02T03:04:05,1.92E+07,anna,shop,web,1"))
    summary = project.ingest()
    assert project.bronze("id, time, amount, payer, payee, kind, label, line") == [
        ("7", datetime(2024, 1, 2, 3, 4, 5), 1.92e7, "anna", "shop", "web", 1, 1)
    ]
    assert summary["columns"] == ["id", "time", "amount", "payer", "payee", "kind", "label"]
    assert project.bronze("arrived_at") == [(datetime(2024, 3, 1),)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,2024-01-02,twelve,anna,shop,web,0", "sum: 'twelve' is not a finite number"),
        ("2,2024-01-02,inf,anna,shop,web,0", "sum: 'inf' is not a finite number"),
        ("2,2024-01-02,1 000,anna,shop,web,0", "sum: '1 000' is not a finite number"),
        ("2,2024-01-02,,anna,shop,web,0", "sum: is empty"),
        ("NaN,2024-01-02,1,anna,shop,web,0", "ref: is empty"),
        ("2,2024-01-02,1,nan,shop,web,0", "from: is empty"),
        ("2,0001-01-01,1,anna,shop,web,0", "at: '0001-01-01' is not a time between 1990 and 2100"),
        ("2,2024-13-01,1,anna,shop,web,0", "at: '2024-13-01' is not a time between 1990 and 2100"),
        ("2,infinity,1,anna,shop,web,0", "at: 'infinity' is not a time between 1990 and 2100"),
        ("2,2024-01-02,1,anna,shop,web,maybe", "bad: 'maybe' is not a label (0 or 1)"),
        ("2,2024-01-02,1,anna,shop,web,0.5", "bad: '0.5' is not a label (0 or 1)"),
        ("2,2024-01-02,1,anna", "has 4 fields, not 7"),
        ("2,2024-01-02,1,anna,shop,web,0,9", "has 8 fields, not 7"),
        ('2,2024-01-02,1,"anna,shop,web,0', "a quote is not closed, or text follows"),
        ("2,9999-01-01,x,anna,shop,web,0", "at: '9999-01-01' is not a time between 1990 and 2100;"),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason_and_number(project, header, line, reason):
    project.give(table(header, good(1), line, good(3)))
    summary = project.ingest()
    ((number, told),) = project.rejected()
    assert number == 2
    assert told.startswith(reason)
    assert (summary["lines"], summary["rows"], summary["rejects"]) == (3, 2, 1)
    assert sorted(project.bronze("id, line")) == [("1", 1), ("3", 3)]


def test_a_rejected_line_is_kept_as_it_was(project, header):
    project.give(table(header, good(1), "2,2024-01-02,twelve,anna,shop,web,0"))
    project.ingest()
    found = duckdb.sql(f"SELECT raw FROM read_parquet('{project.rejects}')").fetchall()
    assert found == [("2,2024-01-02,twelve,anna,shop,web,0",)]


def test_times_with_a_zone_become_utc(project, header):
    project.give(table(header, "1,2024-01-02T00:30:00+02:00,1,anna,shop,web,0"))
    project.ingest()
    assert project.bronze("time") == [(datetime(2024, 1, 1, 22, 30),)]


def test_steps_count_from_the_origin(project):
    project.declare(
        """
name: payments
format: csv
columns:
  step: {role: time, unit: step, step: 1h, origin: 2024-01-01T00:00:00}
  sum: {role: amount}
  bad: {role: label}
"""
    )
    project.give(
        table("step,sum,bad", "1,5,0", "25.0,5,0", "0,5,0", "1.5,5,0", "1e300,5,0", "x,5,0")
    )
    project.ingest()
    assert project.bronze("time") == [(datetime(2024, 1, 1),), (datetime(2024, 1, 2),)]
    assert [line for line, _ in project.rejected()] == [3, 4, 5, 6]
    assert all("is not a step" in reason for _, reason in project.rejected())


def test_labels_may_be_words_or_missing(project, header):
    words = ["true", "No", "1.0", "", "0"]
    project.give(table(header, *(good(n)[:-1] + word for n, word in enumerate(words))))
    project.ingest()
    assert [label for (label,) in sorted(project.bronze("label"), key=str)] == [0, 0, 1, 1, None]


def test_a_decimal_comma_is_declared(project, header):
    text = project.declaration.read_text().replace("csv", 'csv\nseparator: ";"\ndecimal: ","')
    project.declare(text)
    lines = ["1;2024-01-02;1234,50;anna;shop;web;0", "2;2024-01-02;40.80;anna;shop;web;0"]
    project.give(table(header.replace(",", ";"), *lines))
    project.ingest()
    assert project.bronze("amount") == [(1234.5,)]
    assert project.rejected() == [(2, "sum: '40.80' is not a finite number (decimal ',')")]


@pytest.mark.parametrize(
    ("fields", "written", "amount"),
    [
        ('decimal: ","\nthousands: "."', "1.234,50", 1234.5),
        ('decimal: ","\nthousands: "."', "1.234", 1234),
        ('decimal: ","\nthousands: "."', "40.80", None),
        ('decimal: ","', "1.234", None),
        ('thousands: ","\ncurrency: $', "$7,810.30", 7810.3),
        ('thousands: ","\ncurrency: EUR', "7,810.30 EUR", 7810.3),
        ('thousands: ","', "7,81", None),
        ("currency: $", "-$5", -5),
        ("currency: $", "($5.10)", -5.1),
        ("", "(24.25)", -24.25),
    ],
)
def test_numbers_are_read_as_declared_or_rejected(project, header, fields, written, amount):
    project.declare(project.declaration.read_text() + fields + "\n")
    lines = [f'{n},2024-01-02,"{text}",anna,shop,web,0' for n, text in ((1, "12"), (2, written))]
    project.give(table(header, *lines))
    summary = project.ingest()
    assert dict(project.bronze("id, amount")).get("2") == amount
    assert summary["rejects"] == (amount is None)


NUMBERS = [12.5, 1.234, 3, -0.25, 1.25e-7, 1e20]
"""Some of them would be another number with a decimal comma and points between thousands."""


@pytest.mark.parametrize("fields", ['decimal: ","', 'decimal: ","\nthousands: "."', ""])
@pytest.mark.parametrize("form", ["jsonl", "json", "parquet"])
def test_a_files_own_numbers_are_read_whatever_is_declared_of_texts(project, header, form, fields):
    text = project.declaration.read_text().replace("format: csv", f"format: {form}\n{fields}")
    project.declare(text)
    rows = [
        {**dict.fromkeys(header.split(","), "x"), "ref": str(n), "at": "2024-01-02", "sum": number}
        for n, number in enumerate(NUMBERS)
    ]
    rows = [{**row, "bad": "0"} for row in rows]
    project.give(**written(form, rows))
    project.ingest()
    assert sorted(project.bronze("id, amount")) == [(str(n), x) for n, x in enumerate(NUMBERS)]


def test_a_text_in_json_is_read_as_declared_beside_numbers(project, header):
    text = project.declaration.read_text()
    project.declare(text.replace("csv", 'jsonl\ndecimal: ","\nthousands: "."'))
    row = dict.fromkeys(header.split(","), "x") | {"at": "2024-01-02", "bad": "0"}
    sums = ["1.234,5", "1.234", 1.234, "12.5"]
    project.give(**written("jsonl", [{**row, "ref": n, "sum": x} for n, x in enumerate(sums)]))
    project.ingest()
    assert sorted(project.bronze("id, amount")) == [("0", 1234.5), ("1", 1234.0), ("2", 1.234)]
    assert project.rejected() == [
        (4, "sum: '12.5' is not a finite number (decimal ',', thousands '.')")
    ]


def written(form, rows):
    """Write rows as a file of a format, for ``Project.give``."""
    if form == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return {"content": sink.getvalue(), "name": "a.parquet"}
    lines = "\n".join(map(json.dumps, rows)) if form == "jsonl" else json.dumps(rows)
    return {"content": lines + "\n", "name": f"a.{form}"}


@pytest.mark.parametrize(
    ("role", "written", "hour"),
    [
        ("zone: Europe/Berlin", "2024-07-01 12:00:00", 10),
        ("zone: Europe/Berlin", "2024-07-01T12:00:00+01:00", 11),
        ("zone: Europe/Berlin", "2024-10-27 02:30:00", 0),
        ("zone: Europe/Berlin", "2024-03-31 02:30:00", None),
        ("zone: America/New_York", "2024-07-01 12:00", 16),
        ("unit: epoch_s", "1709251200", 0),
        ("unit: epoch_ms", "1709254800000", 1),
        ("format: '%d.%m.%y %H'", "01.03.24 07", 7),
        ("format: '%a %b %d %H:%M:%S %Z %Y'", "Mon Apr 06 22:00:45 PDT 2009", 5),
        ("format: '%a %b %d %H:%M:%S %Z %Y'", "Mon Apr 06 22:00:45 IST 2009", None),
        ("format: '%d.%m.%Y %H %%Z'", "01.03.2024 07 %Z", 7),
        ("format: '%d.%m.%Y %H %%z %z'", "01.03.2024 07 %z +0200", 5),
        ("clock: web", "2024-01-02", 3),
    ],
)
def test_times_are_read_as_declared(project, role, written, hour):
    project.declare(
        "name: payments\nformat: csv\ncolumns:\n"
        f"  at: {{role: time, {role}}}\n  sum: {{role: amount}}\n  bad: {{role: label}}\n"
    )
    project.give(
        table("at,sum,bad,web", f"{written},1,0,03:04", "2024-13-01,1,0,x", f"{written},2,0,03:04")
    )
    if hour is None:
        with pytest.raises(VouchError, match="none of its 3 lines can be read; the first: at: "):
            project.ingest()
        return
    assert project.ingest()["rejects"] == 1
    assert [time.hour for (time,) in project.bronze("time")] == [hour, hour]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks_do_not_matter(project, header, newline, mark):
    text = table(header, good(1), "", good(2).replace("anna", "änna")).replace("\n", newline)
    project.give(mark + text.encode())
    summary = project.ingest()
    assert sorted(project.bronze("id, payer, line")) == [("1", "anna", 1), ("2", "änna", 3)]
    assert summary["rejects"] == 0


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "export of 1 March\n\n"])
@pytest.mark.parametrize("role", ["amount", "text"])
@pytest.mark.parametrize("place", ["", "header: {line}\n"])
def test_a_line_break_in_a_columns_name_is_read_as_a_space(project, newline, before, role, place):
    usecase, label = ("fraud", "0") if role == "amount" else ("sentiment", "neutral")
    project.declare(
        f"name: payments\nusecase: {usecase}\nformat: csv\n"
        + place.format(line=1 + before.count("\n"))
        + f"columns:\n  ref: {{role: id}}\n  sum (EUR, net): {{role: {role}}}\n"
        "  at: {role: time}\n  bad: {role: label}\n"
    )
    header = 'ref,"sum \n(EUR, net)",at,bad'
    lines = [f"{n},{n}.5,2024-01-02,{label}" for n in range(3)]
    project.give((before + table(header, *lines)).replace("\n", newline))
    assert project.ingest()["rejects"] == 0
    value = [0.5, 1.5, 2.5] if role == "amount" else ["0.5", "1.5", "2.5"]
    assert project.bronze(f"{role}, line") == list(zip(value, (1, 2, 3), strict=True))


def test_quoted_fields(project, header):
    project.give(table(header, '"1",2024-01-02,1,"anna, ""the"" one",shop,"",0'))
    project.ingest()
    assert project.bronze("id, payer, kind") == [("1", 'anna, "the" one', None)]


def test_the_declared_encoding_is_used(project, header):
    project.declare(project.declaration.read_text() + "encoding: cp1252\n")
    project.give(table(header, good(1).replace("anna", "änna")).encode("cp1252"))
    project.ingest()
    assert project.bronze("payer") == [("änna",)]


def test_another_encoding_is_an_error_that_names_one(project, header):
    lines = [good(n).replace("anna", "änna") for n in range(10)]
    project.give(table(header, *lines).encode("cp1252"))
    with pytest.raises(VouchError, match="10 of 11 lines are not utf-8 text") as caught:
        project.ingest()
    assert "cp1252" in caught.value.hint


def test_one_damaged_line_is_a_reject(project, header):
    lines = [good(n) for n in range(300)]
    lines[150] = lines[150].replace("anna", "\xff")
    project.give(table(header, *lines).encode("latin-1"))
    summary = project.ingest()
    assert summary["rejects"] == 1
    assert project.rejected() == [(151, "has bytes that are not utf-8 text")]


def test_utf_16_is_recognised(project, header):
    project.give(table(header, good(1), good(2)).encode("utf-16"))
    with pytest.raises(VouchError) as caught:
        project.ingest()
    assert "utf-16" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{header}\n", "has a header and no rows"),
        ("{header}\n\n \n", "has a header and no rows"),
        ("{header},sum\n1,2\n", "the header names 'sum' twice"),
        ("ref,at,amt,from,to,kind\n1,2024-01-01,1,a,b,c\n", "no column 'sum'"),
        ("{header}\nx\n", "none of its 1 lines can be read"),
    ],
)
def test_a_file_that_cannot_be_the_declared_one(project, header, content, message):
    project.give(content.format(header=header))
    with pytest.raises(VouchError, match=message):
        project.ingest()


def test_a_missing_column_suggests_the_near_one(project, header):
    project.give(table(header.replace("kind", "kinds"), good(1)))
    with pytest.raises(VouchError, match="'kind'") as caught:
        project.ingest()
    assert "'kinds'" in caught.value.hint


@pytest.mark.parametrize("optional", ["", ", optional: true"])
def test_a_missing_time_of_day_is_an_error_that_names_it(project, header, optional):
    declared = project.declaration.read_text()
    project.declare(declared.replace("role: time}", "role: time, clock: hour" + optional + "}"))
    project.give(header.replace("kind", "kind,hours") + "\na,2024-01-01,1,x,y,web,10:00,0\n")
    with pytest.raises(VouchError, match="no column 'hour'") as caught:
        project.ingest()
    assert "hours" in caught.value.hint


def test_extra_columns_are_told_and_left_out(project, header):
    project.give(table(header + ",colour", good(1) + ",red"))
    summary = project.ingest()
    assert summary["ignored_columns"] == ["colour"]
    assert summary["warnings"] == ["column 'colour' is not declared: left out"]


def test_an_optional_column_may_be_missing(project, header):
    project.give(table(header.removesuffix(",bad"), good(1).removesuffix(",0")))
    assert "label" not in project.ingest()["columns"]


def test_files_of_different_columns_make_one_table(project, header):
    project.give(table(header.removesuffix(",bad"), good(1).removesuffix(",0")))
    project.give(table(header, good(2)))
    project.ingest()
    assert sorted(project.bronze("id, label")) == [("1", None), ("2", 0)]


def test_a_changed_raw_file_is_an_error(project, header):
    project.give(table(header, good(1)))
    next(project.raw.glob("0-*")).write_text("something else")
    with pytest.raises(VouchError, match="was changed since it came"):
        project.ingest()


def test_a_missing_raw_file_is_an_error(project, header):
    project.give(table(header, good(1)))
    next(project.raw.glob("0-*")).unlink()
    with pytest.raises(VouchError, match="is not there"):
        project.ingest()


def test_damaged_ids_are_a_loud_error(project, header):
    lines = [good(n).replace(f"{n},", "5.7E+17,", 1).replace("12.50", str(n)) for n in range(50)]
    project.give(table(header, *lines))
    with pytest.raises(VouchError, match="50 of 50 rows share their 'ref'") as caught:
        project.ingest()
    assert "5.7E+17" in caught.value.hint


def test_one_correction_within_a_file_is_no_damage(project, header):
    project.give(table(header, *(good(n) for n in range(50)), good(7).replace("12.50", "13")))
    assert project.ingest()["rows"] == 51


NO_ID = """
name: payments
format: csv
columns:
  at: {role: time}
  sum: {role: amount}
  bad: {role: label}
"""


def test_without_an_id_equal_rows_of_a_file_are_numbered(project):
    project.declare(NO_ID)
    project.give(table("at,sum,bad", *["2024-01-02,5,0"] * 3, "2024-01-02,6,0"))
    project.ingest()
    found = project.bronze("row_hash, id")
    assert len({row_hash for row_hash, _ in found}) == 2
    assert sorted(identity.split("-")[1] for _, identity in found) == ["1", "1", "2", "3"]


def test_a_payment_whose_label_changes_is_no_other_payment(project):
    project.declare(NO_ID)
    project.give(table("at,sum,bad", "2024-01-02,5,0", "2024-01-02,5,0", "2024-01-02,6,"))
    project.give(table("at,sum,bad", "2024-01-02,5,0", "2024-01-02,5,1", "2024-01-02,6,0"))
    project.ingest()
    found = project.bronze("id, row_hash")
    assert len({identity for identity, _ in found}) == 3
    assert len(set(found)) == 5


def test_the_same_values_written_otherwise_are_the_same_row(project):
    project.declare(NO_ID)
    project.give(table("at,sum,bad", "2024-01-02,5,0"))
    project.give(
        table(
            "sum,bad,at", "5.00,false,2024-01-02T00:00:00Z", "-0.0,0,2024-01-02", "0,0,2024-01-02"
        )
    )
    project.ingest()
    assert len({row_hash for (row_hash,) in project.bronze("row_hash")}) == 2


def test_json_lines(project, header):
    project.declare(project.declaration.read_text().replace("csv", "jsonl"))
    project.give(
        '{"ref": 1, "at": "2024-01-02", "sum": 1.5, "from": "a\\"b", "to": "c", "kind": null}\n'
        '{"ref": 2, "at": "2024-01-02", "sum": "x", "from": "a", "to": "c", "kind": "k"}\n'
        '{"ref": 3, "at": "2024-01-02", "su\n[1]\n',
        "a.jsonl",
    )
    project.ingest()
    assert project.bronze("id, amount, payer, kind") == [("1", 1.5, 'a"b', None)]
    assert project.rejected() == [
        (2, "sum: 'x' is not a finite number"),
        (3, "is not JSON (cut off?)"),
        (4, "is not a JSON object"),
    ]


def test_parquet(project, header, tmp_path):
    project.declare(project.declaration.read_text().replace("csv", "parquet"))
    place = tmp_path / "t.parquet"
    duckdb.sql(
        f"""COPY (SELECT 1 AS ref, TIMESTAMP '2024-01-02' AS at, 'nan'::DOUBLE AS sum,
                   'a' AS "from", 'b' AS "to", 'k' AS kind, 1 AS bad
                 UNION ALL SELECT 2, TIMESTAMP '2024-01-02', 5, 'a', 'b', 'k', 0)
            TO '{place}' (FORMAT parquet)"""
    )
    project.give(place.read_bytes(), "a.parquet")
    project.ingest()
    assert project.bronze("id, amount") == [("2", 5.0)]
    assert project.rejected() == [(1, "sum: is empty")]


def test_no_parquet_file(project):
    project.declare(project.declaration.read_text().replace("csv", "parquet"))
    project.give("ref,at\n1,2\n")
    with pytest.raises(VouchError, match=r"cannot be read as parquet: .*Parquet file"):
        project.ingest()


def test_the_same_input_is_the_same_bytes_and_sorted(project, header):
    random.seed(3)
    lines = [
        f"{n},2024-01-{random.randint(1, 28):02},{random.random()},p{n % 7},q,web,0"
        for n in random.sample(range(5000), 5000)
    ]
    project.give(table(header, *lines))
    project.ingest()
    first = project.rows.read_bytes()
    project.ingest("again")
    assert project.rows.read_bytes() == first
    found = project.bronze("time, id, line")
    assert found == sorted(found)
    assert all(lines[line - 1].startswith(f"{identity},") for _, identity, line in found)


def test_simulated_rows_arrive_with_the_last_of_them(project):
    project.declare(
        """
name: payments
format: simulator
simulator: {name: paysim, rows: 10000, seed: 5}
columns:
  step: {role: time, unit: step, step: 1h, origin: 2024-01-01T00:00:00}
  amount: {role: amount}
  isFraud: {role: label}
"""
    )
    summary = project.ingest()
    assert summary["rows"] == 10000
    assert project.bronze("max(arrived_at) = max(time), min(arrived_at) = max(time)") == [
        (True, True)
    ]
    first = project.rows.read_bytes()
    project.ingest("again")
    assert project.rows.read_bytes() == first


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(
        st.one_of(st.just("1,2024-01-02,3,a,b,c,0"), CELL, st.lists(CELL).map(",".join)), min_size=1
    )
)
@example(lines=["1,2024-01-02,3,a,b,c,0", "\u00a0", "\u3000"])
def test_every_line_is_a_row_or_a_reject(project, header, lines):
    """Whatever stands in a file, no line is lost and none is a traceback."""
    project.manifest.clear()
    content = table(header, *lines)
    project.give(content)
    # what Python's universal newlines call a line, as the reader does
    physical = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")[1:]
    expected = sum(bool(line.strip(" ")) for line in physical)
    try:
        summary = project.ingest()
    except VouchError:
        return
    assert summary["rows"] + summary["rejects"] == summary["lines"] == expected


@pytest.mark.parametrize(
    ("before", "fields"),
    [("sep=,\n", ""), ("Statement\n\nof,me\n", ""), ("a,b\n", "header: 2\n")],
)
def test_lines_before_the_header_are_left_out(project, header, before, fields):
    project.declare(project.declaration.read_text() + fields)
    project.give(before + table(header, good(1), good(2)))
    assert project.ingest()["rows"] == 2


def test_a_file_without_a_header(project):
    project.declare(
        "name: payments\nformat: csv\nheader: 0\ncolumns:\n"
        "  column_1: {role: amount}\n  column_2: {role: label}\n"
    )
    project.give("5,0\n6,1\n")
    project.ingest()
    assert sorted(project.bronze("amount, label")) == [(5, 0), (6, 1)]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_recognised(project, header, pack):
    project.give(pack(table(header, good(1)).encode()))
    assert project.ingest()["rows"] == 1


def test_a_damaged_compressed_file_is_told(project, header):
    project.give(gzip.compress(table(header, good(1)).encode())[:-12])
    with pytest.raises(VouchError, match="cannot be decompressed"):
        project.ingest()


@pytest.mark.parametrize(
    "name", ["reason", "source", "at_", "flagged", "expectation", "raw", "problem", "cells", "file"]
)
def test_names_of_vouchs_own_are_read(project, header, name):
    project.declare(
        project.declaration.read_text().replace(
            "columns:", f"columns:\n  {name}: {{role: category}}"
        )
    )
    project.give(table(f"{header},{name}", good(1) + ",x", good(2) + ","))
    assert project.ingest()["rows"] == 2
