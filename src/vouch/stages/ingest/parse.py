"""Parsing by roles: one SQL query turns a raw file's texts into values and reasons to reject."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING

from vouch.engine import SCRATCH
from vouch.sources.declaration import (
    DIRECTIVE,
    LABELLING,
    NUMERIC,
    PLAIN_END,
    PLAIN_START,
    TIMES,
    WORDS,
    Column,
    Declaration,
    Role,
)
from vouch.sources.readers import Raw, literal, open_raw, parquet, quoted, unreadable
from vouch.sources.zones import ABBREVIATIONS
from vouch.usecases.classes import class_names, dropped_words, label_words

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EARLIEST, LATEST = datetime(1990, 1, 1), datetime(2100, 1, 1)
EMPTY = ("", "nan", "null", "none", "nat", "n/a", "<na>")
"""Words for a missing value, in lower case."""
NEEDED = frozenset(["id", "time", "amount", "payer", "payee", "text"])
"""Roles a row cannot be without, unless its column is optional."""
CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
"""Control characters: they have no meaning in a text, and some tools end a text at one."""
BLANKS = " \t\n\u00a0\u3000"
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""Microseconds in a unit of time since 1970."""
ZONES = "; a zone is an offset such as +02:00, UTC, GMT, EST or a name such as Europe/Berlin"
OFFSET = r"[0-9]{2}:?[0-9]{2}.*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?| *[A-Za-z/_]{2,})$"
"""What ends a time that says its own offset."""
HASH_DIGITS = 20
DIGEST = f"left(row_hash, {HASH_DIGITS})"
"""SQL for the digest at the start of a row's hash, without its labels."""
TWICE = '"clocks back"'
"""SQL for whether a local time of a row comes twice that day; no canonical name has a space."""
SEPARATOR, MISSING = "\x1f", "\x00"
NOT_A_LABEL = "is not a label"
ON_PURPOSE = "is left out on purpose: values maps it to drop"
DROPPED = f"coalesce(contains(reason, '{ON_PURPOSE}'), false)"
"""SQL for whether a row was rejected for a label that is mapped to drop."""


@dataclass(frozen=True)
class Value:
    """How one column is read.

    Attributes:
        name: Its canonical name.
        cast: SQL that casts its text, once.
        sql: Its value from the cast, null where there is none.
        wrong: Whether the row must be rejected for it.
        problem: SQL for the reason, or null.
    """

    name: str
    cast: str
    sql: str
    wrong: str
    problem: str


def values(declaration: Declaration) -> list[tuple[str, str]]:
    """List the columns bronze may have: raw and canonical name, id and time first."""
    first = {"id": 0, "time": 1}
    columns = [(name, c.role) for name, c in declaration.columns.items() if c.role != "ignore"]
    return [
        (name, declaration.canonical(name))
        for name, role in sorted(columns, key=lambda pair: first.get(pair[1], 2))
    ]


def parse_file(
    connection: "DuckDBPyConnection", declaration: Declaration, path: Path, view: str, scratch: Path
) -> Raw:
    """Parse one raw file and make a view of the query from :func:`query`.

    Args:
        connection: Where to run.
        declaration: What the columns mean.
        path: The raw file.
        view: The view's name, a plain word.
        scratch: A folder for the parsed rows; must outlive the view.

    Returns:
        The file as it was opened.

    Raises:
        VouchError: A file that is not what the declaration says.
    """
    import duckdb

    raw, out = open_raw(connection, path, declaration, scratch), scratch / f"{view}.parquet"
    if raw.quick is not None and _parse_quickly(connection, declaration, raw, out):
        table = parquet(out, numbered=True)
        columns = "* EXCLUDE (file_row_number) REPLACE (file_row_number + 1 AS line)"
        connection.execute(f"CREATE VIEW {view} AS SELECT {columns} FROM {table}")
        return raw
    try:
        _copy(connection, query(declaration, raw), out)
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise  # a disk's or a machine's trouble
    except (duckdb.Error, UnicodeDecodeError) as error:  # a message may cite bytes that are no text
        raise unreadable(path, declaration.format, error) from None
    connection.execute(f"CREATE VIEW {view} AS FROM {parquet(out)}")
    return raw


