"""Reading raw files as text, one relation for every format, with the line each row stands on.

Every line of a file becomes a row or a problem: nothing is dropped on the way. CSV and JSON lines
are read line by line, so a quoted line break is a problem of its two lines, told as such; only
where a column holds texts, which people write over several lines, are CSV files read record by
record. A CSV file in which each line is a row is read several times faster by DuckDB's own reader.
"""

import codecs
import csv
import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.errors import VouchError, near
from vouch.sources.declaration import Declaration
from vouch.sources.records import open_text, write_records
from vouch.sources.unpack import unpacked, with_header

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PIECE = 8 << 20
LONGEST_LINE = 16_000_000
DELIMITER = "\x01"
"""Splits no line: control characters are taken out before DuckDB sees the file."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
NOT_PLAIN = bytes([*range(0x09), *range(0x0B, 0x20)])
"""Control characters and carriage returns: a file without them needs no copy."""
UNREADABLE = "\ufffd"
TOLERATED = 0.01
"""Above this share of unreadable lines the declared encoding is taken to be wrong."""
SAMPLE = 1000


@dataclass(frozen=True)
class Raw:
    """A raw file as a relation.

    Attributes:
        sql: A query with ``line`` (int64, 1-based data line), ``raw`` (the row's text, where the
            format has one), ``problem`` (why the line is no row, or null) and what ``cells`` need.
        columns: The file's columns.
        cells: An expression over the query for each column's text.
        numbers: The columns whose cells are float64 instead of text.
        quick: The same by DuckDB's CSV reader, if that may do. Only to be trusted where it gives
            ``lines`` rows, none of them with a problem; then they are the lines, in order. Its
            ``line`` is null: numbering rows as they are read keeps DuckDB to one thread.
        lines: How many lines of data the file has, where ``quick`` is given.
    """

    sql: str
    columns: tuple[str, ...]
    cells: tuple[str, ...]
    numbers: frozenset[str] = frozenset()
    quick: "Raw | None" = None
    lines: int = 0


def quoted(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """Quote an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """Quote a file's name for SQL's functions that read files; nothing in it is a pattern."""
    return literal(pattern(path))


def pattern(path: Path) -> str:
    """Return the pattern of one file's name: DuckDB takes ``*``, ``?`` and ``[`` for wildcards."""
    return glob.escape(str(path))


def open_raw(
    connection: "DuckDBPyConnection", path: Path, declaration: Declaration, scratch: Path
) -> Raw:
    """Open a raw file as the declaration says.

    Args:
        connection: Where its query will run.
        path: The file.
        declaration: Its format, encoding, separator and columns.
        scratch: A folder for a re-encoded copy, should one be needed.

    Returns:
        The file as a relation; its columns are checked against the declaration.

    Raises:
        VouchError: Another format or encoding than declared, no rows, a header that names a
            column twice or lacks one that is needed.
    """
    form, encoding, separator = declaration.format, declaration.encoding, declaration.separator
    path = unpacked(path, scratch) if form in ("csv", "jsonl") else path
    if form == "csv":
        _check_encoding(path, encoding)
        headed = with_header(path, declaration, scratch)
        path, encoding = headed, encoding if headed == path else "utf-8"
    if form == "csv" and declaration.has("text"):
        raw = _csv_records(path, encoding, separator, scratch)
    else:
        raw = read(connection, path, form, encoding, separator, scratch, declaration.numbers)
    _check_columns(path, declaration, raw.columns)
    return raw


def read(
    connection: "DuckDBPyConnection",
    path: Path,
    form: str,
    encoding: str,
    separator: str,
    scratch: Path,
    numbers: frozenset[str] = frozenset(),
) -> Raw:
    """Open a raw file of any columns.

    Args:
        connection: Where its query will run.
        path: The file.
        form: ``csv``, ``jsonl``, or ``parquet`` (``simulator`` is that too).
        encoding: A text file's encoding.
        separator: A CSV file's separator, one character.
        scratch: A folder for a re-encoded copy, should one be needed.
        numbers: Columns that are numbers with a decimal point.

    Returns:
        The file as a relation.

    Raises:
        VouchError: Another format or encoding than told, or no rows.
    """
    if form == "csv":
        return _csv(path, encoding, separator, scratch, numbers)
    if form == "jsonl":
        return _jsonl(connection, path, encoding, scratch)
    return _parquet(connection, path)


def extra_columns(declaration: Declaration, columns: tuple[str, ...]) -> list[str]:
    """Name the columns a file has and its declaration does not."""
    return [column for column in columns if column not in declaration.columns]


def _check_columns(path: Path, declaration: Declaration, columns: tuple[str, ...]) -> None:
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise VouchError(f"{path}: the header names {twice[0]!r} twice", "rename one of them")
    missing = [
        name
        for name, column in declaration.columns.items()
        if name not in columns and not column.optional
    ]
    # a date without its time of day would be another time
    missing += [
        column.clock
        for name, column in declaration.columns.items()
        if column.clock and name in columns and column.clock not in columns
    ]
    if missing:
        raise VouchError(
            f"{path}: no column {', '.join(map(repr, missing))}, which source "
            f"{declaration.name!r} declares; the file has: {', '.join(columns)}",
            f"{near(missing[0], extra_columns(declaration, columns) or columns)}; else "
            f"mend data/sources/{declaration.name}.yaml (separator {declaration.separator!r}?)",
        )


