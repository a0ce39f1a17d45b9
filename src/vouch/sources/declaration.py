"""One YAML file a source: which column plays which role.

Everything after ingest speaks of roles, never of the source's own names: a column of a single role
is called by the role (``amount``, ``payer``), a ``category`` or ``number`` keeps its own name in
lower case.
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from vouch.core.errors import VouchError, suggest
from vouch.core.files import read_yaml
from vouch.core.settings import describe
from vouch.sources.patterns import Regulars

Role = Literal[
    "id",
    "time",
    "arrival",
    "amount",
    "payer",
    "payee",
    "category",
    "number",
    "payer_balance_before",
    "payer_balance_after",
    "payee_balance_before",
    "payee_balance_after",
    "text",
    "author",
    "asset",
    "followers",
    "retweets",
    "label",
    "label_time",
    "label_confidence",
    "ignore",
]
NAME = r"^[a-z][a-z0-9_-]*$"
"""What a source may be called: the name becomes part of paths."""
BALANCES: tuple[Role, ...] = (
    "payer_balance_before",
    "payer_balance_after",
    "payee_balance_before",
    "payee_balance_after",
)
COUNTS: tuple[Role, ...] = ("followers", "retweets")
NUMERIC: frozenset[str] = frozenset(["amount", "number", *BALANCES, *COUNTS, "label_confidence"])
TEXTUAL: frozenset[str] = frozenset(["text", "author", "asset", "label_confidence", *COUNTS])
"""Roles that only a table of texts has."""
WORDS: frozenset[str] = frozenset(["text", "author"])
"""Roles of free words: only an empty one is missing, for people do write "none" and "null"."""
LABELLING: tuple["Role", ...] = ("label", "label_time", "label_confidence")
"""Roles that say something of a row's class, and nothing of what the row is."""
TIMES: frozenset[str] = frozenset(["time", "arrival", "label_time"])
REPEATABLE: frozenset[str] = frozenset(["category", "number", "ignore"])
STRING, NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
DROP = "drop"
"""What a label's value is mapped to whose rows are left out on purpose."""
DIRECTIVE = re.compile("(%(?:[aAbBcdfgGhHIjmMnpSTuUVwWxXyYzZ%]|-[dHIjmMSy]))")
"""What DuckDB takes for a part of a time's format."""
RESERVED: frozenset[str] = frozenset(
    [
        "source",
        "file",
        "line",
        "arrived_at",
        "row_hash",
        "known_at",
        "superseded_at",
        "raw",
        "problem",
        "cells",
        "reason",
        "flagged",
        "expectation",
        "at",
        "file_row_number",
        "entity",
        "case",
        "score",
        "shown",
        "readable",
    ]
)
"""Columns vouch adds to rows on their way."""
OWN: frozenset[str] = RESERVED | (frozenset(get_args(Role)) - TEXTUAL)
"""Names that a category or number cannot bear: it gets an underscore at its end instead."""
LONGEST = timedelta(days=36_500)
"""The longest duration; the years that are read are fewer."""
FARTHEST = 10**15
"""The number farthest from 0 that a first step may have: float64 holds those of all later ones."""
MOST_COST = 1e9
MOST_CASES = 1_000_000
LATER: frozenset[str] = frozenset(
    [
        *LABELLING,
        *("line", "file", "source", "row_hash", "arrived_at", "known_at", "superseded_at"),
    ]
)
"""What is not known of a row when it happens: its label, and what vouch notes of where it was."""
WHITE = "[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""A pattern for one white character, which Python and DuckDB read alike."""
PLAIN_START = f"^{WHITE}*[+]?"
"""What is left out at the start of a label's value to compare it: white space and a plus."""
PLAIN_END = rf"^(-?[0-9]+)\.0*{WHITE}*$|{WHITE}+$"
"""What is left out at its end: white space, and a whole number's decimals; its group stays."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_duration(value: Any) -> Any:
    """Read ``90s``, ``15m``, ``24h``, ``7d`` or ``2w`` as a timedelta; leave anything else."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", value)):
        seconds = float(match[1]) * UNITS[match[2]]
        if seconds > LONGEST.total_seconds():
            raise ValueError(f"{value} is longer than {LONGEST.days // 365} years")
        return timedelta(seconds=seconds)
    return value


