"""Reading raw files as text, one relation for every format, with the line each row stands on.

Every line of a file becomes a row or a problem: nothing is dropped on the way. CSV files are read
record by record where a column holds texts, which people write over several lines, or a quote goes
on beyond its line; else line by line, which is faster. A CSV file in which each line is a row is
read several times faster still by DuckDB's own reader.
"""

import codecs
import csv
import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError, suggest
from vouch.sources import records
from vouch.sources.declaration import Declaration
from vouch.sources.records import bounded, fields, open_text, too_long, write_records
from vouch.sources.unpack import numbered, unpacked, with_header
from vouch.sources.workbook import write_sheet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PIECE = 8 << 20
MOST_COLUMNS = 2_000
"""Columns beyond which a file is refused."""
DELIMITER = "\x01"
"""Splits no line: control characters are taken out before DuckDB sees the file."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
NOT_PLAIN = bytes([*range(0x09), *range(0x0B, 0x20)])
"""Control characters and carriage returns: a file without them needs no copy."""
UNREADABLE = "\ufffd"
NO_TEXT = ("charmap", "idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape")
"""Python's own codecs that are none of text files: names of domains, escapes of literals, no table.

After https://docs.python.org/3/library/codecs.html#python-specific-encodings.
"""
MARKED = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
"""Encodings whose byte order only the mark at a text's beginning tells, and their marks."""
UTF_32 = ("utf-32", "utf-32-le", "utf-32-be")
TOLERATED = 0.01
"""Above this share of unreadable lines the declared encoding is taken to be wrong."""
ZEROS = 0.3
"""Share of zero bytes, all at even or all at odd places, that makes a text UTF-16."""


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


def parquet(path: Path, *, numbered: bool = False) -> str:
    """Return SQL for a Parquet file's table; no folder such as ``label=1`` is a column of it.

    Args:
        path: The file.
        numbered: Whether a column ``file_row_number`` counts its rows, from 0.
    """
    number = ", file_row_number = true" if numbered else ""
    return f"read_parquet({file_literal(path)}, hive_partitioning = false{number})"


def table(path: Path) -> str:
    """Return SQL for a Parquet or a CSV file's table; the values of a CSV file are texts.

    Args:
        path: The file; its name's ending says which it is.
    """
    if is_parquet(path):
        return parquet(path)
    return f"read_csv({file_literal(path)}, all_varchar = true, hive_partitioning = false)"


def is_parquet(path: Path) -> bool:
    """Return whether a file is a Parquet file by its name's ending."""
    return path.suffix.lower() in (".parquet", ".pq")


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
    if declaration.format in ("csv", "jsonl", "json"):
        path = unpacked(path, scratch)
        _check_encoding(path, declaration.encoding)
    raw = _open(connection, path, declaration, scratch)
    _check_columns(path, declaration, raw.columns)
    return raw


def _open(
    connection: "DuckDBPyConnection", path: Path, declaration: Declaration, scratch: Path
) -> Raw:
    import duckdb

    form, encoding = declaration.format, declaration.encoding
    try:
        if form == "csv":
            headed = with_header(path, declaration, scratch)
            encoding = encoding if headed == path else "utf-8"
            return read_csv(connection, headed, declaration, encoding, scratch)
        if form in ("jsonl", "json"):
            return _json(connection, path, declaration, scratch)
        if form == "excel":
            return _excel(path, declaration, scratch)
        return _parquet(connection, path, declaration)
    except (duckdb.Error, UnicodeError) as error:  # a message may cite bytes that are no text
        raise unreadable(path, form, error) from None


def unreadable(path: Path, form: str, error: Exception) -> VouchError:
    """Return the error that refuses a file DuckDB cannot read.

    Args:
        path: The file.
        form: Its declared format.
        error: What DuckDB raised.
    """
    cause = str(error).split("\n")[0]
    return VouchError(f"{path}: cannot be read as {form}: {cause}", "check format and encoding")


def extra_columns(declaration: Declaration, columns: tuple[str, ...]) -> list[str]:
    """Name the columns a file has and its declaration does not."""
    return [column for column in columns if column not in declaration.columns]


def _check_columns(path: Path, declaration: Declaration, columns: tuple[str, ...]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise VouchError(
            f"{path}: has {len(columns):,} columns; the most a file may have is {MOST_COLUMNS:,}",
            "give a file of those that matter",
        )
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
            f"{suggest(missing[0], extra_columns(declaration, columns) or columns)}; else "
            f"mend data/sources/{declaration.name}.yaml (separator {declaration.separator!r}?)",
        )


