"""How a file is written: its format, encoding, separator and header line."""

import json
import lzma
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.sources import records
from vouch.sources.readers import guess_encoding
from vouch.sources.unpack import ZIP, opened
from vouch.sources.workbook import OLE, first_rows, sheets

SEPARATORS = ",;\t|"
START = 1 << 18
LINES = 300
NUMBER = re.compile(r"[+-]?[\d.,]+")


@dataclass(frozen=True)
class Layout:
    """How a file is written.

    Attributes:
        format: ``csv``, ``parquet``, ``jsonl``, ``json`` or ``excel``.
        encoding: A text file's encoding.
        separator: A CSV file's separator.
        header: The 1-based line that names a CSV file's columns; 0: none does.
        quoting: Whether quotes enclose fields.
        sheets: The names of a workbook's sheets.
    """

    format: str
    encoding: str = "utf-8"
    separator: str = ","
    header: int = 1
    quoting: bool = True
    sheets: tuple[str, ...] = ()


def find_layout(file: Path) -> Layout:
    """Find out how a file is written, from its first 256 KB.

    Args:
        file: The table, possibly compressed.

    Raises:
        VouchError: No such file, a folder, nothing in it, or a broken archive.
    """
    start = _start(file)
    if not start.strip():
        raise VouchError(f"{file}: is empty ({len(start)} bytes)", "give a file with rows")
    if start.startswith(b"PAR1"):
        return Layout("parquet")
    if start.startswith((ZIP, OLE)):
        return _excel_layout(file)
    encoding = _encoding(start)
    text = start.decode(encoding, errors="replace").lstrip("\ufeff")
    opening = text.lstrip()[:1]
    if opening == "[" and re.match(r"\s*\[\s*[{\]]", text):
        return Layout("json", encoding)
    if opening == "{":
        return Layout("jsonl" if _is_json(text.strip().splitlines()[0]) else "json", encoding)
    return _csv_layout(text, encoding, whole=len(start) < START)


def _excel_layout(file: Path) -> Layout:
    rows = [(n, row) for n, row in enumerate(first_rows(file, None, LINES), 1) if any(row)]
    return Layout("excel", header=_header(rows), sheets=tuple(sheets(file)))


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _start(file: Path) -> bytes:
    if not file.exists():
        raise VouchError(f"{file}: no such file", "check the path")
    if file.is_dir():
        raise VouchError(f"{file}: is a folder", "give one file")
    try:
        return _unpacked(file)
    except OSError as error:
        if error.strerror is None:  # what gzip and bz2 call a broken archive
            raise VouchError(f"{file}: cannot be unpacked ({error})", "give it whole") from None
        raise VouchError(f"{file}: cannot be read ({error.strerror})", "check its rights") from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise VouchError(f"{file}: cannot be unpacked ({error})", "give it whole") from None
    except (NotImplementedError, ValueError, UnicodeDecodeError) as error:
        raise VouchError(f"{file}: cannot be unpacked ({error})", "give it unpacked") from None


def _unpacked(file: Path) -> bytes:
    """Read the beginning of a file, or of what is compressed in it; a workbook's as it is."""
    packed = None if _is_workbook(file) else opened(file)
    with packed or file.open("rb") as content:
        return content.read(START)


def _is_workbook(file: Path) -> bool:
    with file.open("rb") as content:
        if content.read(len(ZIP)) != ZIP:
            return False
    with zipfile.ZipFile(file) as archive:
        return any(name.startswith("xl/") for name in archive.namelist())


def _encoding(start: bytes) -> str:
    whole = start if len(start) < START else start[: start.rfind(b"\n") + 1]
    return guess_encoding(whole) or "cp1252"


def _csv_layout(text: str, encoding: str, *, whole: bool) -> Layout:
    lines = re.split(r"\r\n|\r|\n", text)
    lines = lines if whole else lines[:-1]
    match = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None
    separators = match[1] if match else SEPARATORS
    best = max(((s, q) for s in separators for q in (True, False)), key=lambda p: _fit(lines, *p))
    separator, quoting = best
    header = _header(_rows(lines, separator, quoting=quoting))
    return Layout("csv", encoding, separator, header, quoting)


def _rows(lines: list[str], separator: str, *, quoting: bool) -> list[tuple[int, list[str]]]:
    """Split the first lines into records as ingest does, each with the number of its first line.

    A line that is no record, because of its quotes, has no fields.
    """
    split = records.split(lines[:LINES], separator, None, quoting=quoting)
    rows = ((record.line, record.cells or []) for record in split)
    return [(line, row) for line, row in rows if not row or any(cell.strip() for cell in row)]


def _width(rows: list[tuple[int, list[str]]]) -> int:
    widths = Counter(len(row) for _, row in rows if row)
    return max(widths, key=lambda width: (widths[width], width)) if widths else 1


def _fit(lines: list[str], separator: str, quoting: bool) -> tuple[float, ...]:
    """Rate a separator: most rows of one width, quotes if they do no harm, then the widest."""
    rows = _rows(lines, separator, quoting=quoting)
    width = _width(rows)
    alike = sum(len(row) == width for _, row in rows)
    share = alike / max(len(rows), 1)
    return (width > 1 and share > 0.5, round(share, 1), quoting, width)


def _header(rows: list[tuple[int, list[str]]]) -> int:
    width = _width(rows)
    first = next((place for place, (_, row) in enumerate(rows) if len(row) == width), 0)
    if not rows or width < 2:
        return rows[0][0] if rows else 1
    line, names = rows[first]
    below = [row for _, row in rows[first + 1 :] if len(row) == width]
    return 0 if _is_data(names, below) else line


def _is_data(names: list[str], below: list[list[str]]) -> bool:
    """Return whether what should be names are values like those below them."""
    numbers = [place for place, name in enumerate(names) if NUMBER.fullmatch(name.strip())]
    if not numbers or len(set(names)) == len(names) == len(numbers):
        return bool(numbers) and not below
    return all(all(NUMBER.fullmatch(row[place].strip()) for row in below[:20]) for place in numbers)
