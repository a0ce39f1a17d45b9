"""The validate stage: bronze to silver, quarantine and a page of the results."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.cache import NOTHING_KEPT, Cache, Entry, key_of
from vouch.core.errors import VouchError, suggest
from vouch.core.files import read_json
from vouch.core.progress import Progress, silent
from vouch.engine import PARQUET, ROW_GROUP, connect
from vouch.engine.splice import copy, grow
from vouch.results.validate import Validated
from vouch.sources.declaration import LABELLING, Declaration, load_declaration
from vouch.sources.readers import literal, parquet, quoted
from vouch.stages.validate import again
from vouch.stages.validate import gx_duckdb as gx
from vouch.stages.validate.history import KEY, check_corrections, find_repeats, find_versions
from vouch.stages.validate.outcome import Outcome, columns_of, outcome
from vouch.stages.validate.page import write_page
from vouch.stages.validate.params import ValidateParams
from vouch.stages.validate.queries import check_queries
from vouch.usecases.classes import class_names
from vouch.usecases.suite import POLICIES, Expectation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CATEGORIES_SHOWN = 50
FILLED = "expect_column_values_to_not_be_null"
ALLOWED = "expect_column_values_to_be_in_set"
PRESENT = "expect_column_distinct_values_to_contain_set"


@dataclass(frozen=True)
class Work:
    """What the steps of the stage share: the declaration, its files and its parameters."""

    declaration: Declaration
    suite: Path
    bronze: Path
    scratch: Path
    params: ValidateParams
    connection: "DuckDBPyConnection"


def validate(
    *,
    declaration: Path,
    suite: Path,
    bronze: Path,
    rows: Path,
    quarantine: Path,
    summary: Path,
    page: Path,
    params: ValidateParams,
    cache: Cache = NOTHING_KEPT,
    progress: Progress = silent,
) -> Validated:
    """Separate duplicates, versions and wrong rows, and check the source's expectations.

    What is said of single rows is checked on every version that arrived, what is said of the
    table on the current versions that are left.

    Args:
        declaration: ``data/sources/<source>.yaml``.
        suite: ``expectations/<source>.json``.
        bronze: The ingest stage's rows.
        rows: Where silver is written: every distinct version, with known_at and superseded_at.
        quarantine: Where the rows are written that fail an expectation of that policy.
        summary: Where counts and outcomes are written.
        page: Where the same is written for people.
        params: The stage's parameters.
        cache: Keeps silver, so that only new rows are checked.
        progress: Called with the progress, in steps.

    Returns:
        What it wrote to ``summary``; in = silver + superseded + duplicates + quarantine.

    Raises:
        VouchError: An expectation of policy fail does not hold, a suite that cannot be run or is
            of other classes than the source's, or ids that come back on other payments.
    """
    declared, expectations = load_declaration(declaration), load_suite(suite)
    _check_classes(declared, suite, expectations)
    with (
        tempfile.TemporaryDirectory(dir=rows.parent, prefix=".validate-") as folder,
        connect(memory=params.memory) as backend,
    ):
        source = declared.within(columns_in(backend.con, bronze))
        expectations, skipped = applicable(expectations, declared, source)
        work = Work(source, suite, bronze, Path(folder), params, backend.con)
        progress(0, 4, "checking rows")
        single = [e for e in expectations if by_row(e)]
        rest = [e for e in expectations if not by_row(e)]
        key = key_of("silver", declared.model_dump(mode="json"), expectations, params.examples)
        entry = cache.get(key)
        sifted = _sift_again(work, entry, single, quarantine, rows) if entry else None
        if sifted:
            outcomes, failed = sifted
        else:
            outcomes = sift(work, bronze, single, quarantine)
            progress(2, 4, "writing silver")
            _write_silver(work.connection, work.declaration, rows)
            failed = again.failures(work.connection, outcomes)
        counts = _count(work, rows)
        progress(3, 4, "checking the table")
        if counts["in"] == counts["silver"]:
            again.keep(cache, key, bronze, rows, failed)
        outcomes += _check_current(work, rows, rest, unique=bool(sifted))
        content = _summary(work, counts, outcomes, skipped)
    cache.sweep()
    content.write(summary)
    write_page(page, source.name, content)
    return content


def load_suite(path: Path) -> list[Expectation]:
    """Read a suite's expectations.

    Args:
        path: ``expectations/<source>.json``.

    Returns:
        Each with ``type``, ``kwargs`` and ``meta.policy``.

    Raises:
        VouchError: No JSON, an expectation that is none, an unknown policy, a quarantine of rows
            by something that is not about rows, or a query that reads anything else.
    """
    content = read_json(path)
    expectations = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(expectations, list) or not expectations:
        raise VouchError(f"{path}: has no list of expectations", "see expectations/paysim.json")
    for number, each in enumerate(expectations):
        whole = isinstance(each, dict) and {"type", "kwargs"} <= each.keys()
        if not whole or not isinstance(each["kwargs"], dict):
            raise VouchError(f"{path}: expectation {number}: needs type and kwargs", f"got {each}")
        policy = (each.get("meta") or {}).get("policy", "fail")
        if policy not in POLICIES:
            raise VouchError(
                f"{path}: {each['type']}: no policy {policy!r}", suggest(str(policy), POLICIES)
            )
        each["meta"] = {**(each.get("meta") or {}), "policy": policy}
    gx.check_types(path, expectations)
    check_queries(path, expectations)
    for each in expectations:
        if each["meta"]["policy"] == "quarantine" and not gx.is_about_rows(each):
            raise VouchError(
                f"{path}: {each['type']} is about the whole table: it names no rows to quarantine",
                "give it the policy fail or warn",
            )
    return expectations


def _check_classes(source: Declaration, suite: Path, expectations: list[Expectation]) -> None:
    """Check that what is expected of the label is of the classes that the source declares."""
    names = class_names(source)
    for each in expectations:
        if source.has("label") and _is_outdated(each, len(names)):
            raise VouchError(
                f"{suite}: {each['type']} of the column label has the value_set "
                f"{each['kwargs']['value_set']}, but the source {source.name!r} declares "
                f"{len(names)} classes: {', '.join(f'{n} {name}' for n, name in enumerate(names))}",
                f"write the value_set {list(range(len(names)))}, or delete {suite}: the next "
                "vouch run derives it anew",
            )


def _is_outdated(expectation: Expectation, count: int) -> bool:
    """Return whether numbers are expected of the label that no class has, or a class is missing."""
    fields, kind = expectation["kwargs"], expectation["type"]
    numbers = fields.get("value_set")
    if fields.get("column") != "label" or not isinstance(numbers, list):
        return False
    if kind in (ALLOWED, PRESENT) and any(n not in range(count) for n in numbers):
        return True
    # under a condition, or of what must be present, fewer classes may be meant
    whole = kind == ALLOWED and "row_condition" not in fields
    return whole and any(n not in numbers for n in range(count))


def sift(
    work: Work, path: Path, expectations: list[Expectation], quarantine: Path
) -> list[Outcome]:
    """Make tables ``repeats``, ``quarantined`` and ``versions`` of the rows of bronze.

    What is left is what training may see; scoring asks the same of the rows it is given.

    Args:
        work: The declaration and its files.
        path: What messages call the rows.
        expectations: Those that are about single rows.
        quarantine: Where the rows are written that fail one of that policy.

    Returns:
        What became of each expectation.

    Raises:
        VouchError: An expectation of policy fail does not hold or cannot be checked, or ids that
            come back on other payments.
    """
    outcomes = _check(work, "arrived", _arrange(work, path), expectations)
    _quarantine(work.connection, outcomes, quarantine)
    find_versions(work.connection)
    return outcomes


def columns_in(connection: "DuckDBPyConnection", bronze: Path) -> set[str]:
    """Return the names of bronze's columns."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {parquet(bronze)}")
    return {str(row[0]) for row in described.fetchall()}


