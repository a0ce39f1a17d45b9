"""Compressed files and files with lines before their header, converted before they are read."""

import bz2
import csv
import gzip
import lzma
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, cast

from vouch.core.errors import VouchError
from vouch.sources.declaration import Declaration
from vouch.sources.records import Record, bounded, fields, open_text, split

GZIP, ZIP, BZIP2, XZ = b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00"
LOOKED_AT = 1000
"""Lines among which a header is looked for."""
PIECE = 1 << 20
UNPACKED = 1_000_000_000
"""Bytes that any file may unpack to."""
RATIO = 200
"""How many times its own size a file may unpack to beyond that: tables come to 5 to 50 times."""


BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What a damaged archive raises."""


def check_size(path: Path, size: int) -> None:
    """Check that what is compressed in a file does not fill the disk or the memory.

    Args:
        path: The file.
        size: Bytes it unpacks to, at least.

    Raises:
        VouchError: More than ``UNPACKED`` and more than ``RATIO`` times the file's own size.
    """
    if size > max(UNPACKED, RATIO * path.stat().st_size):
        raise VouchError(
            f"{path}: unpacks to more than {UNPACKED:,} bytes and {RATIO} times its own size, the "
            "most a compressed file may",
            "give it unpacked, if it is a table",
        )


def unpacked(path: Path, scratch: Path) -> Path:
    """Return a file's content without compression, which is recognised by its first bytes.

    Args:
        path: The file: gzip, bzip2, xz, a zip of one member, or none of them.
        scratch: A folder for the content.

    Returns:
        The file itself if it is not compressed.

    Raises:
        VouchError: A damaged file, a zip of several members, or one that unpacks to too much.
    """
    plain = scratch / f"{path.stem}.plain"
    try:
        source = opened(path)
        if source is None:
            return path
        with source, plain.open("wb") as out:
            while piece := source.read(PIECE):
                out.write(piece)
                check_size(path, out.tell())
    except (*BROKEN, RuntimeError, ValueError) as bad:
        raise VouchError(f"{path}: cannot be decompressed: {bad}", "give it again, whole") from None
    return plain


def opened(path: Path) -> IO[bytes] | None:
    """Open what is compressed in a file; None for one that is not compressed.

    Args:
        path: As for :func:`unpacked`.

    Raises:
        VouchError: A zip of several members.
        OSError: A file that cannot be read; a damaged one raises what its library raises.
    """
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(GZIP):
        return cast("IO[bytes]", gzip.open(path))
    if start.startswith(BZIP2):
        return bz2.open(path)
    if start.startswith(XZ):
        return lzma.open(path)
    if not start.startswith(ZIP):
        return None
    with zipfile.ZipFile(path) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if len(members) != 1:
            names = ", ".join(each.filename for each in members[:5])
            raise VouchError(f"{path}: holds {len(members)} files ({names})", "give one of them")
        return archive.open(members[0])


def with_header(path: Path, declaration: Declaration, scratch: Path) -> Path:
    """Return a CSV file that begins with its header, on one line.

    Args:
        path: The file.
        declaration: Its columns, and where its header is.
        scratch: A folder for a copy.

    Returns:
        The file itself if its first line is the header, or none is found.

    Raises:
        VouchError: The file has fewer lines than lie before its declared header.
    """
    place, lines, names = _header(path, declaration)
    if place == lines == 1:
        return path
    copy = scratch / f"{path.stem}.headed"
    with (
        open_text(path, declaration.encoding) as file,
        copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        mark = declaration.separator
        quoted = csv.writer(out, delimiter=mark, lineterminator="\n")
        if declaration.quoting:
            quoted.writerow(names)
        else:
            out.write(mark.join(names) + "\n")
        skipped = place - 1 + lines if place else 0
        next(islice(bounded(file, path), skipped, skipped), None)
        shutil.copyfileobj(file, out, PIECE)
    return copy


def name_of(cell: str) -> str:
    """Return the name of a column as its header has it, a space for each line break."""
    return re.sub(r"\s*[\r\n]\s*", " ", cell.strip())


def numbered(width: int) -> tuple[str, ...]:
    """Return the names of columns that have none of their own."""
    return tuple(f"column_{place}" for place in range(1, width + 1))


def _header(path: Path, declaration: Declaration) -> tuple[int, int, list[str]]:
    """Return the line a header begins on, 0 for none, how many lines it has, and its names."""
    place = declaration.header
    before = max(place or 1, 1) - 1
    with open_text(path, declaration.encoding) as file:
        rows = _rows(islice(bounded(file, path), before, before + LOOKED_AT), declaration)
        first = next(rows, None)
        if first is None and (place or 1) > 1:
            raise VouchError(f"{path}: has no line {place}, the declared header", "mend header")
        if first is None:
            return 1, 1, []
        if place == 0:
            return 0, 0, list(numbered(len(first[1])))
        named = (row for row in rows if _names_all(row[1], declaration))
        looked_for = place is None and not _names_all(first[1], declaration)
        record, names = next(named, first) if looked_for else first
    return before + record.line, str(record.raw).count("\n") + 1, names


def _rows(lines: Iterable[str], declaration: Declaration) -> Iterator[tuple[Record, list[str]]]:
    """Split lines into records, each with the names it would give to columns."""
    bare = (line.removesuffix("\n") for line in lines)
    for record in split(bare, declaration.separator, None, quoting=declaration.quoting):
        yield record, [name_of(cell) for cell in _fields(str(record.raw), declaration)]


def header_place(rows: Iterable[list[str]], declaration: Declaration) -> int:
    """Return which row, from 1, is the first to name all declared columns; 1 if none does."""
    return next((n for n, row in enumerate(rows, 1) if _names_all(row, declaration)), 1)


def _names_all(row: list[str], declaration: Declaration) -> bool:
    needed = {name.strip() for name, column in declaration.columns.items() if not column.optional}
    return needed <= set(map(name_of, row))


def _fields(line: str, declaration: Declaration) -> list[str]:
    try:
        return fields(line, declaration.separator, quoting=declaration.quoting)
    except (csv.Error, TypeError, ValueError, StopIteration):
        return []
