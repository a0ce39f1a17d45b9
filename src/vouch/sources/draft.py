"""A first declaration of a user's table, guessed from its columns' names and values."""

import csv
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.errors import VouchError
from vouch.files import replacing
from vouch.sources.declaration import Role

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SEPARATORS = ",;\t|"
SAMPLE = 20_000
START = 1 << 16
FEW_VALUES = 20
"""A text column of at most so many distinct values is taken for a category."""
HISTORY = 3.0
"""Rows a name must come with on average before its history is worth a window."""
WORDS: dict[Role, str] = {
    "id": r"^(id|.*_id|transaction|tx|trans|txn|uuid|guid|buchung(s?nummer|sid)?|beleg.*|"
    r".*(transaction|transaktion|payment|zahlung)s?_?(id|nr|no|nummer|number))$",
    "label": r"fraud|betrug|label|chargeback|is_?bad|^class$|^target$|fraude|rueckbuchung",
    "time": r"time|date|zeit|datum|stamp|^ts$|^step$|^hour$|fecha|heure|wann",
    "amount": r"amount|amt|betrag|summe|^value$|montant|importe|^price$|^sum$",
    "payer": r"customer|kunde|payer|sender|orig|card|karte|client|account|konto|user|debtor|zahler",
    "payee": r"terminal|merchant|h(ae|ä)ndler|payee|dest|receiver|empf(ae|ä)nger|shop|beneficiary|"
    r"creditor|vendor",
}
BALANCE = r"balance|bal$|saldo|kontostand"
AFTER = r"new|after|neu|nach"
TIME_FORMATS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
)