def read_csv(
    connection: "DuckDBPyConnection",
    path: Path,
    declaration: Declaration,
    encoding: str,
    scratch: Path,
) -> Raw:
    """Open a CSV file that begins with its header.

    Args:
        connection: Where its query will run.
        path: The file.
        declaration: Its separator and quoting, and which columns are texts or numbers.
        encoding: Its encoding.
        scratch: A folder for a re-encoded copy, should one be needed.

    Returns:
        The file as a relation of any columns.

    Raises:
        VouchError: Another encoding, no rows, or a line that is too long.
    """
    separator, quoting = declaration.separator, declaration.quoting
    if declaration.has("text"):
        return _csv_records(path, declaration, encoding, scratch)
    text = readable(path, encoding, scratch)
    counted = _count_lines(path, text, separator)
    columns = _header(path, text, "utf-8", declaration)
    if quoting and counted.quotes and _goes_on(connection, text):
        return _csv_records(text, declaration, "utf-8", scratch, path)
    sql = f"""
        SELECT line, raw, cells,
          CASE WHEN contains(raw, {literal(UNREADABLE)})
                 THEN 'has bytes that are not {encoding} text'
               WHEN cells IS NULL THEN {literal(records.OPEN)}
               WHEN len(cells) <> {len(columns)}
                 THEN 'has ' || len(cells) || ' fields, not {len(columns)}'
          END AS problem
        FROM (SELECT line, raw, {_listed(separator, quoting=quoting)} AS cells
              FROM ({_lines(text, header=True)}))"""
    # DuckDB accepts one empty field too many at a line's end
    fit = len(columns) > 1 and not counted.trailing
    quick = _quick(text, columns, declaration) if fit else None
    return Raw(sql, columns, _places(columns), quick=quick, lines=counted.lines - 1)


def _header(path: Path, text: Path, encoding: str, declaration: Declaration) -> tuple[str, ...]:
    """Read the names of a CSV file's columns: of several that have none, each is numbered."""
    with open_text(text, encoding) as file:
        lines = bounded(file, path)
        header = next(lines, "").rstrip("\n")
        if not any(line.strip(" \n") for line in lines):
            raise VouchError(f"{path}: has a header and no rows", "give a file with rows")
    separator = declaration.separator
    try:
        names = [name.strip() for name in fields(header, separator, quoting=declaration.quoting)]
    except (csv.Error, TypeError, ValueError, StopIteration) as error:
        raise VouchError(
            f"{path}: cannot read its header with separator {separator!r} ({error})",
            "declare the separator: one character",
        ) from None
    return named(names)


def named(names: list[str]) -> tuple[str, ...]:
    """Return the names of columns; where several have none, each is called by its place."""
    several = names.count("") > 1
    return tuple(
        other if several and not name else name
        for name, other in zip(names, numbered(len(names)), strict=True)
    )


def _goes_on(connection: "DuckDBPyConnection", text: Path) -> bool:
    """Return whether a quoted field goes on beyond its line: it has an odd number of quotes."""
    odd = "(len(raw) - len(replace(raw, '\"', ''))) % 2 = 1"
    lines = f"SELECT 1 FROM ({_lines(text, header=True)}) WHERE {odd} LIMIT 1"
    return connection.execute(lines).fetchone() is not None


def _csv_records(
    path: Path,
    declaration: Declaration,
    encoding: str,
    scratch: Path,
    original: Path | None = None,
) -> Raw:
    columns = _header(original or path, path, encoding, declaration)
    out = scratch / f"{path.stem}.records"
    separator, quoting = declaration.separator, declaration.quoting
    write_records(path, encoding, separator, len(columns), out, quoting=quoting)
    # a copy made readable has this sign in place of bytes that were not
    copied = f"contains(raw, {literal(UNREADABLE)})" if original else "false"
    sql = f"""
        SELECT line, raw, cells,
          CASE WHEN {copied} THEN 'has bytes that are not {declaration.encoding} text'
               ELSE problem END AS problem
        FROM {parquet(out)}"""
    return Raw(sql, columns, _places(columns))


def _excel(path: Path, declaration: Declaration, scratch: Path) -> Raw:
    out = scratch / f"{path.stem}.records"
    columns = named(write_sheet(path, declaration, out))
    sql = f"SELECT line, raw, problem, cells FROM {parquet(out)}"
    return Raw(sql, columns, _places(columns))


def _places(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"cells[{place}]" for place in range(1, len(columns) + 1))