def check_duration(value: timedelta) -> timedelta:
    """Check that a duration is neither below 0 nor longer than ``LONGEST``.

    Raises:
        ValueError: It is.
    """
    if not timedelta(0) <= value <= LONGEST:
        raise ValueError(f"must be 0s to {LONGEST.days}d, such as 90s, 15m, 24h, 7d or 2w")
    return value


def check_length(value: timedelta) -> timedelta:
    """Check that a duration is longer than nothing.

    Raises:
        ValueError: It is 0.
    """
    if not value:
        raise ValueError("must be longer than 0s, such as 90s, 15m, 24h, 7d or 2w")
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(check_duration)]
Length = Annotated[Duration, AfterValidator(check_length)]
"""A duration that is not nothing."""


def as_written(value: Any) -> Any:
    """Return a number or boolean of YAML as its text; leave anything else."""
    return str(value) if isinstance(value, bool | int | float) else value


def plain_word(word: str) -> str:
    """Write a label's value as labels are compared.

    That is without outer white space and a leading plus, in lower case, and ``1.0`` as ``1``.
    The ingest stage writes the same in SQL.
    """
    # letter by letter, as SQL does: lower() alone looks at a letter's neighbours
    lower = "".join(map(str.lower, word.replace("İ", "i"))).replace("ς", "σ")
    return re.sub(PLAIN_END, r"\1", re.sub(PLAIN_START, "", lower))


Word = Annotated[str, BeforeValidator(as_written)]


def check_zone(name: str) -> str:
    """Check that a time zone has an IANA name, such as Europe/Berlin; empty is none.

    Raises:
        ValueError: An unknown name; names the near ones.
    """
    zones = available_timezones() - {"localtime", "posixrules", "Factory"}
    if name and name not in zones:
        raise ValueError(f"no time zone {name!r}; {suggest(name, zones)}")
    return name


Zone = Annotated[str, AfterValidator(check_zone)]


