"""Parquet files that grow: the row groups that stay are copied as they are, without decoding.

DuckDB's row groups of sorted rows hold :data:`ROW_GROUP` rows each, the last one what is left, and
their bytes depend on their rows alone. So a sorted table whose first rows stayed is made of the old
file's first row groups and new ones for the rest, and is the same bytes as if written whole.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.engine import thrift
from vouch.engine.duckdb import PARQUET, ROW_GROUP
from vouch.sources.readers import literal, pattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAGIC = b"PAR1"
TAIL = 8
"""Bytes behind the footer: its length and the magic number."""
PIECE = 4 << 20
# numbers of fields in https://github.com/apache/parquet-format/blob/master/src/main/thrift
ROWS, GROUPS = 3, 4
COLUMNS, GROUP_ROWS, GROUP_OFFSET, ORDINAL = 1, 3, 5, 7
CHUNK_OFFSET, META = 2, 3
COMPRESSED, DATA, INDEX, DICTIONARY, BLOOM = 7, 9, 10, 11, 14
PLACES = (DATA, INDEX, DICTIONARY)


@dataclass(frozen=True)
class Laid:
    """How a Parquet file is laid out.

    Attributes:
        path: The file.
        footer: What its footer says.
        extents: First byte and end of each row group, in order.
    """

    path: Path
    footer: thrift.Struct
    extents: tuple[tuple[int, int], ...]

    @property
    def groups(self) -> list[thrift.Struct]:
        """The footer's row groups."""
        return list(self.footer[GROUPS][1][1])

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return int(self.footer[ROWS][1])


def lay_out(path: Path) -> Laid:
    """Read how a Parquet file is laid out.

    Args:
        path: The file.

    Raises:
        ValueError: It is no whole Parquet file.
    """
    state = path.stat()
    return _lay_out(path.absolute(), state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _lay_out(path: Path, *_state: int) -> Laid:
    """Read how a file is laid out in one state of it: a long footer takes tenths of a second."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TAIL, 0))
        end = file.read()
        length = int.from_bytes(end[:4], "little")
        if end[4:] != MAGIC or length > size - TAIL - len(MAGIC):
            raise ValueError(f"{path}: is no whole Parquet file")
        file.seek(size - TAIL - length)
        footer = thrift.read(file.read(length))
    extents = tuple(map(_extent, footer[GROUPS][1][1]))
    if any(end > size - TAIL - length for _, end in extents):
        raise ValueError(f"{path}: is no whole Parquet file")
    return Laid(path, footer, extents)


def _extent(group: thrift.Struct) -> tuple[int, int]:
    metas = _metas(group)
    starts = [min(meta[p][1] for p in PLACES if p in meta) for meta in metas]
    pairs = zip(starts, metas, strict=True)
    return min(starts), max(start + meta[COMPRESSED][1] for start, meta in pairs)


def _metas(group: thrift.Struct) -> list[thrift.Struct]:
    return [column[META][1] for column in group[COLUMNS][1][1]]


def digests(path: Path) -> list[str]:
    """Compute a digest of each row group's bytes.

    Args:
        path: A Parquet file.

    Returns:
        64 hexadecimal digits for each row group, in order.

    Raises:
        ValueError: It is no whole Parquet file.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(lambda extent: _digest(path, *extent), lay_out(path).extents))


def _digest(path: Path, start: int, end: int) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(path, start, end):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Yield a file's bytes between two places."""
    with path.open("rb") as file:
        file.seek(start)
        while start < end:
            piece = file.read(min(PIECE, end - start))
            if not piece:
                raise ValueError(f"{path}: is no whole Parquet file")
            yield piece
            start += len(piece)


def is_regular(path: Path) -> bool:
    """Return whether a Parquet file's row groups can be moved, and have the usual size.

    The last may be smaller. Earlier releases wrote filters apart from the row groups.
    """
    groups = lay_out(path).groups
    sizes = [group[GROUP_ROWS][1] for group in groups]
    filtered = any(BLOOM in meta for group in groups for meta in _metas(group))
    full = all(size == ROW_GROUP for size in sizes[:-1]) and sizes[-1:] <= [ROW_GROUP]
    return full and not filtered