def applicable(
    expectations: list[Expectation], declared: Declaration, source: Declaration
) -> tuple[list[Expectation], list[str]]:
    """Leave out what is expected of optional columns that did not come; name what was left out.

    So is that no label is missing: ingest seals those of held-out rows.
    """
    missing = declared.columns.keys() - source.columns.keys()
    absent = {declared.canonical(name) for name in missing}

    def is_left_out(each: Expectation) -> bool:
        barred = absent | {*LABELLING} if each["type"] == FILLED else absent
        return bool(barred & columns_of(each))

    checked = [each for each in expectations if not is_left_out(each)]
    return checked, [Outcome(e, True, 0, 0.0).title for e in expectations if is_left_out(e)]


def by_row(expectation: Expectation) -> bool:
    """Return whether to check every version: a key is unique among the current ones only."""
    unique = expectation["type"] in gx.UNIQUE
    quarantines = expectation["meta"]["policy"] == "quarantine"
    return gx.is_about_rows(expectation) and (quarantines or not unique)


def _sift_again(
    work: Work,
    entry: Entry,
    expectations: list[Expectation],
    quarantine: Path,
    rows: Path,
) -> tuple[list[Outcome], list[dict[str, Any]]] | None:
    """Check the rows behind those that stayed, and write silver.

    Args:
        work: The declaration and its files.
        entry: What was kept.
        expectations: Those that are about single rows.
        quarantine: Where the rows are written that fail one of that policy: none.
        rows: Where silver is written.

    Returns:
        What became of each expectation, and which rows fail it. None where all rows have to be
        checked.
    """
    first = again.stays(work.connection, entry, work.bronze, expectations)
    if not first:
        return None
    connection, shown = work.connection, work.params.examples
    table = parquet(work.bronze.resolve(), numbered=True)
    late = f"SELECT * FROM {table} WHERE {KEY} >= {first * ROW_GROUP}"
    try:
        outcomes = _check(work, "arrived", late, expectations)
    except VouchError:  # it is told of all rows
        outcomes = []
    if not outcomes or any(e.failed for e in outcomes if e.policy == "quarantine"):
        connection.execute("DROP VIEW arrived")
        return None
    connection.execute(f"CREATE VIEW bronze AS SELECT * FROM {table}")
    find_repeats(connection, work.declaration, "arrived")
    _quarantine(connection, outcomes, quarantine)
    event = _event(work.declaration)
    query = f"""SELECT * EXCLUDE ({KEY}), {event} AS known_at,
                  CAST(NULL AS TIMESTAMP) AS superseded_at FROM arrived"""
    grow(connection, entry.file(again.SILVER), first, query, rows, work.scratch)
    failed = again.added(entry, first, again.failures(connection, outcomes), shown)
    total = _number(connection, "SELECT count(*) FROM bronze")
    return again.together(entry, first, total, outcomes, shown), failed