class Strict(BaseModel):
    """A frozen declaration in which an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Strict):
    """One column of the raw file and the role it plays.

    Attributes:
        role: What the column means.
        optional: The file may come without it.
        values: For a category, the values it may take; empty means any. For a label, what the
            file calls its classes in order, class 0 first, or which class each value is, as in
            ``{pos: positive, "4": positive, spam: drop}``, where rows of ``drop`` are left out;
            an empty list means the use case's own names. Numbers and booleans are taken as their
            text.
        alias: For a category or number, its name from bronze on; empty means the file's own.
        history: For payer and payee, whether one name comes often enough to have a history.
        unit: For time, ``datetime`` (text or timestamp), ``step`` (a count of steps), or
            ``epoch_s`` and ``epoch_ms`` (seconds and milliseconds since 1970, UTC).
        step: For ``unit: step``, how long one step is.
        origin: For ``unit: step``, when the first step begins (UTC).
        first: For ``unit: step``, the number of the first step, from -10^15 to 10^15.
        format: For ``unit: datetime`` given as text, a strptime pattern; ISO 8601 if empty.
        clock: For a time given as a date, the raw column that holds its time of day.
        zone: The IANA name of the zone its times without an offset are in; empty means the
            declaration's.
        sign: For an amount, ``negated`` where outgoing amounts are written negative (they come to
            be positive), ``absolute`` where both signs are amounts paid.
    """

    role: Role
    optional: bool = False
    values: tuple[Word, ...] | dict[Word, Word] = ()
    alias: str = Field(default="", pattern=r"^([a-z_][a-z0-9_]*)?$")
    history: bool = True
    unit: Literal["datetime", "step", "epoch_s", "epoch_ms"] = "datetime"
    step: Length = timedelta(hours=1)
    origin: datetime | None = None
    first: int = Field(default=1, ge=-FARTHEST, le=FARTHEST)
    format: str = ""
    clock: str = ""
    zone: Zone = ""
    sign: Literal["as_is", "negated", "absolute"] = "as_is"

    @field_validator("values", mode="before")
    @classmethod
    def _listed_or_mapped(cls, values: Any) -> Any:
        if not isinstance(values, list | tuple | dict) or values == {}:
            problem = "is empty;" if values == {} else "must be a list, or"
            raise ValueError(f"{problem} say what each value stands for, as in {{pos: positive}}")
        pairs = values.items() if isinstance(values, dict) else enumerate(values, start=1)
        wrong = [key for key, word in pairs if not isinstance(word, str | bool | int | float)]
        if wrong:
            raise ValueError(f"what stands at {wrong[0]!r} must be text or a number")
        return values

    @model_validator(mode="after")
    def _fitting(self) -> "Column":
        if odd := re.search(r"%-?.?", DIRECTIVE.sub("", self.format), re.DOTALL):
            raise ValueError(f"format: {odd[0]} is no part of a time, such as %Y or %d")
        if self.origin is not None and not 1900 <= self.origin.year <= 2100:
            raise ValueError(f"origin: {self.origin.year} is not a year from 1900 to 2100")
        if self.alias and self.role not in ("category", "number"):
            raise ValueError(f"alias: a column of the role {self.role!r} is called by its role")
        if isinstance(self.values, dict) and self.role != "label":
            raise ValueError("values: only a label's values are mapped to classes; give a list")
        if self.clock and (self.role not in TIMES or self.unit != "datetime"):
            raise ValueError("clock: only a date (a time of unit: datetime) has a time of day")
        if self.zone and (self.role not in TIMES or self.unit != "datetime"):
            raise ValueError("zone: only times of unit: datetime are in one")
        if self.sign != "as_is" and self.role != "amount":
            raise ValueError("sign: only an amount (role: amount) has a sign convention")
        return self


class Delay(Strict):
    """How long after the payment its truth becomes known.

    Attributes:
        distribution: ``fixed`` (always ``mean``) or ``exponential`` (drawn per case, seeded by id).
        mean: The delay's mean.
    """

    distribution: Literal["fixed", "exponential"] = "fixed"
    mean: Duration = timedelta(0)


class Truth(Strict):
    """When a label column's values become known; label_time, where given, says it per row."""

    delay: Delay = Delay()


class Rule(Strict):
    """A starting rule that labels rows at once: a condition, or a lexicon of words.

    Attributes:
        name: What the rule is called in the label store.
        where: An SQL condition over role names; true means positive.
        lexicon: Which lexicon scores the text instead, from -1 to 1.
        threshold: The score, above 0 and at most 1, from which a text is positive; negative from
            its opposite, and neutral between the two.
    """

    name: str = "rule"
    where: str = ""
    lexicon: Literal["vader"] | None = None
    threshold: float = Field(default=0.05, gt=0, le=1)

    @model_validator(mode="after")
    def _one_of_two(self) -> "Rule":
        if bool(self.where.strip()) == bool(self.lexicon):
            raise ValueError("needs where (an SQL condition) or lexicon (vader), one of the two")
        return self

    def summary(self) -> dict[str, Any]:
        """Return its name and its condition or lexicon, for a summary."""
        fields = {"name", "lexicon", "threshold"} if self.lexicon else {"name", "where"}
        return self.model_dump(include=fields)


class Costs(Strict):
    """What decisions cost, in the currency of ``amount``.

    Attributes:
        review: Cost of looking at one case, 0 to ``MOST_COST``.
        missed: Cost of a missed fraud as a share of its amount, 0 to ``MOST_COST``.
        false_alarm: Cost of stopping a genuine payment beyond its review, 0 to ``MOST_COST``.
    """

    review: float = Field(default=10.0, ge=0, le=MOST_COST)
    missed: float = Field(default=1.0, ge=0, le=MOST_COST)
    false_alarm: float = Field(default=0.0, ge=0, le=MOST_COST)


