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

from vouch.core.errors import VouchError

LONGEST = 1_000_000
"""Characters after which a quote that is still open is taken for a stray one."""
LONGEST_LINE = 16_000_000
"""Characters of a line, or bytes of a JSON object, beyond which a file is refused."""
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
        raw: Its text, with line breaks, without the last; None where the format has no text.
        problem: Why it is no row, or None.
        cells: Its fields, or None where there is a problem.
    """

    line: int
    raw: str | None
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


def split(
    lines: Iterable[str], separator: str, width: int | None, *, quoting: bool = True
) -> Iterator[Record]:
    """Split lines into records; every line that is not blank is part of exactly one.

    Args:
        lines: The data lines, without their line breaks.
        separator: One character.
        width: How many fields a row has; None: any number.
        quoting: Whether a quote begins a field that may hold anything.

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
            block = [line]
            problem = _complete(rules, block, waiting, coming) if quoting else None
            cells = None if problem else fields("\n".join(block), separator, quoting=quoting)
            yield _record(number, block, problem, cells, width)
            number += len(block) - 1
        number += 1


def _complete(
    rules: Grammar, block: list[str], waiting: deque[str], coming: Iterator[str]
) -> str | None:
    """Add the further lines of a record to its first one, if it ends; else return the problem."""
    first = block[0]
    if '"' not in first or rules.whole.fullmatch(first):
        return None
    going_on, size = rules.opens.fullmatch(first), len(first)
    while going_on and size <= LONGEST:
        line = waiting.popleft() if waiting else next(coming, None)
        if line is None:
            break
        block.append(line)
        size += len(line) + 1
        if rules.closes.fullmatch(line):
            return None
        going_on = rules.inside.fullmatch(line) or rules.reopens.fullmatch(line)
    waiting.extendleft(reversed(block[1:]))
    del block[1:]
    return OPEN


def _record(
    number: int,
    block: list[str],
    problem: str | None,
    cells: list[str] | None,
    width: int | None,
) -> Record:
    raw = "\n".join(block)
    if MARK in raw:
        return Record(number, raw.replace(MARK, "\ufffd"), UNREADABLE, None)
    if cells is None:
        return Record(number, raw, problem, None)
    if width is not None and len(cells) != width:
        return Record(number, raw, f"has {len(cells)} fields, not {width}", None)
    return Record(number, raw, None, cells)


def fields(raw: str, separator: str, *, quoting: bool = True) -> list[str]:
    """Split a record into its fields.

    Args:
        raw: The record, without its last line break.
        separator: One character.
        quoting: Whether a quote begins a field that may hold anything.

    Raises:
        csv.Error: A field that is too long, or a separator that cannot be one.
        TypeError: Likewise.
    """
    if not quoting or '"' not in raw:
        return raw.split(separator)
    csv.field_size_limit(2 * LONGEST)
    return next(csv.reader([raw], delimiter=separator))


def write_records(
    path: Path, encoding: str, separator: str, width: int, out: Path, *, quoting: bool = True
) -> None:
    """Read a CSV file's records into a Parquet file of ``SCHEMA``.

    Args:
        path: The CSV file; its first line is a header.
        encoding: Its encoding, one that Python knows.
        separator: One character.
        width: How many fields its header has.
        out: The Parquet file.
        quoting: Whether a quote begins a field that may hold anything.

    Raises:
        VouchError: More than 1 % of the records have bytes that are not text of this encoding, or
            a line is too long.
    """
    with open_text(path, encoding) as file:
        lines = bounded(file, path)
        next(lines)
        bare = (line.removesuffix("\n") for line in lines)
        records, broken = store(split(bare, separator, width, quoting=quoting), out, encoding)
    if broken > 1 and broken > TOLERATED * records:
        raise VouchError(
            f"{path}: {broken:,} of {records:,} rows are not {encoding} text",
            "declare its encoding, such as encoding: cp1252 or utf-16",
        )


def store(records: Iterable[Record], out: Path, encoding: str = "utf-8") -> tuple[int, int]:
    """Write records to a Parquet file of ``SCHEMA``.

    Args:
        records: The records.
        out: The Parquet file.
        encoding: What bytes are said not to be text of.

    Returns:
        How many there were, and how many of them had bytes that are no text.
    """
    from pyarrow import parquet

    total, broken, coming = 0, 0, iter(records)
    with parquet.ParquetWriter(out, SCHEMA, compression="none") as writer:
        while piece := list(islice(coming, PIECE)):
            total += len(piece)
            broken += sum(record.problem == UNREADABLE for record in piece)
            writer.write_batch(_batch(piece, encoding))
    return total, broken


def bounded(file: TextIO, path: Path) -> Iterator[str]:
    """Read a text file's lines, none of which may fill the memory.

    Args:
        file: The open file.
        path: What it is called in the message.

    Yields:
        Each line with its line break.

    Raises:
        VouchError: A line of more than ``LONGEST_LINE`` characters.
    """
    number = 1
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE and not line.endswith("\n"):
            raise too_long(path, number)
        yield line
        number += 1


def too_long(path: Path, line: int) -> VouchError:
    """Return the error that refuses a file for the length of one of its lines."""
    return VouchError(
        f"{path}: line {line:,} is longer than a line may be ({LONGEST_LINE:,} characters)",
        "check that it is a table with a row a line, and its encoding",
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
    reasons = [
        f"has bytes that are not {encoding} text" if p == UNREADABLE else p for p in problems
    ]
    columns = zip((lines, raws, reasons, cells), SCHEMA.types, strict=True)
    arrays = [pa.array(each, kind) for each, kind in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
