"""Files as people have them, each with what must become of it: draft, settle, ingest, validate.

A case either gives the right values of silver, with the questions that its draft asks, or the cause
for which the file is refused. Files that are scored, and what DVC keeps of files, are elsewhere:
tests/score/test_stage.py, tests/test_clone.py.
"""

import csv
import gzip
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest
import yaml

from benchmarks.fuzz import ingested, validated
from vouch.core.errors import VouchError
from vouch.project.inputs import choose
from vouch.sources.confirm import settle
from vouch.sources.draft import draft_source
from vouch.stages.ingest import read
from vouch.stages.ingest.params import IngestParams

START = datetime(2024, 3, 1)
ROWS = 120
NAMES = ("tx_id", "when", "amount", "customer", "merchant", "channel", "is_fraud")
Cell = Callable[[int], object]
TRUTH: dict[str, Cell] = {
    "tx_id": lambda n: f"T{n:05}",
    "when": lambda n: START + timedelta(minutes=40 * n),
    "amount": lambda n: random.Random(n).randrange(100, 90_000) / 100,
    "customer": lambda n: f"C{random.Random(n).randrange(30):03}",
    "merchant": lambda n: f"M{random.Random(n + 7).randrange(15)}",
    "channel": lambda n: ("web", "pos", "atm")[n % 3],
    "is_fraud": lambda n: int(n % 20 == 3),
}
AMOUNTS = sum(round(TRUTH["amount"](n) * 100) for n in range(ROWS))


def rows(names: tuple[str, ...] = NAMES, **cells: Cell) -> list[list[object]]:
    """Make a table: header and rows; a cell given by name replaces or follows the usual ones."""
    made = {**{name: TRUTH[name] for name in names}, **cells}
    return [list(made), *([cell(n) for cell in made.values()] for n in range(ROWS))]