def _check_current(
    work: Work, rows: Path, expectations: list[Expectation], *, unique: bool
) -> list[Outcome]:
    """Check what is expected of the table.

    Args:
        work: The declaration and its files.
        rows: Silver.
        expectations: Those that are not about single rows.
        unique: Whether it is known that no id comes twice: then it is not looked for again.
    """
    known = [
        unique and e["type"] in gx.UNIQUE and e["kwargs"] == {"column": "id"} for e in expectations
    ]
    asked = [e for e, is_known in zip(expectations, known, strict=True) if not is_known]
    found = iter(_check(work, "current", _current(rows), asked))
    return [
        Outcome(e, True, 0, 0.0) if is_known else next(found)
        for e, is_known in zip(expectations, known, strict=True)
    ]


def _arrange(work: Work, path: Path) -> str:
    """Make view ``bronze`` and the tables of ``history``; return the rows without repeats."""
    connection = work.connection
    table = parquet(work.bronze.resolve(), numbered=True)
    connection.execute(f"CREATE VIEW bronze AS SELECT * FROM {table}")
    find_repeats(connection, work.declaration)
    check_corrections(connection, work.declaration, path, work.params.id_conflicts)
    if not _number(connection, "SELECT count(*) FROM repeats"):
        return f"SELECT * FROM {table}"
    repeats = (work.scratch / "repeats.parquet").resolve()
    connection.execute(f"COPY repeats TO {literal(repeats)}")
    # a view over ANTI JOIN of a file loses its columns in DuckDB 1.5; a row number is never null
    again = f"SELECT {KEY} FROM {parquet(repeats)}"
    return f"SELECT * FROM {table} WHERE {KEY} NOT IN ({again})"


def _current(rows: Path) -> str:
    table = parquet(rows.resolve(), numbered=True)
    return f"SELECT * FROM {table} WHERE superseded_at IS NULL"


def _without(connection: "DuckDBPyConnection", *tables: str) -> str:
    """Return the joins that remove rows; none for an empty table, to save time."""
    return " ".join(
        f"ANTI JOIN {table} USING ({KEY})"
        for table in tables
        if _number(connection, f"SELECT count(*) FROM {table}")
    )


def _check(
    work: Work, table: str, definition: str, expectations: list[Expectation]
) -> list[Outcome]:
    work.connection.execute(f"CREATE VIEW {table} AS {definition}")
    if not expectations:
        return []
    # not in the project's folder: DuckDB cuts the name of a database at a question mark in it
    with tempfile.TemporaryDirectory(prefix="vouch-") as folder:
        checked = gx.run_suite(Path(folder), table, definition, KEY, work.suite, expectations)
    outcomes = [
        outcome(work.connection, table, work.suite, expectation, result, work.params.examples)
        for expectation, result in zip(expectations, checked, strict=True)
    ]
    if failures := [each for each in outcomes if each.policy == "fail" and not each.success]:
        raise VouchError(
            f"{work.bronze}: " + "; ".join(map(_tell, failures)),
            f"mend the data, or change the expectation's policy in {work.suite}",
        )
    return outcomes