def _csv(path: Path, encoding: str, separator: str, scratch: Path, numbers: frozenset[str]) -> Raw:
    text = readable(path, encoding, scratch)
    with text.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline(LONGEST_LINE).rstrip("\r\n")
        if not any(line.strip(" \r\n") for line in iter(lambda: file.readline(LONGEST_LINE), "")):
            raise VouchError(f"{path}: has a header and no rows", "give a file with rows")
    columns = tuple(name.strip() for name in _split(path, header, separator))
    listed = _listed(separator)
    sql = f"""
        SELECT line, raw, cells,
          CASE WHEN contains(raw, {literal(UNREADABLE)})
                 THEN 'has bytes that are not {encoding} text'
               WHEN cells IS NULL THEN 'a quote is not closed on its line, or stands inside a field'
               WHEN len(cells) <> {len(columns)}
                 THEN 'has ' || len(cells) || ' fields, not {len(columns)}'
          END AS problem
        FROM (SELECT line, raw, {listed} AS cells FROM ({_lines(text, header=True)}))"""
    lines, trailing = _count_lines(text, separator)
    # DuckDB takes no offence at one empty field too many at a line's end
    fit = len(columns) > 1 and not trailing
    quick = _quick(text, columns, separator, numbers) if fit else None
    return Raw(sql, columns, _places(columns), quick=quick, lines=lines - 1)


def _csv_records(path: Path, encoding: str, separator: str, scratch: Path) -> Raw:
    _check_encoding(path, encoding)
    with open_text(path, encoding) as file:
        header = file.readline(LONGEST_LINE).rstrip("\n")
        if not any(line.strip() for line in file):
            raise VouchError(f"{path}: has a header and no rows", "give a file with rows")
    columns = tuple(name.strip() for name in _split(path, header, separator))
    out = scratch / f"{path.stem}.records"
    write_records(path, encoding, separator, len(columns), out)
    sql = f"SELECT line, raw, problem, cells FROM read_parquet({file_literal(out)})"
    return Raw(sql, columns, _places(columns))


def _places(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"cells[{place}]" for place in range(1, len(columns) + 1))


def _named(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Name each column's cell; canonical names have no space, so none is the same."""
    return tuple(quoted(f"cell {place}") for place in range(len(columns)))


def _quick(text: Path, columns: tuple[str, ...], separator: str, numbers: frozenset[str]) -> Raw:
    """Read with DuckDB's own reader; it skips blank lines and joins quoted line breaks."""
    cells = _named(columns)
    kinds = ["DOUBLE" if name in numbers else "VARCHAR" for name in columns]
    types = ", ".join(f"{cell}: '{kind}'" for cell, kind in zip(cells, kinds, strict=True))
    texts = [cell for cell, kind in zip(cells, kinds, strict=True) if kind == "VARCHAR"]
    # it takes a quote within a field for a part of it
    odd = " OR ".join(
        ["false", *(f"contains({c}, {literal(sign)})" for c in texts for sign in ('"', UNREADABLE))]
    )
    sql = f"""
        SELECT CAST(NULL AS BIGINT) AS line, CAST(NULL AS VARCHAR) AS raw,
          CASE WHEN {odd} THEN 'is unusual' END AS problem, {", ".join(cells)}
        FROM read_csv({file_literal(text)}, columns = {{{types}}}, header = true,
                      auto_detect = false, delim = {literal(separator)},
                      quote = '"', escape = '"')"""
    return Raw(sql, columns, cells, numbers)


def _count_lines(text: Path, separator: str) -> tuple[int, bool]:
    """Count lines, and tell whether any of them ends with a separator."""
    mark = separator.encode()
    lines, trailing, last = 0, False, b""
    with text.open("rb") as file:
        while piece := file.read(PIECE):
            lines += piece.count(b"\n")
            trailing |= mark + b"\n" in last[-len(mark) :] + piece
            last = piece
    return lines + (not last.endswith(b"\n")), trailing or last.endswith(mark)


def _split(path: Path, header: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=separator))
    except (csv.Error, TypeError, StopIteration) as error:
        raise VouchError(
            f"{path}: cannot read its header with separator {separator!r} ({error})",
            "declare the separator: one character",
        ) from None


def _listed(separator: str) -> str:
    """Give SQL that splits ``raw`` into a list of fields, or null where its quotes are broken."""
    mark = literal(separator)
    other = re.escape(separator)
    field = f'"(?:[^"]|"")*"|[^"{other}]*'
    whole = literal(f"(?:{field})(?:{other}(?:{field}))*")
    each = literal(f"({field}){other}")
    return f"""
        CASE WHEN NOT contains(raw, '"') THEN string_split(raw, {mark})
             WHEN regexp_full_match(raw, {whole}) THEN list_transform(
               regexp_extract_all(raw || {mark}, {each}, 1),
               lambda cell: CASE WHEN starts_with(cell, '"')
                                 THEN replace(cell[2:-2], '""', '"') ELSE cell END)
        END"""


