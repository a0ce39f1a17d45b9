"""Facts of a table's columns: what their values could be read as."""

import math
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.sources.declaration import Declaration, plain_word
from vouch.sources.draft.layout import Layout
from vouch.sources.zones import ABBREVIATIONS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Fields = dict[str, Any]
"""Fields of a declaration: name to value."""
Formats = tuple[str, ...]
"""strptime patterns."""
SAMPLE = 20_000
ONE_MEANING = "|".join(["Z", "[A-Z][A-Za-z_]+/[A-Za-z_/]+", *ABBREVIATIONS])
"""What may end a time that is read without a pattern."""
VALUES = 1_000_000
"""How many values are looked at in one query: a wide table's columns are taken some at a time."""
FEW_VALUES = 20
"""How many of a column's most frequent values are kept."""
FIRST = 1990
"""The first year that a time may be in."""
GROUPS = 60
"""Columns with more distinct values are not compared with the label."""
MISSING = ("nan", "null", "none", "nat", "n/a", "<na>")
SIGNS = "[$€£¥₹]|USD|EUR|GBP|CHF|JPY|INR"
SIGNED = rf"[-+(]*\s*({SIGNS})?\s*[-+(]?[0-9][0-9.,\s]*({SIGNS})?\)?"
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
_SHORT = ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y")
_NAMED = ("%d-%b-%Y", "%d %b %Y", "%b %d %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f")
TIME_FORMATS = (
    *(day + clock for day in (*_DAYS, *_SHORT, *_NAMED) for clock in _CLOCKS),
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %z %Y",
    *(f"%a %b %d %H:%M:%S {zone} %Y" for zone in ("PDT", "PST", "EDT", "EST", "UTC", "GMT")),
    "%a, %d %b %Y %H:%M:%S %z",
)
ZONES = {
    "PDT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "EDT": "America/New_York",
    "EST": "America/New_York",
}
"""Zones that a time's abbreviation names."""


@dataclass(frozen=True)
class Facts:
    """What the sampled values of a column show; shares are of the rows that have a value.

    Attributes:
        name: The column's name.
        place: Its place among the columns, from 0.
        total: Rows sampled.
        rows: Those that have a value.
        distinct: How many different values those have.
        numbers: Share that are numbers, with or without decimals, groups or a currency sign.
        points: Share that have a decimal point.
        commas: Share that have a decimal comma.
        groups: The sign between thousands where one is used, or empty.
        signs: The currency signs used.
        whole: Share that are whole numbers.
        negative: Share of the numbers that are below 0.
        iso: Share that are ISO 8601 times.
        zoned: Share that are times with a zone.
        clock: Share that are times of day.
        midday: Whether any time has a time of day.
        formats: The strptime patterns that fit (nearly) every value.
        words: How many words a value has on average.
        least: The smallest number.
        most: The largest number.
        rising: Share of rows whose number is not below that of the row before.
        counting: Whether the numbers go up by one with each row.
        backwards: Whether an ISO time falls back by at most an hour once or more.
        top: The most frequent values, at most 20.
    """

    name: str
    place: int = 0
    total: int = 0
    rows: int = 0
    distinct: int = 0
    numbers: float = 0.0
    points: float = 0.0
    commas: float = 0.0
    groups: str = ""
    signs: tuple[str, ...] = ()
    whole: float = 0.0
    negative: float = 0.0
    iso: float = 0.0
    zoned: float = 0.0
    clock: float = 0.0
    midday: bool = False
    formats: tuple[str, ...] = ()
    words: float = 0.0
    least: float = 0.0
    most: float = 0.0
    rising: float = 0.0
    counting: bool = False
    backwards: bool = False
    top: tuple[str, ...] = ()

    @property
    def snake(self) -> str:
        """The name in lower case, its words parted by underscores, umlauts written out."""
        return snake(self.name)

    @property
    def full(self) -> float:
        """Share of the rows that have a value."""
        return self.rows / self.total if self.total else 0.0

    @property
    def numeric(self) -> bool:
        """Whether (nearly) all values are numbers."""
        return self.rows > 0 and self.numbers > 0.98

    @property
    def values(self) -> frozenset[str]:
        """The most frequent values in lower case, ``1.0`` as ``1``."""
        return frozenset(map(plain_word, self.top))