def _tell(failure: Outcome) -> str:
    if failure.failing is None:
        return f"{failure.title} does not hold (observed: {failure.observed})"
    examples = "; ".join(failure.examples)
    counts = f"{failure.failed:,} rows ({failure.share:.2%})"
    return f"{failure.title} fails for {counts}, such as {examples}"


def _count(work: Work, rows: Path) -> dict[str, int]:
    """Count the rows of each kind."""
    connection = work.connection
    written = parquet(rows)
    tables = {
        "in": "bronze",
        "silver": f"{written} WHERE superseded_at IS NULL",
        "superseded": f"{written} WHERE superseded_at IS NOT NULL",
        "duplicates": "repeats",
        "quarantine": "quarantined",
    }
    return {name: _number(connection, f"SELECT count(*) FROM {t}") for name, t in tables.items()}


def _quarantine(
    connection: "DuckDBPyConnection", outcomes: list[Outcome], quarantine: Path
) -> None:
    failing = [
        f"SELECT {KEY}, {literal(each.title)} AS title FROM ({each.failing})"
        for each in outcomes
        if each.policy == "quarantine" and each.failed
    ]
    none = f"SELECT CAST(0 AS BIGINT) AS {KEY}, '' AS title WHERE false"
    connection.execute(
        f"""CREATE TABLE quarantined AS
            SELECT {KEY}, string_agg(title, '; ' ORDER BY title) AS expectation
            FROM ({" UNION ALL ".join([none, *failing])}) GROUP BY {KEY}"""
    )
    connection.execute(
        f"""COPY (SELECT arrived.* EXCLUDE ({KEY}), expectation
                  FROM arrived JOIN quarantined USING ({KEY}) ORDER BY {KEY})
            TO {literal(quarantine)} {PARQUET}"""
    )


def _event(declaration: Declaration) -> str:
    """Return SQL for when a row that corrects none was known."""
    return "coalesce(time, arrived_at)" if declaration.has("time") else "arrived_at"


def _write_silver(connection: "DuckDBPyConnection", declaration: Declaration, rows: Path) -> None:
    """Write every version that is left, in bronze's order (time, id, arrival)."""
    event = _event(declaration)
    anti_joins = _without(connection, "repeats", "quarantined")
    if anti_joins or _number(connection, "SELECT count(*) FROM versions"):
        query = f"""
            SELECT bronze.* EXCLUDE ({KEY}),
              CASE WHEN corrects THEN arrived_at ELSE {event} END AS known_at, superseded_at
            FROM bronze {anti_joins} LEFT JOIN versions USING ({KEY}) ORDER BY {KEY}"""
    else:  # the order is the file's: no sort
        query = f"""
            SELECT * EXCLUDE ({KEY}), {event} AS known_at, CAST(NULL AS TIMESTAMP) AS superseded_at
            FROM bronze"""
    copy(connection, query, rows)


def _summary(
    work: Work, counts: dict[str, int], outcomes: list[Outcome], skipped: list[str]
) -> Validated:
    present = {row[0] for row in work.connection.execute("DESCRIBE current").fetchall()}
    categories = {
        name: _by_category(work.connection, name, money="amount" in present)
        for name in work.declaration.of_role("category")
        if name in present
    }
    noticed = [each for each in outcomes if each.policy != "fail" and each.failed]
    broken = [each for each in outcomes if not each.success and not each.failed]
    return Validated(
        counts=counts,
        expectations=[each.as_json() for each in outcomes],
        by_category=categories,
        warnings=[
            *(f"{e.title}: {e.failed:,} rows ({e.share:.2%}), {e.policy}" for e in noticed),
            *(f"{e.title}: does not hold (observed: {e.observed})" for e in broken),
            *(f"{title}: not checked, the optional column did not come" for title in skipped),
        ],
    )


def _by_category(
    connection: "DuckDBPyConnection", name: str, *, money: bool
) -> dict[str, dict[str, float]]:
    """Count rows and sum amounts; decimals, so the sum does not depend on the order of rows."""
    total = "coalesce(sum(TRY_CAST(amount AS DECIMAL(38, 4))), 0)" if money else "0"
    rows = connection.execute(
        f"""SELECT coalesce({quoted(name)}, ''), count(*), CAST({total} AS DOUBLE)
            FROM current GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {CATEGORIES_SHOWN}"""
    ).fetchall()
    if not money:
        return {value: {"rows": count} for value, count, _ in rows}
    return {value: {"rows": count, "amount": amount} for value, count, amount in rows}


def _number(connection: "DuckDBPyConnection", query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