def _lines(text: Path, *, header: bool) -> str:
    """Give SQL that numbers a text file's lines in order; empty ones count but are left out."""
    return f"""
        SELECT line, raw FROM (
          SELECT row_number() OVER () AS line, raw
          FROM read_csv({file_literal(text)}, columns = {{'raw': 'VARCHAR'}}, header = false,
                        delim = '{DELIMITER}', quote = '', escape = '', auto_detect = false,
                        skip = {int(header)}, max_line_size = {LONGEST_LINE},
                        buffer_size = {2 * LONGEST_LINE}))
        WHERE trim(coalesce(raw, '')) <> ''"""


def _jsonl(connection: "DuckDBPyConnection", path: Path, encoding: str, scratch: Path) -> Raw:
    text = readable(path, encoding, scratch)
    lines = _lines(text, header=False)
    found = connection.execute(
        f"""SELECT DISTINCT unnest(json_keys(raw)) FROM
            (SELECT raw FROM ({lines}) WHERE json_valid(raw) LIMIT {SAMPLE}) WHERE
            json_type(raw) = 'OBJECT' ORDER BY 1"""
    ).fetchall()
    if not found:
        raise VouchError(f"{path}: no line of it is a JSON object", "check the declared format")
    columns = tuple(name for (name,) in found)
    cells = ", ".join(
        f"json_extract_string(raw, {literal('$.' + quoted(name))})" for name in columns
    )
    sql = f"""
        SELECT line, raw, problem,
          CASE WHEN problem IS NULL THEN [{cells}] END AS cells
        FROM (SELECT line, raw,
                CASE WHEN contains(raw, {literal(UNREADABLE)})
                       THEN 'has bytes that are not {encoding} text'
                     WHEN NOT json_valid(raw) THEN 'is not JSON (cut off?)'
                     WHEN json_type(raw) <> 'OBJECT' THEN 'is not a JSON object'
                END AS problem FROM ({lines}))"""
    return Raw(sql, columns, _places(columns))


def _parquet(connection: "DuckDBPyConnection", path: Path) -> Raw:
    import duckdb

    table = f"read_parquet({file_literal(path)}, file_row_number = true)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
        rows: Any = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    except duckdb.Error as error:
        raise VouchError(f"{path}: is not a Parquet file ({error})", "check the format") from None
    if not rows[0]:
        raise VouchError(f"{path}: has no rows", "give a file with rows")
    columns = tuple(name for name, *_ in described if name != "file_row_number")
    cells = _named(columns)
    texts = ", ".join(
        f"CAST({quoted(name)} AS VARCHAR) AS {cell}"
        for name, cell in zip(columns, cells, strict=True)
    )
    sql = f"""
        SELECT file_row_number + 1 AS line, CAST(NULL AS VARCHAR) AS raw,
          CAST(NULL AS VARCHAR) AS problem, {texts} FROM {table}"""
    return Raw(sql, columns, cells)


def readable(path: Path, encoding: str, scratch: Path) -> Path:
    r"""Give a UTF-8 copy of a text file with ``\n`` line ends, or the file itself if it is that.

    Args:
        path: The text file.
        encoding: Its declared encoding.
        scratch: Where a copy is made.

    Returns:
        The file to read; characters that cannot be read have become U+FFFD, so that their lines
        can be told from the others.

    Raises:
        VouchError: An encoding Python does not know, or more than 1 % of the lines do not fit it.
    """
    _check_encoding(path, encoding)
    if codecs.lookup(encoding).name == "utf-8" and _is_plain(path):
        return path
    copy = scratch / f"{path.stem}.utf8"
    lines = broken = 0
    with copy.open("w", encoding="utf-8", newline="") as out:
        for text in _decoded(path, encoding):
            clean = CONTROL.sub(UNREADABLE, text)
            out.write(clean)
            lines += clean.count("\n")
            if UNREADABLE in clean:
                broken += sum(UNREADABLE in line for line in clean.split("\n"))
    if broken > 1 and broken > TOLERATED * lines:
        raise VouchError(
            f"{path}: {broken:,} of {lines:,} lines are not {encoding} text",
            f"declare its encoding, such as encoding: {_guess(path)}",
        )
    return copy


def _check_encoding(path: Path, encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise VouchError(
            f"{path}: its declaration names an unknown encoding {encoding!r}",
            near(encoding, ["utf-8", "utf-16", "latin-1", "cp1252"]),
        ) from None


def _is_plain(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            first = True
            while piece := file.read(PIECE):
                marked = first and piece.startswith(codecs.BOM_UTF8)
                if marked or len(piece.translate(None, NOT_PLAIN)) != len(piece):
                    return False
                decoder.decode(piece)
                first = False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with path.open(encoding=name, errors="replace", newline=None) as file:
        while text := file.read(PIECE):
            yield text


def _guess(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(PIECE)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in start:
        return "utf-16"
    return "cp1252"