def _parse_quickly(
    connection: "DuckDBPyConnection", declaration: Declaration, raw: Raw, out: Path
) -> bool:
    """Try the quick reader; it will do if every line became a row, and a good one."""
    import duckdb

    assert raw.quick is not None
    try:
        _copy(connection, query(declaration, raw.quick), out)
    except (duckdb.Error, UnicodeDecodeError):
        return False
    counted = f"SELECT count(*), count(reason) FROM {parquet(out)}"
    return connection.execute(counted).fetchone() == (raw.lines, 0)


def _copy(connection: "DuckDBPyConnection", selected: str, out: Path) -> None:
    connection.execute(f"COPY ({selected}) TO {literal(out)} {SCRATCH}")


def query(declaration: Declaration, raw: Raw) -> str:
    """Build the query that parses one file.

    Args:
        declaration: What the columns mean.
        raw: The file as texts.

    Returns:
        SQL giving ``line``, ``raw`` (where rejected), ``reason`` (null for a good row), a column
        for each value (null where the file lacks it), ``row_hash``, and whether a time of the row
        is one that the clocks show twice (``TWICE``).
    """
    texts, read = [], []
    for name, canonical in values(declaration):
        present = name in raw.columns
        cell = raw.cells[raw.columns.index(name)] if present else "CAST(NULL AS VARCHAR)"
        role = declaration.columns[name].role
        text = cell if name in raw.numbers else _text(declaration, role, cell)
        if (clock := declaration.columns[name].clock) and present:
            time_of_day = _clean(raw.cells[raw.columns.index(clock)])
            text = f"{text} || ' ' || {time_of_day}"
        texts.append(f"{text} AS {quoted('text ' + canonical)}")
        read.append(_value(declaration, name, canonical, present=present))
    casts = ", ".join(f"{value.cast} AS {quoted('cast ' + value.name)}" for value in read)
    columns = ", ".join(f"{value.sql} AS {quoted(value.name)}" for value in read)
    wrong = " OR ".join(["problem IS NOT NULL", *(value.wrong for value in read)])
    problems = ", ".join(value.problem for value in read)
    parsed = ", ".join(quoted(value.name) for value in read)
    cells = ", ".join(f"CAST({cell} AS VARCHAR)" for cell in raw.cells)
    # the reason is put together for the few rows that need one
    return f"""
        SELECT line,
          CASE WHEN reason IS NOT NULL
               THEN coalesce(raw, CAST(to_json([{cells}]) AS VARCHAR)) END AS raw,
          reason, {parsed}, {_row_hash(declaration)} AS row_hash,
          {_twice(declaration, raw.columns)} AS {TWICE}
        FROM (SELECT *, {columns},
                CASE WHEN {wrong} THEN coalesce(problem, concat_ws('; ', {problems})) END AS reason
              FROM (SELECT *, {casts}
                    FROM (SELECT *, {", ".join(texts)} FROM ({raw.sql}))))"""


def _text(declaration: Declaration, role: Role, cell: str) -> str:
    """Return SQL for a cell's text, null where it only says that there is none."""
    if role in WORDS:
        return _words(cell)
    # what a label is declared to be called is a label, be it "none"
    return _clean(cell, _declared_words(declaration) if role == "label" else frozenset())


def _declared_words(declaration: Declaration) -> frozenset[str]:
    words = label_words(declaration).values()
    return frozenset([*chain.from_iterable(words), *dropped_words(declaration)])


def _clean(cell: str, kept: frozenset[str] = frozenset()) -> str:
    empty = ", ".join(literal(word) for word in EMPTY if word not in kept)
    text = f"trim({cell})"
    # most texts are longer than any of the words: only short ones are compared
    real = f"strlen({text}) > {max(map(len, EMPTY))} OR lower({text}) NOT IN ({empty})"
    return f"CASE WHEN {real} THEN {text} END"


def _words(cell: str) -> str:
    """Return SQL for a cleaned free text: spaces for control characters, one kind of line break."""
    breaks = f"replace(replace({cell}, chr(13) || chr(10), chr(10)), chr(13), chr(10))"
    plain = f"regexp_replace({breaks}, {literal(CONTROLS)}, ' ', 'g')"
    return f"nullif(trim({plain}, {literal(BLANKS)}), '')"