@dataclass(frozen=True)
class Guess:
    """A column's guessed role.

    Attributes:
        column: The column's name in the file.
        role: What it seems to be.
        why: What the guess rests on.
        options: Further fields of its declaration.
    """

    column: str
    role: Role
    why: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Drafted:
    """A drafted declaration.

    Attributes:
        path: Where it was written.
        name: The source's name.
        guesses: One for each column of the file.
        questions: What the user must look at.
    """

    path: Path
    name: str
    guesses: tuple[Guess, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How a file is written."""

    format: str
    encoding: str = "utf-8"
    separator: str = ","


@dataclass(frozen=True)
class Facts:
    """What the sampled values of a column show.

    Attributes:
        name: The column's name.
        rows: Rows sampled that have a value.
        distinct: How many different values those have.
        numbers: Share that are numbers with a decimal point, 0 to 1.
        commas: Share that are numbers with a decimal comma, 0 to 1.
        whole: Share that are whole numbers, 0 to 1.
        iso: Share that are ISO 8601 times, 0 to 1.
        format: The strptime pattern that fits every value, or empty.
        binary: Whether every value is 0 or 1 (or true or false).
        top: The most frequent values, at most 20.
    """

    name: str
    rows: int
    distinct: int
    numbers: float
    commas: float
    whole: float
    iso: float
    format: str
    binary: bool
    top: tuple[str, ...]


def draft_source(
    root: Path, file: Path, name: str | None = None, out: Path | None = None
) -> Drafted:
    """Guess a declaration and write it, every guess with its reason.

    Args:
        root: The project's folder.
        file: The table; its first 20,000 rows are looked at.
        name: The source's name; made from the file's if None.
        out: Where to write; ``data/sources/<name>.yaml`` if None. Never overwritten.

    Returns:
        What was guessed, and what to check.

    Raises:
        VouchError: No such file, nothing in it, a declaration that is there already, or no
            column that could be the amount.
    """
    called = name or (out.stem if out else _slug(file.stem))
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", called):
        raise VouchError(f"source name {called!r}: must be a-z, 0-9, _ or -", "--name shop")
    path = out or root / f"data/sources/{called}.yaml"
    if path.exists():
        raise VouchError(f"{path}: is there already", "give another --name, or remove it")
    layout = _layout(file)
    facts = _look(file, layout)
    guesses = guess_roles(facts)
    decimal = "," if any(f.commas > max(f.numbers, 0.99) for f in facts) else "."
    questions = _questions(guesses)
    with replacing(path) as draft:
        draft.write_text(_write(called, file, layout, decimal, guesses, questions), "utf-8")
    return Drafted(path, called, guesses, questions)


def guess_roles(facts: list[Facts]) -> tuple[Guess, ...]:
    """Give each column a role; one that only one column may have goes to the first that fits.

    Args:
        facts: What each column's values show.

    Returns:
        A guess for each column, in the given order.

    Raises:
        VouchError: No column could be the amount.
    """
    taken: dict[str, Guess] = {}
    for rule in (_label, _time, _balance, _identity, _amount, _party("payer"), _party("payee")):
        used: set[str] = {guess.role for guess in taken.values()}
        for each in facts:
            guess = rule(each) if each.name not in taken else None
            if guess and guess.role not in used:
                taken[each.name] = guess
                used.add(guess.role)
    _need_amount(facts, taken)
    return tuple(taken.get(each.name) or _other(each) for each in facts)


def _need_amount(facts: list[Facts], taken: dict[str, Guess]) -> None:
    if any(guess.role == "amount" for guess in taken.values()):
        return
    for each in facts:
        if each.name not in taken and _numeric(each) and each.distinct > FEW_VALUES:
            taken[each.name] = Guess(each.name, "amount", "the first column of varied numbers")
            return
    raise VouchError(
        f"no column could be the amount; the columns are: {', '.join(f.name for f in facts)}",
        "write the declaration by hand, like data/sources/paysim.yaml",
    )


def _numeric(facts: Facts) -> bool:
    return max(facts.numbers, facts.commas) > 0.99


def _named(facts: Facts, role: Role) -> bool:
    return bool(re.search(WORDS[role], _snake(facts.name)))


def _label(facts: Facts) -> Guess | None:
    if facts.binary and _named(facts, "label"):
        return Guess(facts.name, "label", "its name, and only 0 and 1", {"optional": True})
    return None


def _time(facts: Facts) -> Guess | None:
    if facts.iso > 0.99:
        return Guess(facts.name, "time", "its values are ISO times")
    if facts.format:
        options = {"format": facts.format}
        return Guess(facts.name, "time", f"its values fit {facts.format}", options)
    if facts.whole == 1 and re.search(r"step|hour", _snake(facts.name)):
        step = {"unit": "step", "step": "1h", "origin": "2024-01-01T00:00:00"}
        return Guess(facts.name, "time", "its name, and whole numbers: hours?", step)
    return None


def _balance(facts: Facts) -> Guess | None:
    name = _snake(facts.name)
    if not (_numeric(facts) and re.search(BALANCE, name)):
        return None
    side = "payee" if re.search(WORDS["payee"], name) else "payer"
    when = "after" if re.search(AFTER, name) else "before"
    roles: dict[str, Role] = {
        "payer_before": "payer_balance_before",
        "payer_after": "payer_balance_after",
        "payee_before": "payee_balance_before",
        "payee_after": "payee_balance_after",
    }
    return Guess(facts.name, roles[f"{side}_{when}"], "its name")


def _identity(facts: Facts) -> Guess | None:
    if facts.rows and facts.distinct == facts.rows and _named(facts, "id"):
        return Guess(facts.name, "id", "its name, and no value comes twice")
    return None


def _amount(facts: Facts) -> Guess | None:
    if _numeric(facts) and _named(facts, "amount"):
        return Guess(facts.name, "amount", "its name, and numbers")
    return None


def _party(role: Role) -> Callable[[Facts], Guess | None]:
    def rule(facts: Facts) -> Guess | None:
        if not _named(facts, role) or facts.distinct < 2 or facts.binary:
            return None
        history = facts.rows / facts.distinct >= HISTORY
        told = f"its name; {facts.distinct:,} names in {facts.rows:,} rows"
        return Guess(facts.name, role, told, {} if history else {"history": False})

    return rule


def _other(facts: Facts) -> Guess:
    if 1 < facts.distinct <= FEW_VALUES and not (facts.whole == 1 and facts.distinct > 2):
        seen = ", ".join(sorted(facts.top))
        return Guess(facts.name, "category", f"few values: {seen}; add values: [...] if no others")
    if _numeric(facts) and facts.distinct > 1:
        return Guess(facts.name, "number", "numbers")
    return Guess(facts.name, "ignore", "nothing it could be")


def _questions(guesses: tuple[Guess, ...]) -> tuple[str, ...]:
    roles = {guess.role: guess for guess in guesses}
    asked = [
        "the label: which column says it was fraud, and when does that become known (truth.delay)?"
        if "label" in roles
        else "there is no label column: the rule below is a placeholder; write your own",
        f"payer and payee: {_who(roles, 'payer')} pays {_who(roles, 'payee')}?",
        "costs and capacity: what does a review cost, how many a day can people do?",
    ]
    if "time" not in roles:
        asked.append("there is no time column: rows will be split at random, without windows")
    elif roles["time"].options.get("unit") == "step":
        asked.append("the time: is a step an hour, and when did the first begin (origin)?")
    if "id" not in roles:
        asked.append("there is no id column: rows are told apart by their content")
    return tuple(asked)


def _who(roles: dict[Role, Guess], role: Role) -> str:
    return repr(roles[role].column) if role in roles else f"nobody (no {role} column)"


def _write(
    name: str,
    file: Path,
    layout: Layout,
    decimal: str,
    guesses: tuple[Guess, ...],
    questions: tuple[str, ...],
) -> str:
    lines = [
        f"# Drafted by `vouch source draft` from {file.name}: every line is a guess, check it.",
        *(f"# - {question}" for question in questions),
        f"name: {name}",
        "usecase: fraud",
        f"description: {_yaml(f'Drafted from {file.name}')}",
        f"format: {layout.format}",
    ]
    if layout.format == "csv":
        lines += [
            f"encoding: {layout.encoding}",
            f"separator: {_yaml(layout.separator)}",
            f"decimal: {_yaml(decimal)}",
        ]
    lines += ["columns:", *(_column(guess) for guess in guesses)]
    if any(guess.role == "label" for guess in guesses):
        lines += ["truth:", "  delay: {distribution: fixed, mean: 7d}   # guessed"]
    else:
        lines += ["rule:", "  name: placeholder", "  where: amount > 1000   # guessed"]
    lines += ["costs: {review: 10, missed: 1.0}   # guessed", "capacity: 100   # guessed", ""]
    return "\n".join(lines)


def _column(guess: Guess) -> str:
    fields = {"role": guess.role, **guess.options}
    return f"  {_yaml(guess.column)}: {_yaml(fields)}   # {guess.why}"


def _yaml(value: Any) -> str:
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "table"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _layout(file: Path) -> Layout:
    if not file.is_file():
        raise VouchError(f"{file}: no such file", "check the path")
    with file.open("rb") as opened:
        start = opened.read(START)
    if not start:
        raise VouchError(f"{file}: is empty (0 bytes)", "give a file with rows")
    if start.startswith(b"PAR1"):
        return Layout("parquet")
    encoding = _encoding(start)
    first = start.decode(encoding, errors="replace").lstrip("\ufeff").splitlines()[0]
    if first.lstrip().startswith("{"):
        return Layout("jsonl", encoding)
    counts = Counter({mark: len(next(csv.reader([first], delimiter=mark))) for mark in SEPARATORS})
    return Layout("csv", encoding, max(SEPARATORS, key=lambda mark: counts[mark]))


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _look(file: Path, layout: Layout) -> list[Facts]:
    import duckdb

    from vouch.sources.readers import read

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        raw = read(connection, file, layout.format, layout.encoding, layout.separator, Path(folder))
        cells = f"[{', '.join(raw.cells)}] AS cells"
        rows = f"SELECT {cells} FROM ({raw.sql}) WHERE problem IS NULL LIMIT {SAMPLE}"
        connection.execute(f"CREATE TABLE sample AS {rows}")
        return [_facts(connection, name, n + 1) for n, name in enumerate(raw.columns)]


def _facts(connection: "DuckDBPyConnection", name: str, place: int) -> Facts:
    """Count what the sampled values of one column could be read as."""
    german = "regexp_full_match(v, '[+-]?([0-9]{1,3}(\\.[0-9]{3})+|[0-9]+)(,[0-9]+)?')"
    formats = ", ".join(f"count(try_strptime(v, '{form}'))" for form in TIME_FORMATS)
    found = connection.execute(
        f"""SELECT count(v), count(DISTINCT v), count(TRY_CAST(v AS DOUBLE)),
              count(CASE WHEN {german} THEN 1 END), count(TRY_CAST(v AS BIGINT)),
              count(TRY_CAST(v AS TIMESTAMPTZ)),
              bool_and(lower(v) IN ('0', '1', '0.0', '1.0', 'true', 'false')), {formats}
            FROM (SELECT nullif(trim(cells[{place}]), '') AS v FROM sample)"""
    ).fetchone()
    assert found is not None
    rows, distinct, numbers, commas, whole, iso, binary, *fits = found
    fitting = [form for form, n in zip(TIME_FORMATS, fits, strict=True) if rows and n == rows]
    top = connection.execute(
        f"""SELECT v FROM (SELECT nullif(trim(cells[{place}]), '') AS v FROM sample)
            WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v LIMIT {FEW_VALUES}"""
    ).fetchall()
    base = max(rows, 1)
    return Facts(
        name=name,
        rows=rows,
        distinct=distinct,
        numbers=numbers / base,
        commas=commas / base,
        whole=whole / base,
        iso=iso / base,
        format=fitting[0] if fitting and numbers < rows else "",
        binary=bool(binary),
        top=tuple(value for (value,) in top),
    )