def _named(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Name each column's cell; canonical names have no space, so none is the same."""
    return tuple(quoted(f"cell {place}") for place in range(len(columns)))


def _quick(text: Path, columns: tuple[str, ...], declaration: Declaration) -> Raw:
    """Read with DuckDB's own reader; it skips blank lines and joins quoted line breaks."""
    cells, numbers = _named(columns), declaration.numbers
    quote = literal('"' if declaration.quoting else "")
    kinds = ["DOUBLE" if name in numbers else "VARCHAR" for name in columns]
    types = ", ".join(f"{cell}: '{kind}'" for cell, kind in zip(cells, kinds, strict=True))
    texts = [cell for cell, kind in zip(cells, kinds, strict=True) if kind == "VARCHAR"]
    # it takes a quote within a field for a part of it
    mark = literal(declaration.separator)
    odd = " OR ".join(
        ["false"]
        + [f"contains({cell}, {literal(UNREADABLE)})" for cell in texts]
        + [f"contains({cell}, '\"')" for cell in texts if declaration.quoting]
    )
    sql = f"""
        SELECT CAST(NULL AS BIGINT) AS line, CAST(NULL AS VARCHAR) AS raw,
          CASE WHEN {odd} THEN 'is unusual' END AS problem, {", ".join(cells)}
        FROM read_csv({file_literal(text)}, columns = {{{types}}}, header = true,
                      auto_detect = false, hive_partitioning = false,
                      delim = {mark}, quote = {quote}, escape = {quote})"""
    return Raw(sql, columns, cells, numbers)


@dataclass(frozen=True)
class Counted:
    """Counts from one pass over a text's lines.

    Attributes:
        lines: How many there are.
        trailing: Whether any of them ends with a separator.
        quotes: Whether there is a quote in any.
    """

    lines: int
    trailing: bool
    quotes: bool


def _count_lines(path: Path, text: Path, separator: str) -> Counted:
    r"""Count the lines of a UTF-8 text that end with ``\n``, none of which is too long."""
    mark = separator.encode()
    lines, trailing, quotes, last, size = 0, False, False, b"", 0
    with text.open("rb") as file:
        while piece := file.read(PIECE):
            first = piece.find(b"\n")
            size += len(piece) if first < 0 else first
            if size > records.LONGEST_LINE:
                raise too_long(path, lines + 1)
            size = size if first < 0 else len(piece) - piece.rfind(b"\n") - 1
            lines += piece.count(b"\n")
            quotes |= b'"' in piece
            trailing |= mark + b"\n" in last[-len(mark) :] + piece
            last = piece
    return Counted(
        lines + (not last.endswith(b"\n")), trailing or (bool(mark) and last.endswith(mark)), quotes
    )


def _listed(separator: str, *, quoting: bool) -> str:
    """Return SQL that splits ``raw`` into a list of fields, or null where its quotes are broken."""
    mark = literal(separator)
    if not quoting:
        return f"string_split(raw, {mark})"
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
    """Return SQL that numbers a text file's lines in order; empty ones count but are left out."""
    longest = records.LONGEST_LINE
    return f"""
        SELECT line, raw FROM (
          SELECT row_number() OVER () AS line, raw
          FROM read_csv({file_literal(text)}, columns = {{'raw': 'VARCHAR'}}, header = false,
                        delim = '{DELIMITER}', quote = '', escape = '', auto_detect = false,
                        hive_partitioning = false, skip = {int(header)},
                        max_line_size = {longest + 2}, buffer_size = {2 * longest}))
        WHERE trim(coalesce(raw, ''), ' ') <> ''"""


def _json(
    connection: "DuckDBPyConnection", path: Path, declaration: Declaration, scratch: Path
) -> Raw:
    """Read JSON objects: one a line, or those of an array, each counted as a line."""
    encoding = declaration.encoding
    text = readable(path, encoding, scratch)
    if declaration.format == "jsonl":
        _count_lines(path, text, "")
        lines = _lines(text, header=False)
    else:
        lines = f"""
            SELECT row_number() OVER () AS line, CAST(json AS VARCHAR) AS raw
            FROM read_json_objects({file_literal(text)}, format = 'auto',
                                   maximum_object_size = {records.LONGEST_LINE})"""
    named = connection.execute(
        f"""SELECT DISTINCT unnest(json_keys(raw)) FROM
            (SELECT raw FROM ({lines}) WHERE json_valid(raw)) WHERE json_type(raw) = 'OBJECT'
            ORDER BY 1 LIMIT {MOST_COLUMNS + 1}"""
    ).fetchall()
    if not named:
        raise VouchError(f"{path}: no line of it is a JSON object", "check the declared format")
    columns = tuple(name for (name,) in named)
    cells = ", ".join(_json_cell(name, declaration.point(name)) for name in columns)
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


def _json_cell(name: str, point: str) -> str:
    """Write SQL for a field's text: a number, not a text that looks like one, gets its point."""
    place = literal(_pointer(name))
    text = f"json_extract_string(raw, {place})"
    if point == ".":
        return text
    number = f"json_type(raw, {place}) = 'DOUBLE'"
    return f"CASE WHEN {number} THEN {_pointed(text, point)} ELSE {text} END"


def _pointed(text: str, point: str) -> str:
    return f"replace({text}, '.', {literal(point)})"


def _pointer(name: str) -> str:
    """Return the JSON pointer (RFC 6901) to a field of an object."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _parquet(connection: "DuckDBPyConnection", path: Path, declaration: Declaration) -> Raw:
    table = parquet(path, numbered=True)
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    rows: Any = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    if not rows[0]:
        raise VouchError(f"{path}: has no rows", "give a file with rows")
    kinds = {name: kind for name, kind, *_ in described if name != "file_row_number"}
    columns = tuple(kinds)
    cells = _named(columns)
    texts = ", ".join(
        f"{_parquet_cell(name, kinds[name], declaration.point(name))} AS {cell}"
        for name, cell in zip(columns, cells, strict=True)
    )
    sql = f"""
        SELECT file_row_number + 1 AS line, CAST(NULL AS VARCHAR) AS raw,
          CAST(NULL AS VARCHAR) AS problem, {texts} FROM {table}"""
    return Raw(sql, columns, cells)


def _parquet_cell(name: str, kind: str, point: str) -> str:
    text = f"CAST({quoted(name)} AS VARCHAR)"
    return text if kind == "VARCHAR" or point == "." else _pointed(text, point)


def readable(path: Path, encoding: str, scratch: Path) -> Path:
    r"""Return a UTF-8 copy of a text file with ``\n`` line ends, or the file itself if it is that.

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
    lines = broken = odd = 0
    with copy.open("w", encoding="utf-8", newline="") as out:
        for text in _decoded(path, encoding):
            clean = CONTROL.sub(UNREADABLE, text)
            odd += len(CONTROL.findall(text))
            out.write(clean)
            lines += clean.count("\n")
            if UNREADABLE in clean:
                broken += sum(UNREADABLE in line for line in clean.split("\n"))
    if broken > 1 and broken > TOLERATED * lines:
        other = guess_encoding(_start(path)) or "cp1252"
        signs = f" ({odd:,} control characters)" if odd else ""
        raise VouchError(
            f"{path}: {broken:,} of {lines:,} lines are not {encoding} text{signs}",
            "take the control characters out, or declare another encoding"
            if odd
            else f"declare its encoding, such as encoding: {other}",
        )
    return copy


def _check_encoding(path: Path, encoding: str) -> None:
    if not is_encoding(encoding):
        raise VouchError(
            f"{path}: its declaration names an unknown encoding {encoding!r}",
            suggest(encoding, ["utf-8", "utf-16", "latin-1", "cp1252"]),
        )
    start, name = _start(path), codecs.lookup(encoding).name
    guess = guess_encoding(start) or "cp1252"
    if guess.startswith("utf-16") and name not in (guess, "utf-16") and name not in UTF_32:
        raise VouchError(f"{path}: is {guess} text, not {encoding}", f"declare encoding: {guess}")
    if name in MARKED and not start.startswith(MARKED[name]):
        raise VouchError(
            f"{path}: is no text of encoding {encoding!r}: its byte order mark is missing",
            f"declare its encoding, such as encoding: {guess}",
        )


def is_encoding(name: str) -> bool:
    """Return whether Python has an encoding of text files by this name."""
    try:
        "a".encode(name)  # a codec such as rot13 is none of texts
        return codecs.lookup(name).name.replace("-", "_") not in NO_TEXT
    except (LookupError, ValueError):
        return False


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


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(PIECE)


def guess_encoding(start: bytes) -> str | None:
    """Return the encoding that a text's first bytes show, if any.

    Args:
        start: The first bytes, whole lines where they are UTF-8.

    Returns:
        ``utf-16``, ``utf-16-le`` or ``utf-16-be`` (without a byte order mark), ``utf-8``, or None.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for name, high in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        broken = any(end.encode(name) in start for end in "\r\n")
        if broken and high.count(0) > ZEROS * len(high):
            return name
    try:
        start.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"