def _value(declaration: Declaration, name: str, canonical: str, *, present: bool) -> Value:
    column = declaration.columns[name]
    text, cast = quoted("text " + canonical), quoted("cast " + canonical)
    casting, sql, fits = _reader(declaration, column, text, cast)
    needed = column.role in NEEDED and not column.optional and present
    bad = f"({text} IS NOT NULL AND NOT {fits})"
    dropped = _dropped(declaration, text) if column.role == "label" else "false"
    problem = f"""
        CASE WHEN {text} IS NULL THEN {literal(f"{name}: is empty") if needed else "NULL"}
             WHEN {dropped} THEN {literal(f"{name}: ")} || '''' || {text} || ''' '
               || {literal(ON_PURPOSE)}
             WHEN {bad} THEN {literal(f"{name}: ")} || '''' || {text} || ''' '
               || {literal(_complaint(declaration, column))} END"""
    wrong = f"({text} IS NULL OR {bad})" if needed else bad
    return Value(canonical, casting, sql, wrong, problem)


def number_for_label(name: str) -> str:
    """Return SQL for the number that is a rejected line's label; empty if the label is no number.

    It finds what ``_value`` writes into ``reason``.

    Args:
        name: The label's raw column.
    """
    pattern = rf"(?:^|; ){re.escape(name)}: '([+-]?[0-9]+(?:\.[0-9]*)?)' {NOT_A_LABEL}"
    return f"regexp_extract(reason, {literal(pattern)}, 1)"


def _complaint(declaration: Declaration, column: Column) -> str:
    if column.role in NUMERIC:
        written = [f"decimal {declaration.decimal!r}"] if declaration.decimal != "." else []
        written += [f"thousands {declaration.thousands!r}"] if declaration.thousands else []
        return " ".join(["is not a finite number", *([f"({', '.join(written)})"] * bool(written))])
    if column.role == "label":
        choices = column.values or class_names(declaration)
        listed = ", ".join(choices) if column.values or len(choices) > 2 else "0 or 1"
        return f"{NOT_A_LABEL} ({listed})"
    if column.role == "time" and column.unit == "step":
        return f"is not a step (a whole number from {column.first}, before {LATEST.year})"
    if column.role in ("time", "arrival", "label_time"):
        form = f" (format {column.format})" if column.format else ""
        return f"is not a time between {EARLIEST.year} and {LATEST.year}{form or ZONES}"
    return "cannot be read"


def _reader(declaration: Declaration, column: Column, text: str, cast: str) -> tuple[str, str, str]:
    """Return SQL for the cast of a text, the value of the cast, and whether it is a value."""
    if column.role in NUMERIC:
        fits = f"coalesce(isfinite({cast}), false)"
        return _number(text, declaration, column), f"CASE WHEN {fits} THEN {cast} END", fits
    if column.role == "label":
        return _label(text, label_words(declaration)), cast, f"{cast} IS NOT NULL"
    if column.role == "time" and column.unit == "step":
        return f"TRY_CAST({text} AS DOUBLE)", *_step(cast, column)
    if column.role in ("time", "arrival", "label_time"):
        bounds = f"{cast} BETWEEN {timestamp(EARLIEST)} AND {timestamp(LATEST)}"
        fits = f"coalesce({bounds}, false)"
        return _time(text, declaration, column), f"CASE WHEN {fits} THEN {cast} END", fits
    return "NULL", text, "true"


def _number(text: str, declaration: Declaration, column: Column) -> str:
    """Read a number as it is declared to be written; what could be another number is null."""
    plain = text
    if declaration.currency:
        sign = re.escape(declaration.currency)
        plain = f"regexp_replace({plain}, {literal(f'^([(+-]*) *{sign} *|( *){sign}([)]?)$')}, "
        plain += r"'\1\3')"
    # accountants write negative numbers in parentheses
    plain = f"regexp_replace({plain}, '^[(]([^()+-]+)[)]$', '-\\1')"
    point, group = re.escape(declaration.decimal), re.escape(declaration.thousands)
    exponent = "([eE][+-]?[0-9]+)?"
    whole = f"([0-9]{{1,3}}({group}[0-9]{{3}})+|[0-9]+)" if group else "[0-9]+"
    shape = f"[+-]?({whole}({point}[0-9]*)?|{point}[0-9]+){exponent}"
    dotted = plain
    if declaration.thousands:
        dotted = f"replace({dotted}, {literal(declaration.thousands)}, '')"
    if declaration.decimal != ".":
        dotted = f"replace({dotted}, {literal(declaration.decimal)}, '.')"
    number = f"TRY_CAST({dotted} AS DOUBLE)"
    if declaration.thousands or declaration.decimal != ".":
        number = f"CASE WHEN regexp_full_match({plain}, {literal(shape)}) THEN {number} END"
    signed = {"as_is": number, "negated": f"-({number})", "absolute": f"abs({number})"}
    # adding 0.0 turns -0.0 into 0.0, which hashes otherwise
    return f"{signed[column.sign]} + 0.0"