class PaySim(Strict):
    """Payments made instead of read.

    Attributes:
        name: Which simulator.
        rows: How many rows, 10,000 to 6,400,000.
        seed: Seed of the random numbers, 0 to 2^63 - 1; the same seed gives the same bytes.
        regulars: Clients with a history and the frauds that happen to them, beside PaySim's own.
    """

    name: Literal["paysim"]
    rows: int = Field(ge=10_000, le=6_400_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    regulars: Regulars | None = None


class Tweets(Strict):
    """Tweets made instead of read.

    Attributes:
        name: Which simulator.
        rows: How many rows, 1,000 to 1,000,000.
        seed: Seed of the random numbers, 0 to 2^63 - 1; the same seed gives the same bytes.
        label_noise: Share of the labels, 0 to 0.5, that are not the tweet's true class.
    """

    name: Literal["tweets"]
    rows: int = Field(ge=1_000, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    label_noise: float = Field(default=0.08, ge=0, le=0.5)


Simulator = Annotated[PaySim | Tweets, Field(discriminator="name")]


class Declaration(Strict):
    """A source: its format, its columns' roles, and what is known of its labels and costs.

    Attributes:
        name: What the source is called.
        usecase: Which use case it is for.
        description: What it is, for people.
        format: ``csv``, ``parquet``, ``jsonl`` (an object a line), ``json`` (an array of
            objects), ``excel`` (.xlsx) or ``simulator``. Compression is recognised by content.
        sheet: For ``excel``, the sheet's name; None: the first one.
        encoding: A text file's encoding.
        separator: A CSV file's separator, one character.
        header: The line of a CSV file or sheet that names its columns, from 1 on; None: the first
            that names all declared columns; 0: there is none, and the columns are called
            column_1, column_2 and so on.
        quoting: Whether a quote begins a field; False: it is a character like any other.
        decimal: What stands before the decimals of a number.
        thousands: What groups the digits of a number by threes; empty: nothing does.
        currency: A sign or code to be left out before or after a number.
        zone: The IANA name of the zone that times without an offset are in; the offsets are those
            of the zone data in DuckDB's version.
        simulator: How rows are made instead of read.
        columns: The raw columns and their roles.
        truth: When labels become known.
        rule: The starting rule.
        costs: What decisions cost.
        capacity: How many cases people can review a day, 1 to ``MOST_CASES``.
        windows: The lengths of the windows that features look back on.
        confirm: Open questions; the source is not run while there is one.
    """

    name: str = Field(pattern=NAME)
    usecase: str = Field(default="fraud", pattern=NAME)
    description: str = ""
    format: Literal["csv", "parquet", "jsonl", "json", "excel", "simulator"]
    sheet: str | None = None
    encoding: str = "utf-8"
    separator: str = Field(default=",", pattern=r'^[^"\r\n]$')
    header: int | None = Field(default=None, ge=0, le=1000)
    quoting: bool = True
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'", "\u00a0"] = ""
    currency: str = ""
    zone: Zone = "UTC"
    simulator: Simulator | None = None
    columns: dict[str, Column]
    truth: Truth | None = None
    rule: Rule | None = None
    costs: Costs = Costs()
    capacity: int = Field(
        default=100, gt=0, le=MOST_CASES, description="cases people can review a day"
    )
    windows: tuple[Length, ...] = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
    confirm: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "Declaration":
        roles = [c.role for c in self.columns.values() if c.role not in REPEATABLE]
        if twice := sorted({r for r in roles if roles.count(r) > 1}):
            raise ValueError(f"role {twice[0]!r} is given to two columns; only one may have it")
        if (self.format == "simulator") != (self.simulator is not None):
            raise ValueError("format: simulator and the section simulator go together")
        for name, column in self.columns.items():
            if column.role == "time" and column.unit == "step" and column.origin is None:
                raise ValueError(f"column {name!r}: unit: step needs an origin (a date)")
            own = self.columns.get(column.clock) if column.clock else None
            if own and own.role != "ignore":
                raise ValueError(
                    f"column {name!r}: clock: {column.clock!r} plays a role of its own"
                )
        return self

    @model_validator(mode="after")
    def _readable(self) -> "Declaration":
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal are both {self.decimal!r}; they must differ")
        if re.search(r"[\d.,()+-]", self.currency):
            raise ValueError(f"currency: a sign or code, not part of a number: {self.currency!r}")
        if self.sheet is not None and self.format != "excel":
            raise ValueError("sheet: only format: excel has sheets")
        if not self.quoting and self.format != "csv":
            raise ValueError("quoting: only format: csv has quotes")
        return self

    def canonical(self, column: str) -> str:
        """Return the name a raw column has from bronze on.

        Args:
            column: The column's name in the raw file.
        """
        declared = self.columns[column]
        if declared.role not in REPEATABLE:
            return declared.role
        name = declared.alias or re.sub(r"\W+", "_", column).lower()
        if declared.alias or name not in OWN | {c.role for c in self.columns.values()}:
            return name or "unnamed"
        return f"{name}_"

    def within(self, columns: Collection[str]) -> "Declaration":
        """Return the declaration of a table that lacks some optional columns.

        Args:
            columns: The canonical names of the columns it has.
        """
        present = {
            name: column
            for name, column in self.columns.items()
            if not column.optional or self.canonical(name) in columns
        }
        return self.model_copy(update={"columns": present})

    @property
    def numbers(self) -> frozenset[str]:
        """The raw columns written as numbers with a decimal point."""
        if self.decimal != "." or self.thousands or self.currency:
            return frozenset()
        steps = {n for n, c in self.columns.items() if c.role == "time" and c.unit == "step"}
        return frozenset(steps | {n for n, c in self.columns.items() if c.role in NUMERIC})

    def point(self, name: str) -> str:
        """Return what a file's own number in a raw column is to be written with for its point."""
        column = self.columns.get(name)
        return self.decimal if column and column.role in NUMERIC else "."

    def column(self, role: Role) -> str | None:
        """Return the raw name of the column in a single role, or None."""
        return next((n for n, c in self.columns.items() if c.role == role), None)

    def has(self, role: Role) -> bool:
        """Return whether any column plays a role."""
        return self.column(role) is not None

    def of_role(self, role: Role) -> tuple[str, ...]:
        """Return the canonical names of all columns in a role, in declared order."""
        return tuple(self.canonical(n) for n, c in self.columns.items() if c.role == role)


class _AsWritten(yaml.SafeLoader):
    """YAML in which names, such as 2024, and label values, such as no, are text as written."""

    def construct_scalar(self, node: Any) -> Any:
        if "\0" in node.value:  # no text of SQL can hold it
            message = "a text with the character NUL"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark)
        return super().construct_scalar(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
                key.tag = STRING
            if key.value == "values":
                _tag_as_text(value)
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice")
        return super().construct_mapping(node, deep=deep)


def _tag_as_text(values: yaml.Node) -> None:
    """Take listed words, and the classes that words are mapped to, as text; no class is none."""
    if isinstance(values, yaml.SequenceNode):
        words = values.value
    elif isinstance(values, yaml.MappingNode):
        words = [name for _, name in values.value if name.tag != NULL]
    else:
        return
    for word in words:
        word.tag = STRING if isinstance(word, yaml.ScalarNode) else word.tag


def source_path(root: Path, name: str) -> Path:
    """Return where a source is declared.

    Args:
        root: The project's folder.
        name: What the source is called.

    Raises:
        VouchError: The name would lead to another folder.
    """
    folder = root / "data/sources"
    if not re.fullmatch(NAME, name):
        sources = [path.stem for path in folder.glob("*.yaml")]
        raise VouchError(f"no source {name!r}: a name, not a path", suggest(name, sources))
    return folder / f"{name}.yaml"


def load_declaration(path: Path) -> Declaration:
    """Read a source's declaration.

    Args:
        path: The YAML file, ``data/sources/<name>.yaml``.

    Returns:
        The checked declaration.

    Raises:
        VouchError: Missing file (names the near ones), no YAML, or a field that is wrong.
    """
    if not path.exists():
        names = [p.stem for p in path.parent.glob("*.yaml")]
        raise VouchError(f"no source {path.stem!r} ({path})", suggest(path.stem, names))
    try:
        return Declaration.model_validate(read_yaml(path, _AsWritten))
    except ValidationError as error:
        raise VouchError(f"{path}: {describe(error)}", "mend the field") from None