def snake(name: str) -> str:
    """Write a name in lower case, its words parted by underscores."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    for sign, letters in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}.items():
        name = name.replace(sign, letters)
    return re.sub(r"[^a-z0-9à-ÿ]+", "_", name).strip("_")


class Table:
    """The first rows of a table, read as the ingest stage reads them."""

    def __init__(self, connection: "DuckDBPyConnection", columns: tuple[str, ...]) -> None:
        """Keep the connection that holds table ``sample``.

        Args:
            connection: Where it is.
            columns: The file's columns.
        """
        self.connection = connection
        self.columns = columns

    def facts(self) -> tuple[Facts, ...]:
        """Compute the facts of every column."""
        (rows,) = self.connection.execute("SELECT count(*) FROM sample").fetchone() or (0,)
        step = max(1, VALUES // max(rows, 1))
        return tuple(
            facts
            for first in range(0, len(self.columns), step)
            for facts in look(self.connection, self.columns[first : first + step], first)
        )

    def explained(self, label: Facts, column: Facts) -> float:
        """Compute how much of the label's entropy a column explains.

        Args:
            label: The label.
            column: Another column; one of many values counts by whether it has one.

        Returns:
            Mutual information by entropy, 0 to 1; 0 for a label of one value.
        """
        value = f"coalesce({_value(column.place)}, '')"
        if column.distinct > min(GROUPS, column.rows / 10):
            value = f"CAST({_value(column.place)} IS NULL AS VARCHAR)"
        met = self.connection.execute(
            f"""SELECT {_value(label.place)}, {value}, count(*) FROM sample
                WHERE {_value(label.place)} IS NOT NULL GROUP BY 1, 2"""
        ).fetchall()
        return uncertainty({(a, b): n for a, b, n in met})


def uncertainty(met: dict[tuple[str, str], int]) -> float:
    """Compute the share of the first variable's entropy that the second explains.

    Args:
        met: How often each pair of values was seen.

    Returns:
        0 (nothing) to 1 (all).
    """
    total = sum(met.values())
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (a, b), n in met.items():
        first[a] += n
        second[b] += n
    entropy = -sum(n / total * math.log(n / total) for n in first.values()) if total else 0.0
    if entropy <= 0:
        return 0.0
    shared = sum(
        n / total * math.log(n * total / (first[a] * second[b])) for (a, b), n in met.items()
    )
    return shared / entropy


def open_table(
    connection: "DuckDBPyConnection", file: Path, layout: Layout, *, texts: bool = False
) -> Table:
    """Read a file's first 20,000 rows into table ``sample``.

    Args:
        connection: Where the table is made.
        file: The file.
        layout: How it is written.
        texts: Whether it is one of texts.

    Returns:
        The table.

    Raises:
        VouchError: A file that the readers cannot read.
    """
    import duckdb

    from vouch.core.errors import VouchError
    from vouch.sources.readers import open_raw

    connection.execute("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory() as folder:
        raw = open_raw(connection, file, as_declared(layout), Path(folder))
        cells = ", ".join(f"CAST({cell} AS VARCHAR)" for cell in raw.cells)
        try:
            connection.execute(
                f"""CREATE TABLE sample AS SELECT row_number() OVER () AS place,
                      list_transform([{cells}], lambda cell: {_present("cell")}) AS cells
                    FROM (SELECT * FROM ({raw.sql}) WHERE problem IS NULL LIMIT {SAMPLE})"""
            )
        except duckdb.Error as error:
            raise VouchError(f"{file}: cannot be read ({error})", "give it whole") from None
    return Table(connection, raw.columns)


def as_declared(layout: Layout) -> Declaration:
    """Return the declaration of a file of which only the layout is known."""
    fields = declared(layout)
    if layout.format in ("csv", "excel"):
        fields["header"] = layout.header
    return Declaration.model_validate({"name": "draft", "columns": {}, **fields})


def declared(layout: Layout) -> Fields:
    """Return the fields of a declaration that tell how a file is written."""
    fields: Fields = {"format": layout.format}
    if layout.format in ("csv", "json", "jsonl"):
        fields["encoding"] = layout.encoding
    if layout.format in ("csv", "excel") and layout.header != 1:
        fields["header"] = layout.header
    if layout.format == "csv":
        fields["separator"] = layout.separator
        if not layout.quoting:
            fields["quoting"] = False
    return fields


def _present(cell: str) -> str:
    """Return the SQL of a cell's text, null where it only says that there is none."""
    words = ", ".join(f"'{word}'" for word in MISSING)
    text = f"nullif(trim({cell}), '')"
    return f"CASE WHEN lower({text}) NOT IN ({words}) THEN {text} END"


def _value(place: int) -> str:
    return f"cells[{place + 1}]"


