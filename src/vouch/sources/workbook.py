"""Sheets of Excel workbooks (.xlsx), read row by row with openpyxl.

Numbers, times and truth values become the texts the other formats have; a formula counts by the
value its workbook was saved with.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError, suggest
from vouch.sources.declaration import Declaration
from vouch.sources.records import Record, store
from vouch.sources.unpack import LOOKED_AT, check_size, header_place, name_of, numbered

if TYPE_CHECKING:
    from openpyxl import Workbook

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What old workbooks (.xls) and those protected by a password begin with."""
LARGEST = 1_000_000_000
"""Bytes of XML in a workbook: Excel's own limit of a million rows is about half of it."""
EXACT = 1e15
"""Below it every whole number is exactly what a workbook stores."""
PIECE = 1 << 20
Row = tuple[Any, ...]


def write_sheet(path: Path, declaration: Declaration, out: Path) -> list[str]:
    """Read a sheet's rows into a Parquet file of ``records.SCHEMA``.

    Args:
        path: The workbook.
        declaration: The sheet's name, its header line and how its numbers are written.
        out: The Parquet file.

    Returns:
        The names of its columns, empty where a column has none.

    Raises:
        VouchError: No workbook, a damaged, old, protected or too large one, no such sheet, no
            rows, no line of the declared number, or formulas that were never computed.
    """
    rows = ([_text(cell) for cell in row] for row in _rows(path, declaration.sheet))
    first = list(islice(rows, LOOKED_AT))
    place = declaration.header
    place = header_place(first, declaration) if place is None else place
    if not first or place > len(first):
        raise VouchError(
            f"{path}: its sheet has no line {max(place, 1)}, the header", "mend header"
        )
    names = _names(first, place)
    rest = chain(first[place:], rows)
    total, _ = store(_records(rest, list(map(declaration.point, names))), out)
    if not total:
        raise VouchError(f"{path}: has a header and no rows", "give a workbook with rows")
    return names


def first_rows(path: Path, sheet: str | None, count: int) -> list[list[str]]:
    """Return the texts of a sheet's first rows.

    Args:
        path: The workbook.
        sheet: The sheet's name; None: the first one.
        count: How many rows.

    Raises:
        VouchError: As for :func:`write_sheet`.
    """
    return [[_text(cell) for cell in row] for row in islice(_rows(path, sheet), count)]


def sheets(path: Path) -> list[str]:
    """Return the names of a workbook's sheets.

    Raises:
        VouchError: No workbook, or one that cannot be read.
    """
    with _reading(path):
        _check(path)
        return [sheet.title for sheet in _open(path, values=True).worksheets]


def _names(first: list[list[str]], place: int) -> list[str]:
    if place == 0:
        return list(numbered(max(map(len, first))))
    names = [name_of(name) for name in first[place - 1]]
    while names and not names[-1]:  # formatted, not filled in
        names.pop()
    return names


def _records(rows: Iterator[list[str]], points: list[str]) -> Iterator[Record]:
    width = len(points)
    for line, row in enumerate(rows, 1):
        cells = [*row, *[""] * (width - len(row))]
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if not any(cells):
            continue
        problem = f"has {len(cells)} cells, not {width}" if len(cells) > width else None
        fit = zip(cells, points, strict=False)
        texts = [_number(cell, point) for cell, point in fit]
        yield Record(line, None, problem, None if problem else texts)


def _number(cell: str, point: str) -> str:
    """Write a number of the workbook's, not a text that looks like one, as it is declared."""
    return cell.replace(".", point) if isinstance(cell, _Number) else str(cell)


class _Number(str):
    """The text of a cell that holds a number."""

    __slots__ = ()


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        whole = isinstance(cell, int) or (cell.is_integer() and abs(cell) < EXACT)
        return _Number(int(cell) if whole else repr(cell))
    if isinstance(cell, datetime):
        return str(cell.date() if cell.time() == time() else cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise one error for whatever openpyxl raises for damage, which is of many kinds."""
    try:
        yield
    except VouchError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise VouchError(
            f"{path}: is no workbook that can be read: {cause}", "save it anew as .xlsx"
        ) from None


def _rows(path: Path, sheet: str | None) -> Iterator[Row]:
    with _reading(path):
        _check(path)
        values = _cells(path, sheet, values=True)
        yield from _computed(path, sheet, values) if _has_formulas(path) else values


def _computed(path: Path, sheet: str | None, values: Iterator[Row]) -> Iterator[Row]:
    """Read rows with formulas, at least one of which must have a value."""
    formulas = computed = 0
    for row, written in zip(values, _cells(path, sheet, values=False), strict=True):
        cells = [v for v, formula in zip(row, written, strict=True) if _is_formula(formula)]
        formulas += len(cells)
        computed += sum(value is not None for value in cells)
        yield row
    if formulas and not computed:
        raise VouchError(
            f"{path}: none of its {formulas:,} formulas has a value",
            "open it in a spreadsheet program, save it, and give it again",
        )


def _is_formula(cell: Any) -> bool:
    text = isinstance(cell, str) and cell.startswith("=")
    return text or type(cell).__module__.startswith("openpyxl.")  # a formula of many cells


def _cells(path: Path, sheet: str | None, *, values: bool) -> Iterator[Row]:
    chosen = _sheet(path, _open(path, values=values), sheet)
    chosen.reset_dimensions()  # some programs write them wrong
    yield from chosen.iter_rows(values_only=True)


def _sheet(path: Path, book: "Workbook", name: str | None) -> Any:
    names = [sheet.title for sheet in book.worksheets]
    if name is None and names:
        return book.worksheets[0]
    if name not in names:
        raise VouchError(f"{path}: has no sheet {name or ''!r}", suggest(str(name), names))
    return book[name]


def _open(path: Path, *, values: bool) -> "Workbook":
    import openpyxl

    return openpyxl.load_workbook(path, read_only=True, data_only=values, keep_links=False)


def _check(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(PIECE)
    if start.startswith(OLE):
        locked = "EncryptedPackage".encode("utf-16-le") in start
        kind = "is protected by a password" if locked else "is an old workbook (.xls)"
        raise VouchError(f"{path}: {kind}", "save it as .xlsx, without a password")
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    check_size(path, size)
    if size > LARGEST:
        raise VouchError(
            f"{path}: has {size:,} bytes of XML; the most a workbook may have is {LARGEST:,}",
            "save the sheet as CSV",
        )


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and _holds(archive, name):
                return True
    return False


def _holds(archive: zipfile.ZipFile, name: str) -> bool:
    last = b""
    with archive.open(name) as part:
        while piece := part.read(PIECE):
            if any(tag in last + piece for tag in (b"<f>", b"<f ", b":f>", b":f ")):
                return True
            last = piece[-3:]
    return False