def unchanged(old: Sequence[str], new: Sequence[str], rows: int) -> int:
    """Count the row groups at a table's beginning that stayed as they were.

    Args:
        old: Digests of the table's row groups before.
        new: Digests of them now.
        rows: Rows of the table before.

    Returns:
        All, if nothing changed; else how many first ones are the same and full: a last one that is
        not full is written anew when rows follow it.
    """
    if old == new:
        return len(new)
    pairs = enumerate(zip(old, new, strict=False))
    same = next((n for n, (before, after) in pairs if before != after), min(len(old), len(new)))
    return min(same, rows // ROW_GROUP)


def settle(connection: "DuckDBPyConnection", path: Path) -> None:
    """Bring a table's row groups to the usual size, where DuckDB made others of few rows.

    Args:
        connection: Where to run.
        path: A Parquet file as DuckDB writes a stage's tables; it is written anew where needed.
    """
    if is_regular(path):
        return
    pieces: list[tuple[Path, int]] = []
    table = f"read_parquet({literal(pattern(path))}, file_row_number = true)"
    for first in range(0, lay_out(path).rows, ROW_GROUP):
        piece = path.with_name(f".{path.name}.{first}")
        connection.execute(
            f"""COPY (SELECT * EXCLUDE (file_row_number) FROM {table}
                  WHERE file_row_number BETWEEN {first} AND {first + ROW_GROUP - 1})
                TO {literal(piece)} {PARQUET}"""
        )
        pieces.append((piece, 1))
    whole = path.with_name(f".{path.name}.whole")
    join(pieces, whole)
    whole.replace(path)
    for piece, _ in pieces:
        piece.unlink()


def copy(connection: "DuckDBPyConnection", query: str, path: Path, parameters: Any = None) -> None:
    """Write a query's rows as a stage's table, in row groups of the usual size.

    Args:
        connection: Where to run.
        query: Its rows have a total order.
        path: Where to (Parquet).
        parameters: The query's parameters.
    """
    connection.execute(f"COPY ({query}) TO {literal(path)} {PARQUET}", parameters)
    settle(connection, path)


def grow(
    connection: "DuckDBPyConnection",
    old: Path,
    groups: int,
    query: str,
    out: Path,
    scratch: Path,
    parameters: Any = None,
) -> None:
    """Write the first row groups of a file, and a query's rows behind them.

    Args:
        connection: Where to run.
        old: The file that was.
        groups: How many of its first row groups stay; all of them full.
        query: What comes after, in a total order.
        out: Where to.
        scratch: A folder for it meanwhile.
        parameters: The query's parameters.
    """
    tail = scratch / "tail.parquet"
    copy(connection, query, tail, parameters)
    splice(old, groups, tail, out)
    tail.unlink()


def splice(old: Path, groups: int, tail: Path, out: Path) -> None:
    """Write the first row groups of one file and all of another as one file.

    Args:
        old: The file that was.
        groups: How many of its first row groups stay; all of them full.
        tail: What comes after, written as a stage's tables are.
        out: Where to.

    Raises:
        ValueError: One of them is no whole Parquet file, or they have different columns.
    """
    join([(old, groups), (tail, len(lay_out(tail).extents))], out)


def join(pieces: Sequence[tuple[Path, int]], out: Path) -> None:
    """Write row groups of several files as one file.

    Args:
        pieces: Files, and how many of the first row groups of each are taken.
        out: Where to.

    Raises:
        ValueError: One of them is no whole Parquet file, or they have different columns.
    """
    laid = [(lay_out(path), count) for path, count in pieces]
    footer, moved = laid[-1][0].footer, list[thrift.Struct]()
    with out.open("wb") as file:
        file.write(MAGIC)
        for each, count in laid:
            if _without(each.footer, {ROWS, GROUPS}) != _without(footer, {ROWS, GROUPS}):
                raise ValueError(f"{each.path}: its columns are not those of {laid[-1][0].path}")
            kept = _filled(each, count)
            moved += _moved(each, kept, file.tell(), len(moved))
            _copy(each, kept, file)
        written = thrift.write(_footer(footer, moved))
        file.write(written + len(written).to_bytes(4, "little") + MAGIC)


def _filled(laid: Laid, count: int) -> int:
    """Count the row groups to take: a file without rows may have one that is empty."""
    return count if laid.rows else 0


def _without(struct: thrift.Struct, fields: set[int]) -> thrift.Struct:
    return {field: value for field, value in struct.items() if field not in fields}


def _moved(laid: Laid, count: int, place: int, before: int) -> list[thrift.Struct]:
    """Return the first row groups as they are described in another place of another file."""
    if not count:
        return []
    shift = place - laid.extents[0][0]
    return [_shifted(group, shift, before + n) for n, group in enumerate(laid.groups[:count])]


def _shifted(group: thrift.Struct, shift: int, ordinal: int) -> thrift.Struct:
    kind, columns = group[COLUMNS][1]
    result = group | {COLUMNS: (group[COLUMNS][0], (kind, [_chunk(c, shift) for c in columns]))}
    if GROUP_OFFSET in group:
        result[GROUP_OFFSET] = _plus(group[GROUP_OFFSET], shift)
    if ORDINAL in group:
        result[ORDINAL] = (group[ORDINAL][0], ordinal)
    return result


def _chunk(column: thrift.Struct, shift: int) -> thrift.Struct:
    kind, meta = column[META]
    places = {p: _plus(meta[p], shift) for p in PLACES if p in meta}
    result = column | {META: (kind, meta | places)}
    if column[CHUNK_OFFSET][1]:
        result[CHUNK_OFFSET] = _plus(column[CHUNK_OFFSET], shift)
    return result


def _plus(field: tuple[int, Any], shift: int) -> tuple[int, Any]:
    return field[0], field[1] + shift


def _copy(laid: Laid, count: int, file: Any) -> None:
    if not count:
        return
    for piece in _pieces(laid.path, laid.extents[0][0], laid.extents[count - 1][1]):
        file.write(piece)


def _footer(like: thrift.Struct, groups: list[thrift.Struct]) -> thrift.Struct:
    rows = sum(group[GROUP_ROWS][1] for group in groups)
    kind, (item, _) = like[GROUPS]
    return like | {ROWS: (like[ROWS][0], rows), GROUPS: (kind, (item, groups))}
