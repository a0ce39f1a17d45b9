"""CSV files whose quoted fields may hold line breaks, read record by record.

A record is one row as RFC 4180 has it; a field that does not begin with a quote is taken as it
stands. Where a quote is never rightly closed, only the line it opens on is given up and reading
goes on with the next line, so one stray quote does not swallow the rest of the file.
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import pyarrow as pa

from vouch.errors import VouchError

LONGEST = 1_000_000
"""Characters after which a quote that is still open is taken for a stray one."""
PIECE = 20_000
"""Records in memory at a time."""
TOLERATED = 0.01
"""Above this share of unreadable lines the declared encoding is taken to be wrong."""
MARK = "\udcff"
"""Stands where bytes could not be decoded: no text has it, unlike U+FFFD, which tweets do have."""
UNREADABLE = "unreadable"
OPEN = "a quote is not closed, or text follows the closing one"
SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("raw", pa.string()),
        ("problem", pa.string()),
        ("cells", pa.list_(pa.string())),
    ]
)


class Record(NamedTuple):
    """One record, or a line that is none.

    Attributes:
        line: The line it begins on, 1 for the first one after the header.
        raw: Its text, with line breaks, without the last.
        problem: Why it is no row, or None.
        cells: Its fields, or None where there is a problem.
    """

    line: int
    raw: str
    problem: str | None
    cells: list[str] | None


@dataclass(frozen=True)
class Grammar:
    """Patterns for one separator.

    Attributes:
        whole: Fields that end on their line.
        opens: Fields of which the last, a quoted one, goes on.
        inside: A line within a quoted field.
        closes: A line on which the quoted field and all after it end.
        reopens: A line on which it ends and another one goes on.
    """

    whole: re.Pattern[str]
    opens: re.Pattern[str]
    inside: re.Pattern[str]
    closes: re.Pattern[str]
    reopens: re.Pattern[str]


def grammar(separator: str) -> Grammar:
    """Make the patterns for a separator, one character."""
    mark = re.escape(separator)
    inner = '(?:[^"]++|"")*+'
    field = f'(?:"{inner}"|(?!")[^{mark}]*+)'
    more = f"(?:{mark}{field})*+"
    return Grammar(
        whole=re.compile(f"{field}{more}"),
        opens=re.compile(f'(?:{field}{mark})*?"{inner}'),
        inside=re.compile(inner),
        closes=re.compile(f'{inner}"{more}'),
        reopens=re.compile(f'{inner}"(?:{mark}{field})*?{mark}"{inner}'),
    )


def split(lines: Iterable[str], separator: str, width: int) -> Iterator[Record]:
    """Split lines into records; every line that is not blank is part of exactly one.

    Args:
        lines: The data lines, without their line breaks.
        separator: One character.
        width: How many fields a row has.

    Yields:
        Rows and problems in order.
    """
    rules = grammar(separator)
    coming = iter(lines)
    waiting: deque[str] = deque()
    number = 1
    while True:
        line = waiting.popleft() if waiting else next(coming, None)
        if line is None:
            return
        if line.strip(" "):
            taken = [line]
            problem = _complete(rules, taken, waiting, coming)
            yield _record(number, taken, problem, separator, width)
            number += len(taken) - 1
        number += 1


def _complete(
    rules: Grammar, taken: list[str], waiting: deque[str], coming: Iterator[str]
) -> str | None:
    """Take the lines that belong to a record that has begun, or only its first one."""
    first = taken[0]
    if '"' not in first or rules.whole.fullmatch(first):
        return None
    going_on, size = rules.opens.fullmatch(first), len(first)
    while going_on and size <= LONGEST:
        line = waiting.popleft() if waiting else next(coming, None)
        if line is None:
            break
        taken.append(line)
        size += len(line) + 1
        if rules.closes.fullmatch(line):
            return None
        going_on = rules.inside.fullmatch(line) or rules.reopens.fullmatch(line)
    waiting.extendleft(reversed(taken[1:]))
    del taken[1:]
    return OPEN


def _record(
    number: int, taken: list[str], problem: str | None, separator: str, width: int
) -> Record:
    raw = "\n".join(taken)
    if MARK in raw:
        return Record(number, raw.replace(MARK, "\ufffd"), UNREADABLE, None)
    if problem:
        return Record(number, raw, problem, None)
    cells = _fields(raw, separator)
    if len(cells) != width:
        return Record(number, raw, f"has {len(cells)} fields, not {width}", None)
    return Record(number, raw, None, cells)


def _fields(raw: str, separator: str) -> list[str]:
    if '"' not in raw:
        return raw.split(separator)
    csv.field_size_limit(2 * LONGEST)
    return next(csv.reader([raw], delimiter=separator))


def write_records(path: Path, encoding: str, separator: str, width: int, out: Path) -> None:
    """Read a CSV file's records into a Parquet file of ``SCHEMA``.

    Args:
        path: The CSV file; its first line is a header.
        encoding: Its encoding, one that Python knows.
        separator: One character.
        width: How many fields its header has.
        out: The Parquet file.

    Raises:
        VouchError: More than 1 % of the records have bytes that are not text of this encoding.
    """
    from pyarrow import parquet

    records = broken = 0
    with (
        open_text(path, encoding) as file,
        parquet.ParquetWriter(out, SCHEMA, compression="none") as writer,
    ):
        next(file)
        found = split((line.removesuffix("\n") for line in file), separator, width)
        while piece := list(islice(found, PIECE)):
            records += len(piece)
            broken += sum(record.problem == UNREADABLE for record in piece)
            writer.write_batch(_batch(piece, encoding))
    if broken > 1 and broken > TOLERATED * records:
        raise VouchError(
            f"{path}: {broken:,} of {records:,} rows are not {encoding} text",
            "declare its encoding, such as encoding: cp1252 or utf-16",
        )


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a text file with line breaks of any kind, ``MARK`` where its bytes are no text.

    Args:
        path: The file.
        encoding: Its encoding; a byte order mark is left out.

    Returns:
        The open file.
    """
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    return path.open(encoding=name, errors="vouch.mark", newline=None)


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return MARK, error.end


codecs.register_error("vouch.mark", _mark)


def _batch(piece: list[Record], encoding: str) -> pa.RecordBatch:
    lines, raws, problems, cells = zip(*piece, strict=True)
    told = [f"has bytes that are not {encoding} text" if p == UNREADABLE else p for p in problems]
    columns = zip((lines, raws, told, cells), SCHEMA.types, strict=True)
    arrays = [pa.array(each, kind) for each, kind in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