def text(table: list[list[object]], separator: str = ",", end: str = "\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end).writerows(table)
    return out.getvalue()


def table(separator: str = ",", names: tuple[str, ...] = NAMES, **cells: Cell) -> bytes:
    return text(rows(names, **cells), separator).encode()


def objects() -> list[dict[str, object]]:
    header, *lines = rows(when=lambda n: str(TRUTH["when"](n)))
    return [dict(zip(map(str, header), line, strict=True)) for line in lines]


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return out.getvalue()


def workbook(*before: list[object], more: str = "") -> bytes:
    book = openpyxl.Workbook()
    for line in [*before, *rows()]:
        book.active.append(line)
    if more:
        book.create_sheet(more)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def number(pattern: str) -> Cell:
    return lambda n: pattern.format(TRUTH["amount"](n))


def moment(pattern: str) -> Cell:
    return lambda n: TRUTH["when"](n).strftime(pattern)


def texts(**labels: object) -> bytes:
    words = {
        "negative": "awful, it broke",
        "neutral": "a parcel came",
        "positive": "great, love it",
    }
    kinds = list(labels)
    lines = [
        [f"{words[kinds[n % len(kinds)]]} {n} times", labels[kinds[n % len(kinds)]]]
        for n in range(ROWS)
    ]
    return text([["text", "label"], *lines]).encode()


@dataclass(frozen=True)
class Case:
    """A file, and what must become of it.

    Attributes:
        content: The file.
        name: What it is called.
        asks: A pattern for each question of its draft.
        mend: Fields of the declaration, by path, that the answers change.
        gives: Queries on silver and what they give.
        rejects: How many lines are rejected.
        named: Whether it has names that a query could trip over, so that validate runs as well.
        warns: A pattern for a warning of ingest.
        refused: A pattern for the error that draft, ingest or validate raises.
    """

    content: bytes
    name: str = "table.csv"
    asks: tuple[str, ...] = ()
    mend: dict[str, object] = field(default_factory=dict)
    gives: dict[str, object] = field(default_factory=dict)
    rejects: int = 0
    named: bool = False
    warns: str = ""
    refused: str = ""


WHOLE = {
    "count(*)": ROWS,
    "min(time)": START,
    "max(time)": START + timedelta(minutes=40 * (ROWS - 1)),
    "sum(round(amount * 100))": AMOUNTS,
    "count(DISTINCT id)": ROWS,
    "sum(label)": 6,
}
"""What every faithful reading of the usual table gives."""
ODD = {name: {name: lambda n: "ab"[n % 2] * 2} for name in (
    "at", "category", "expectation", "flagged", "reason", "source")}  # fmt: skip
PLAIN = "plain.parquet"
"""The rows with all their labels: bronze lacks those of held-out rows."""
MOODS = {"min(label)": 0, "max(label)": 2, "count(*) FILTER (label = 1)": ROWS // 3}
PAYMENTS = {
    "plain": Case(table(), named=True),
    "gzip": Case(gzip.compress(table()), "table.csv.gz"),
    "zip": Case(zipped(table=table()), "table.zip"),
    "zip of two": Case(zipped(a=table(), b=b"x"), "table.zip", refused="holds 2 files"),
    "JSON lines": Case("\n".join(map(json.dumps, objects())).encode(), "table.jsonl"),
    "JSON array": Case(json.dumps(objects()).encode(), "table.json"),
    "JSON array, indented": Case(json.dumps(objects(), indent=1).encode(), "table.json"),
    "JSON array, cut off": Case(
        json.dumps(objects()).encode()[:-40], "table.json", refused="cannot be read as json: "
    ),
    "Excel": Case(workbook(), "table.xlsx"),
    "Excel with a title and two sheets": Case(
        workbook(["Payments"], [], more="notes"),
        "table.xlsx",
        asks=("header: is line 3", "sheet: of the sheets Sheet, notes"),
    ),
    "Excel, cut off": Case(workbook()[:-900], "table.xlsx", refused="unpacked|no workbook"),
    "Excel, old or locked": Case(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "table.xlsx",
        refused="is protected by a password",
    ),
    "carriage returns": Case(text(rows(), end="\r").encode()),
    "UTF-16": Case(text(rows()).encode("utf-16")),
    "UTF-16, little end, unmarked": Case(text(rows()).encode("utf-16-le")),
    "UTF-16, big end, unmarked": Case(text(rows()).encode("utf-16-be")),
    "lines before the header": Case(
        b"Export of 2024-05-01\nall accounts\n\n" + table(), asks=("header: is line 4",)
    ),
    "sep= line": Case(b"sep=;\n" + table(";"), asks=("header: is line 2",)),
    "quoted line breaks": Case(table(memo=lambda n: "first\nsecond" if n % 20 == 0 else "x")),
    "quotes that are none": Case(
        "\n".join(
            "\t".join(map(str, row)) for row in rows(memo=lambda n: '"5 in' if n % 2 else "x")
        ).encode(),
    ),
    "a quote never closed": Case(
        table().replace(b"T00007", b'"T00007'),
        mend={"quoting": True},
        gives={**WHOLE, "count(*)": ROWS - 1, "count(DISTINCT id)": ROWS - 1,
               "sum(round(amount * 100))": AMOUNTS - round(TRUTH["amount"](7) * 100)},
        rejects=1,
    ),
    "a name twice": Case(
        table(memo=lambda n: n).replace(b"memo", b"channel", 1), refused="names 'channel' twice"
    ),
    "trailing separators": Case(table(";").replace(b"\n", b";;\n")),
    "a column without a name": Case(
        table(names=(), **{"": lambda n: n}, **TRUTH), named=True
    ),
    "digits in names": Case(table(V1=lambda n: n / 7, V2=lambda n: n / 3), named=True),
    "a reason now and then": Case(
        table(reason=lambda n: ["", "do not honor", "", "expired"][n % 4]),
        gives={**WHOLE, "count(reason_)": ROWS // 2},
        named=True,
    ),
    "0 and 1 in a column vouch has": Case(table(flagged=lambda n: n % 2), named=True),
    **{
        f"a column {name}": Case(
            table(**cell), gives={**WHOLE, f"count(DISTINCT {name}_)": 2}, named=True
        )
        for name, cell in ODD.items() if name != "category"
    },
    "a column category": Case(
        table(names=NAMES[:5] + NAMES[6:], **ODD["category"]),
        gives={**WHOLE, "count(DISTINCT category_)": 2},
        named=True,
    ),
    "few decimal points among commas": Case(
        table(";", amount=lambda n: f"{TRUTH['amount'](n):.2f}".replace(".", ",." [n == 0])),
        gives={"count(*)": ROWS - 1, "sum(round(amount * 100))":
               AMOUNTS - round(TRUTH["amount"](0) * 100)},
        rejects=1,
    ),
    "decimal commas beside points": Case(
        table(";", amount=lambda n: f"{TRUTH['amount'](n):.2f}".replace(".", ","),
              lat=lambda n: f"48.{n:03}"),
        asks=("columns.lat: .*left out",),
    ),
    "dollars": Case(table(amount=number("${:,.2f}"))),
    "parentheses for less": Case(
        table(amount=lambda n: number("({:.2f})" if n % 2 else "{:.2f}")(n)),
        asks=("columns.amount.sign",), mend={"columns.amount.sign": "absolute"},
    ),
    "outgoing amounts negative": Case(
        table(amount=number("-{:.2f}")),
        asks=("columns.amount.sign",), mend={"columns.amount.sign": "negated"},
    ),
    "year of two digits": Case(table(when=moment("%d.%m.%y %H:%M")), asks=("columns.when.zone",)),
    "day-month-year": Case(
        table(when=moment("%d-%m-%Y %H:%M")), asks=("both fit", "columns.when.zone")
    ),
    "day or month first": Case(
        table(when=lambda n: f"{1 + n % 12:02}/{1 + n // 12:02}/2024 00:00"),
        asks=("both fit", "columns.when.zone"), mend={"columns.when.format": "%m/%d/%Y %H:%M"},
        gives={"count(*)": ROWS, "min(time)": datetime(2024, 1, 1), "max(time)":
               datetime(2024, 12, 10)},
    ),
    "seconds since 1970": Case(
        table(when=lambda n: int((TRUTH["when"](n) - datetime(1970, 1, 1)).total_seconds())),
        asks=("seconds since 1970",),
    ),
    "milliseconds since 1970": Case(
        table(when=lambda n: int((TRUTH["when"](n) - datetime(1970, 1, 1)).total_seconds()) * 1000),
        asks=("milliseconds since 1970",),
    ),
    "date and time in two columns": Case(
        table(names=("tx_id",), date=moment("%Y-%m-%d"), time=moment("%H:%M:%S"),
              **{name: TRUTH[name] for name in NAMES[2:]}),
        asks=("columns.date.clock: are 'date' and 'time'",),
    ),
    "local times, one hour twice": Case(
        table(when=lambda n: datetime(2024, 10, 27) + timedelta(minutes=15 * (n - 4 * (n >= 12)))),
        asks=("columns.when.zone",), mend={"columns.when.zone": "Europe/Berlin"},
        gives={"count(*)": ROWS, "min(time)": datetime(2024, 10, 26, 22)},
        warns=r"8 rows have a time that comes twice, as clocks go back \(Europe/Berlin\)",
    ),
    "late frauds": Case(
        table(is_fraud=lambda n: int(n >= 110)), gives={**WHOLE, "sum(label)": 10}
    ),
    "one fraud": Case(table(is_fraud=lambda n: int(n == 60)), gives={**WHOLE, "sum(label)": 1}),
    "no fraud": Case(table(is_fraud=lambda _: 0), gives={**WHOLE, "sum(label)": 0}),
    "a second label": Case(
        table(chargeback=TRUTH["is_fraud"]),
        asks=("columns.chargeback",),
    ),
    "what is known of frauds alone": Case(
        table(fraud_type=lambda n: n % 3 + 1 if n % 20 == 3 else 0,
              chargeback_date=lambda n: "2024-05-01" if n % 20 == 3 else ""),
        asks=("columns.fraud_type", "columns.chargeback_date"),
    ),
    "yes is genuine": Case(
        table(names=NAMES[:6], genuine=lambda n: "no" if n % 20 == 3 else "yes"),
        asks=("columns.genuine.values",),
    ),
    "True is genuine": Case(
        table(names=NAMES[:6], is_legit=lambda n: str(n % 20 != 3)),
        asks=("columns.is_legit.values",),
    ),
}  # fmt: skip
TEXTS = {
    "words for moods": Case(texts(negative="negative", neutral="neutral", positive="positive")),
    "-1, 0, 1": Case(texts(negative=-1, neutral=0, positive=1), asks=("which is which",)),
    "-1.0, 0.0, 1.0": Case(texts(negative=-1.0, neutral=0.0, positive=1.0), asks=("which is",)),
    "0, 2, 4": Case(texts(negative=0, neutral=2, positive=4), asks=("which is which",)),
    "1, 2, 3": Case(texts(negative=1, neutral=2, positive=3), asks=("which is which",)),
    "1.0, 2.0, 3.0": Case(texts(negative=1.0, neutral=2.0, positive=3.0), asks=("which is",)),
    "0 and 1": Case(
        texts(negative=0, positive=1),
        asks=("which is which",),
        gives={"count(*) FILTER (label = 0)": 60, "count(*) FILTER (label = 2)": 60},
    ),
    "two words of three": Case(
        texts(negative="negative", positive="positive"),
        gives={"count(*) FILTER (label = 0)": 60, "count(*) FILTER (label = 2)": 60},
    ),
    "times with a zone's letters": Case(
        text([["id", "when", "label", "text"], *(
            [n, f"{START + timedelta(40, 60 * n):%a %b %d %X PDT %Y}", "positive",
             f"a text of words {n}"]
            for n in range(ROWS))]).encode(),
        asks=("is PDT the time of America/Los_Angeles",),
        gives={"count(*)": ROWS, "min(time)": datetime(2024, 4, 10, 7)},
    ),
    "texts alone": Case(
        text([["text"], *([f"a text of words {n}"] for n in range(ROWS))]).encode(),
        gives={"count(*)": ROWS},
    ),
}  # fmt: skip


def mend(path: Path, fields: dict[str, object]) -> None:
    """Change fields of a declaration as the answer to a question."""
    content = yaml.safe_load(path.read_text())
    for place, value in fields.items():
        *above, last = place.split(".")
        section = content
        for name in above:
            section = section[name]
        section[last] = value
    path.write_text(yaml.safe_dump(content))


def run(root: Path, case: Case) -> dict:
    """Take a file from its draft to silver; return what ingest and validate counted."""
    file = root / case.name
    file.write_bytes(case.content)
    drafted = draft_source(root, file, "drafted")
    assert len(drafted.doubts) == len(case.asks), drafted.doubts
    for doubt, pattern in zip(sorted(drafted.doubts), sorted(case.asks), strict=True):
        assert any(re.search(each, doubt) for each in case.asks), (doubt, pattern)
    settle(drafted.path, drafted.doubts)
    mend(drafted.path, case.mend)
    choice = choose(root, drafted.usecase, "drafted", path=file, say=lambda _: None)
    out = root / "out"
    out.mkdir()
    taken = ingested(root, drafted.path, choice, out)
    place = {"rows": root / PLAIN, "rejects": root / "rejects.parquet"}
    given = {"declaration": drafted.path, "raw": root / choice.raw, "files": choice.files}
    read(**given, **place, params=IngestParams())
    if not case.named:
        return taken
    counts = validated(root, drafted.path, out)["counts"]
    assert (counts["in"], counts["silver"]) == (taken["rows"], taken["rows"])
    return taken


def check(root: Path, case: Case, usual: dict[str, object]) -> None:
    if case.refused:
        with pytest.raises(VouchError, match=case.refused) as error:
            run(root, case)
        assert case.name in str(error.value)
        return
    taken = run(root, case)
    assert taken["rejects"] == case.rejects
    assert re.search(case.warns, "\n".join(taken["warnings"]))
    assert bool(case.warns) == any("comes twice" in each for each in taken["warnings"])
    table = f"read_parquet('{root / PLAIN}')"
    for query, value in (case.gives or usual).items():
        answer = duckdb.sql(f"SELECT {query} FROM {table}").fetchone()
        assert answer == (value,), query


@pytest.mark.parametrize("case", PAYMENTS.values(), ids=PAYMENTS)
def test_a_file_of_payments(tmp_path, case):
    check(tmp_path, case, WHOLE)


@pytest.mark.parametrize("case", TEXTS.values(), ids=TEXTS)
def test_a_file_of_texts(tmp_path, case):
    check(tmp_path, case, MOODS)
