"""Compressed files and files with lines before their header, made plain before they are read."""

import bz2
import csv
import gzip
import lzma
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

from vouch.errors import VouchError
from vouch.sources.declaration import Declaration
from vouch.sources.records import open_text

GZIP, ZIP, BZIP2, XZ = b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00"
LOOKED_AT = 1000
"""Lines among which a header is looked for."""
LONGEST_LINE = 16_000_000


def unpacked(path: Path, scratch: Path) -> Path:
    """Give a file's content without compression, which is recognised by its first bytes.

    Args:
        path: The file: gzip, bzip2, xz, a zip of one member, or none of them.
        scratch: A folder for the content.

    Returns:
        The file itself if it is not compressed.

    Raises:
        VouchError: A damaged file, or a zip of several members.
    """
    plain = scratch / f"{path.stem}.plain"
    try:
        source = opened(path)
        if source is None:
            return path
        with source, plain.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as bad:
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
    """Give a CSV file that begins with its header.

    Args:
        path: The file.
        declaration: Its columns, and where its header is.
        scratch: A folder for a copy.

    Returns:
        The file itself if its first line is the header, or none is found.

    Raises:
        VouchError: The file has fewer lines than lie before its declared header.
    """
    with open_text(path, declaration.encoding) as file:
        first = [file.readline(LONGEST_LINE) for _ in range(LOOKED_AT)]
    place = declaration.header
    if place is None:
        place = _place(first, declaration)
    if place == 1:
        return path
    if place > 1 and (place > LOOKED_AT or not first[place - 1]):
        raise VouchError(f"{path}: has no line {place}, the declared header", "mend header")
    copy = scratch / f"{path.stem}.headed"
    with (
        open_text(path, declaration.encoding) as file,
        copy.open("w", encoding="utf-8", errors="surrogateescape") as out,
    ):
        if place == 0:
            width = len(_fields(first[0], declaration.separator))
            names = (f"column_{number}" for number in range(1, width + 1))
            out.write(declaration.separator.join(names) + "\n")
        for _ in range(place - 1):
            file.readline(LONGEST_LINE)
        shutil.copyfileobj(file, out, 1 << 20)
    return copy


def _place(lines: list[str], declaration: Declaration) -> int:
    needed = {name.strip() for name, column in declaration.columns.items() if not column.optional}
    for place, line in enumerate(lines, 1):
        if needed <= {name.strip() for name in _fields(line, declaration.separator)}:
            return place
    return 1


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\n")], delimiter=separator), [])
    except (csv.Error, TypeError, ValueError):
        return []