def look(connection: "DuckDBPyConnection", names: tuple[str, ...], first: int) -> Iterator[Facts]:
    """Yield the facts of columns that stand side by side, the first at place ``first``."""
    places = range(first, first + len(names))
    texts = f"""SELECT place, unnest(range({first}, {places.stop})) AS "column",
                  unnest(cells[{first + 1}:{places.stop}]) AS v FROM sample"""
    counts, top = _count(connection, texts), _top(connection, texts)
    signs = _signs(connection, texts)
    # of the counts, the second is that of values and the last that of those that look like a time
    dated = {p: counts[p][1] for p in places if (counts[p][-1] or 0) > 0.9 * counts[p][1] > 0}
    fits = _fitting(connection, dated)
    for name, place in zip(names, places, strict=True):
        numbers = (n or 0 for n in counts[place][:-1])
        counted = _Counted(*numbers, fitting=fits.get(place, ()))
        yield counted.facts(name, place, tuple(top.get(place, ())), tuple(signs.get(place, ())))


def _count(connection: "DuckDBPyConnection", texts: str) -> dict[int, list[Any]]:
    """Count what the values of each column could be read as; without rows, every count is 0."""
    result = connection.execute(
        f"""WITH texts AS ({texts}),
          cleaned AS (SELECT place, "column", v,
            regexp_replace(regexp_replace(v, '{SIGNS}|[\\s\\x{{00A0}}]', '', 'gi'),
                           '^\\((.*)\\)$', '-\\1') AS m FROM texts),
          read AS (SELECT *, TRY_CAST(m AS DOUBLE) AS d,
            CASE WHEN regexp_matches(v, '^[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}')
                  AND (regexp_matches(v, '[^A-Za-z]$')
                       OR regexp_matches(v, '[^A-Za-z/_]({ONE_MEANING})$'))
                 THEN TRY_CAST(v AS TIMESTAMPTZ) END AS t FROM cleaned),
          steps AS (SELECT *, lag(d) OVER (PARTITION BY "column" ORDER BY place) AS before,
                           lag(t) OVER (PARTITION BY "column" ORDER BY place) AS earlier FROM read)
        SELECT "column", count(*) AS total, count(v) AS rows, count(DISTINCT v) AS distinct_,
          count_if(isfinite(d) OR regexp_full_match(m, '{GROUPED}')) AS numbers,
          count_if(regexp_full_match(m, '{POINTS}')) AS points,
          count_if(regexp_full_match(m, '{COMMAS}')) AS commas,
          count_if(regexp_full_match(m, '{COMMA_GROUPS}')) AS by_comma,
          count_if(regexp_full_match(m, '{POINT_GROUPS}')) AS by_point,
          count_if(regexp_full_match(m, '[+-]?[0-9]+')) AS whole,
          count_if(m LIKE '-%' AND regexp_full_match(m, '-[0-9.,]+')) AS negative,
          count(t) AS iso,
          count_if(regexp_matches(v, '[0-9]( ?(Z|UTC|GMT)| ?[+-][0-9]{{2}}:?[0-9]{{2}}|[0-9]{{2}}:'
            || '[0-9]{{2}}[+-][0-9]{{2}})( [0-9]{{4}})?$')) AS zoned,
          count_if(regexp_full_match(v, '[0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]+)?)?'
            || '( ?[AaPp][.]?[Mm][.]?)?')) AS clock,
          count_if(regexp_matches(v, '[0-9]:[0-9]{{2}}')) > 0 AS midday,
          avg(length(v) - length(replace(v, ' ', '')) + 1) AS words,
          min(d) AS least, max(d) AS most,
          count_if(d >= before) / greatest(count(before), 1) AS rising,
          count(d) > 2 AND bool_and(before IS NULL OR d = before + 1) AS counting,
          count_if(t < earlier AND t >= earlier - INTERVAL 1 HOUR) > 0 AS backwards,
          count_if(regexp_full_match(v, '{DATED}')) AS dated
        FROM steps GROUP BY ALL"""
    )
    blank = [0] * (len(result.description) - 1)
    return defaultdict(lambda: blank, {column: counts for column, *counts in result.fetchall()})


def _fitting(connection: "DuckDBPyConnection", rows: dict[int, int]) -> dict[int, Formats]:
    """Return the strptime patterns that fit nearly all of a column's values, by its place.

    Args:
        connection: Where table ``sample`` is.
        rows: How many values each column has, by its place.
    """
    spare = {place: 0.01 * count for place, count in rows.items()}
    first = {place: min(rows[place], math.floor(spare[place]) + 10) for place in rows}
    # a pattern that misses too many of the first values is left out without reading the others
    tried = _counts(connection, dict.fromkeys(rows, TIME_FORMATS), first)
    candidates = {
        place: tuple(f for f in TIME_FORMATS if first[place] - tried[place][f] < spare[place])
        for place in rows
    }
    counts = _counts(connection, candidates, rows)
    return {
        place: tuple(f for f in formats if rows[place] - counts[place][f] < spare[place])
        for place, formats in candidates.items()
    }