def plain(text: str) -> str:
    """Return SQL for a label's text as :func:`vouch.sources.declaration.plain_word` writes it.

    Args:
        text: SQL for the text.
    """
    lower = f"replace(lower({text}), 'ς', 'σ')"
    started = f"regexp_replace({lower}, {literal(PLAIN_START)}, '')"
    return rf"regexp_replace({started}, {literal(PLAIN_END)}, '\1')"


def _dropped(declaration: Declaration, text: str) -> str:
    """Return SQL for whether a label's rows are left out on purpose."""
    words = ", ".join(map(literal, dropped_words(declaration)))
    return f"coalesce({plain(text)} IN ({words}), false)" if words else "false"


def _label(text: str, words: dict[int, tuple[str, ...]]) -> str:
    word = plain(text)
    cases = " ".join(
        f"WHEN {word} IN ({', '.join(map(literal, spellings))}) THEN {value}"
        for value, spellings in words.items()
    )
    return f"CAST(CASE {cases} END AS TINYINT)"


def _step(number: str, column: Column) -> tuple[str, str]:
    assert column.origin is not None
    origin = utc(column.origin)
    last = column.first + (LATEST - origin) // column.step
    within = f"{number} BETWEEN {column.first} AND {last}"
    fits = f"coalesce({number} = floor({number}) AND {within}, false)"
    micros = column.step // timedelta(microseconds=1)
    shift = f"(CAST({number} AS BIGINT) - {column.first}) * {micros}"
    return f"CASE WHEN {fits} THEN {timestamp(origin)} + to_microseconds({shift}) END", fits


def _time(text: str, declaration: Declaration, column: Column) -> str:
    """Read a time as UTC; one without an offset is in the declared zone."""
    if column.unit in EPOCHS:
        number = f"TRY_CAST({text} AS DOUBLE)"
        micros = f"TRY_CAST({number} * {EPOCHS[column.unit]} AS BIGINT)"
        return f"CASE WHEN abs({number}) < 1e13 THEN make_timestamp({micros}) END"
    zone = column.zone or declaration.zone
    # a cast to TIMESTAMP would silently drop a zone such as +02:00
    iso = f"timezone('UTC', TRY_CAST({_unambiguous(text)} AS TIMESTAMPTZ))"
    if zone != "UTC":
        naive = _local(f"TRY_CAST({text} AS TIMESTAMP)", zone)
        iso = f"CASE WHEN {_has_offset(text)} THEN {iso} ELSE {naive} END"
    if not column.format:
        return iso
    parts = DIRECTIVE.split(column.format)  # text and directives in turn: %%Z is a percent and a Z
    if "%Z" in parts:
        text, parts = _numeric_zone(text), ["%z" if part == "%Z" else part for part in parts]
    parsed = f"try_strptime({text}, {literal(''.join(parts))})"
    if "%z" in parts:
        return f"timezone('UTC', CAST({parsed} AS TIMESTAMPTZ))"
    return _local(parsed, zone)


def _unambiguous(text: str) -> str:
    """Return SQL for a time whose zone's abbreviation is an offset; null if it has many meanings.

    A cast would take BST for Bangladesh's time, and EST for New York's in summer too.
    """
    # a cast takes an offset that follows at once, with a colon
    offset = f"regexp_replace({_numeric_zone(text)}, ' *([+-][0-9]{{2}})([0-9]{{2}})$', '\\1:\\2')"
    named = f"regexp_matches({offset}, '[A-Za-z]{{2,}}$') AND NOT contains({offset}, '/')"
    return f"CASE WHEN NOT regexp_matches({text}, '[A-Za-z]{{2,}}$') THEN {text} " + (
        f"WHEN NOT ({named}) THEN {offset} END"
    )


def _numeric_zone(text: str) -> str:
    """Write a zone's abbreviation as its offset; one of several meanings stays, and is no time."""
    pattern = r"\b(" + "|".join(ABBREVIATIONS) + r")\b"
    abbreviation = f"regexp_extract({text}, {literal(pattern)}, 1)"
    cases = " ".join(f"WHEN '{name}' THEN '{offset}'" for name, offset in ABBREVIATIONS.items())
    replaced = f"replace({text}, {abbreviation}, CASE {abbreviation} {cases} END)"
    return f"CASE WHEN {abbreviation} <> '' THEN {replaced} ELSE {text} END"