def _counts(
    connection: "DuckDBPyConnection", formats: dict[int, Formats], rows: dict[int, int]
) -> dict[int, dict[str, int]]:
    """Return how many of columns' first values fit each of their patterns.

    Columns of the same patterns are read in one query: it takes longer to plan than to run.
    """
    alike: dict[Formats, list[int]] = defaultdict(list)
    for place, patterns in formats.items():
        alike[patterns].append(place)
    return {
        place: dict(zip(patterns, counts, strict=True))
        for patterns, places in alike.items()
        for place, *counts in _counted(
            connection, patterns, {place: rows[place] for place in places}
        )
    }


def _counted(
    connection: "DuckDBPyConnection", formats: Formats, rows: dict[int, int]
) -> list[tuple[int, ...]]:
    """Return each column's place, and how many of its first values fit each pattern."""
    if not formats:
        return []
    # %Y takes the 24 of 01.03.24 for the year 24
    fits = (f"year(try_strptime(v, '{f}')) >= {FIRST}" for f in formats)
    counts = ", ".join(f"count(*) FILTER ({each})" for each in fits)
    first = ", ".join(f"({place}, {count})" for place, count in rows.items())
    values = ", ".join(map(_value, rows))
    query = f"""
        SELECT "column", {counts} FROM (
          SELECT "column", v FROM (
            SELECT place, unnest({list(rows)}) AS "column", unnest([{values}]) AS v FROM sample)
          JOIN (VALUES {first}) AS firsts("column", most) USING ("column") WHERE v IS NOT NULL
          QUALIFY row_number() OVER (PARTITION BY "column" ORDER BY place) <= most)
        GROUP BY 1"""
    return connection.execute(query).fetchall()


DATED = r".*[0-9].*[-/.: ].*[0-9].*|[0-9]{8}|[0-9]{14}"
GROUPED = r"[+-]?([0-9]{1,3}([.,][0-9]{3})+([.,][0-9]+)?|[0-9]+,[0-9]+)"
POINTS = r"[+-]?([0-9]*|[0-9]{1,3}(,[0-9]{3})+)[.][0-9]+([eE][+-]?[0-9]+)?"
COMMAS = r"[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+),[0-9]+"
COMMA_GROUPS = r"[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?"
POINT_GROUPS = r"[+-]?[0-9]{1,3}([.][0-9]{3})+(,[0-9]+)?"


class _Counted:
    """The counts of one column, turned into facts."""

    def __init__(self, *counts: Any, fitting: tuple[str, ...]) -> None:
        self.counts, self.fitting = counts, fitting

    def facts(self, name: str, place: int, top: tuple[str, ...], signs: tuple[str, ...]) -> Facts:
        total, rows, distinct, numbers, points, commas, by_comma, by_point, *rest = self.counts
        whole, negative, iso, zoned, clock, midday, words, least, most, *steps = rest
        rising, counting, backwards = steps
        base = max(rows, 1)
        # a comma before three digits parts thousands where points part the decimals
        commas = 0 if points and by_comma >= commas else commas
        points = 0 if commas and by_point >= points else points
        groups = "," if by_comma and not commas else "." if by_point and commas else ""
        return Facts(
            name, place, total, rows, distinct, numbers / base, points / base, commas / base,
            groups, signs, whole / base, negative / max(numbers, 1), iso / base, zoned / base,
            clock / base, bool(midday),
            self.fitting if numbers < rows or _dated(self.fitting, least) else (),
            words or 0.0, least or 0.0, most or 0.0, rising or 0.0, bool(counting),
            bool(backwards), top,
        )  # fmt: skip


def _dated(fitting: tuple[str, ...], least: float | None) -> bool:
    """Return whether whole numbers such as 20240301 are days."""
    return bool(fitting) and least is not None and 19_900_101 <= least <= 21_000_101


def _top(connection: "DuckDBPyConnection", texts: str) -> dict[int, list[str]]:
    """Return each column's most frequent values."""
    rows = connection.execute(
        f"""SELECT "column", list(v ORDER BY n DESC, v)[:{FEW_VALUES}]
            FROM (SELECT "column", v, count(*) AS n FROM ({texts}) WHERE v IS NOT NULL GROUP BY ALL)
            GROUP BY 1"""
    ).fetchall()
    return dict(rows)


def _signs(connection: "DuckDBPyConnection", texts: str) -> dict[int, list[str]]:
    """Return the currency signs in each column's values, in upper case."""
    rows = connection.execute(
        f"""SELECT "column", list_sort(list(DISTINCT upper(regexp_extract(v, '({SIGNS})', 1, 'i'))))
            FROM ({texts}) WHERE regexp_full_match(v, '{SIGNED}', 'i') GROUP BY 1"""
    ).fetchall()
    return {column: [sign for sign in signs if sign] for column, signs in rows}