def _has_offset(text: str) -> str:
    return f"regexp_matches({text}, {literal(OFFSET)})"


def _local(moment: str, zone: str) -> str:
    """Turn local times into UTC: the first of two, and null for one that the clocks skip."""
    if zone == "UTC":
        return f"CAST({moment} AS TIMESTAMP)"
    # the larger the offset, the earlier the moment
    times = [f"{moment} - to_seconds({offset})" for offset in _offsets(zone)]
    cases = " ".join(f"WHEN {_shown(at, zone)} = {moment} THEN {at}" for at in times)
    return f"CASE {cases} END"


def _shown(at: str, zone: str) -> str:
    """Write SQL for what the clocks of a zone show at a time in UTC."""
    return f"timezone({literal(zone)}, timezone('UTC', {at}))"


@cache
def _offsets(zone: str) -> tuple[int, ...]:
    """Return the offsets from UTC that a zone has in the years read, in seconds, largest first.

    DuckDB's own zone data count, as DuckDB turns the times; Python's may be newer.
    """
    import duckdb

    day = timedelta(days=1)
    # no offset lasts less than six hours
    sql = f"""SELECT DISTINCT epoch({_shown("moment", zone)}) - epoch(moment) AS seconds
              FROM range({timestamp(EARLIEST - day)}, {timestamp(LATEST + day)},
                         INTERVAL 6 HOUR) AS moments(moment) ORDER BY seconds DESC"""
    with duckdb.connect() as connection:
        return tuple(int(seconds) for (seconds,) in connection.execute(sql).fetchall())


def _twice(declaration: Declaration, columns: tuple[str, ...]) -> str:
    """Write SQL for whether a time without an offset is one that the clocks show twice."""
    conditions = ["false"]
    for name, canonical in values(declaration):
        column = declaration.columns[name]
        zone = column.zone or declaration.zone
        dated = column.role in TIMES and column.unit == "datetime" and name in columns
        if dated and zone != "UTC" and not re.search("%[zZ]", column.format):
            text, cast = quoted("text " + canonical), quoted("cast " + canonical)
            naive = "true" if column.format else f"NOT {_has_offset(text)}"
            shown = _shown(cast, zone)
            again = " OR ".join(
                f"{_shown(f'{cast} + to_seconds({shift})', zone)} = {shown}"
                for shift in _shifts(zone)
            )
            conditions.append(f"coalesce({naive} AND ({again or 'false'}), false)")
    return " OR ".join(conditions)


def _shifts(zone: str) -> list[int]:
    """Return by how many seconds the clocks of a zone may go back."""
    return sorted({first - second for first, second in combinations(_offsets(zone), 2)})


def utc(moment: datetime) -> datetime:
    """Return a time in UTC without a zone; one without a zone is taken to be UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def timestamp(moment: datetime) -> str:
    """Write a time as SQL."""
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"


def _row_hash(declaration: Declaration) -> str:
    """Return SQL for a row's hash: an 80-bit digest of its other columns, then its labels.

    With ten million rows, two of them share a digest with p < 1e-10. Labels are left out of the
    digest: a payment whose label is corrected or still missing is the same payment. So is the
    time of arrival: a payment that arrives again is the same payment.
    """
    roles = {canonical: declaration.columns[name] for name, canonical in values(declaration)}
    texts = {name: _digested(column, quoted(name)) for name, column in roles.items()}
    contents = [
        f"coalesce({text}, chr({ord(MISSING)}))"
        for name, text in texts.items()
        if roles[name].role not in (*LABELLING, "arrival")
    ]
    labels = [
        f"coalesce({text}, '')" for name, text in texts.items() if roles[name].role in LABELLING
    ]
    digest = f"left(md5(concat_ws(chr({ord(SEPARATOR)}), {', '.join(contents)})), {HASH_DIGITS})"
    return f"concat_ws('/', {', '.join([digest, *labels])})"


def _digested(column: Column, value: str) -> str:
    if column.role in ("time", "arrival", "label_time"):
        value = f"epoch_us({value})"
    text = f"CAST({value} AS VARCHAR)"
    if column.role not in NUMERIC:
        return text
    # whole hundredths are written several times faster, and never look like another number's text
    hundredths = f"CAST(CAST(round({value} * 100) AS BIGINT) AS VARCHAR)"
    exact = f"abs({value}) < 1e13 AND round({value} * 100) / 100 = {value}"
    return f"CASE WHEN {exact} THEN {hundredths} ELSE {text} END"
