"""The outcome of one expectation: how many rows fail it, and a few of them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.results.validate import Expected
from vouch.sources.readers import quoted
from vouch.stages.validate.gx_duckdb import Checked
from vouch.stages.validate.history import KEY
from vouch.usecases.suite import Expectation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DIGITS = 9
"""Significant digits of an observed value: the last ones depend on the order of summing."""


@dataclass(frozen=True)
class Outcome:
    """An expectation and what was found.

    Attributes:
        expectation: Its ``type``, ``kwargs`` and ``meta``.
        success: Whether it holds (``mostly`` taken into account).
        failed: How many rows fail it; 0 where it is not about rows.
        share: ``failed`` as a share of the rows looked at, 0 to 1.
        examples: The first failing rows, as text.
        observed: What was observed of the whole table, if that is what it is about.
        failing: A query for the failing rows' keys, if it is about rows.
    """

    expectation: Expectation
    success: bool
    failed: int
    share: float
    examples: tuple[str, ...] = ()
    observed: Any = None
    failing: str | None = field(default=None, repr=False)

    @property
    def policy(self) -> str:
        """What to do about failing rows: fail, quarantine or warn."""
        return str(self.expectation["meta"]["policy"])

    @property
    def title(self) -> str:
        """What is expected, in words: its notes, or its type with the columns it is about."""
        if notes := self.expectation["meta"].get("notes"):
            return str(notes)
        columns = ", ".join(_columns(self.expectation))
        words = re.sub("^expect_(column_|table_)?", "", self.expectation["type"]).replace("_", " ")
        return f"{columns}: {words}" if columns else words

    def as_json(self) -> Expected:
        """Return what the summary and the page show."""
        return {
            "type": self.expectation["type"],
            "kwargs": self.expectation["kwargs"],
            "policy": self.policy,
            "notes": str(self.expectation["meta"].get("notes") or ""),
            "title": self.title,
            "success": self.success,
            "failed": self.failed,
            "share": self.share,
            "examples": list(self.examples),
            "observed": self.observed,
        }


def outcome(
    connection: "DuckDBPyConnection",
    table: str,
    path: Path,
    expectation: Expectation,
    checked: Checked,
    examples: int,
) -> Outcome:
    """Count the rows that fail an expectation, and read examples.

    Args:
        connection: Where the table is.
        table: The table that was checked.
        path: The suite's file, for the message.
        expectation: Its ``type``, ``kwargs`` and ``meta``.
        checked: What Great Expectations found.
        examples: How many failing rows to show.

    Raises:
        VouchError: The failing rows cannot be found, or are not as many as Great Expectations
            counted.
    """
    observed = rounded(checked.observed)
    if checked.failing is None:
        return Outcome(expectation, checked.success, 0, 0.0, observed=observed)
    keys = f"SELECT DISTINCT {KEY} FROM ({checked.failing})"
    total, failed = _counts(connection, table, path, expectation, keys)
    if checked.unexpected is not None and failed != checked.unexpected:
        raise VouchError(
            f"{path}: {expectation['type']} {expectation['kwargs']}: Great Expectations counts "
            f"{checked.unexpected:,} failing rows, but its query finds {failed:,}",
            "say it as an unexpected_rows_expectation",
        )
    shown = _examples(connection, table, expectation, keys, examples) if failed else ()
    share = failed / total if total else 0.0
    return Outcome(expectation, checked.success, failed, share, shown, None, keys)


def columns_of(expectation: Expectation) -> set[str]:
    """Name the columns an expectation is about; a query's stand in its ``meta.columns``."""
    return {*_columns(expectation), *expectation["meta"].get("columns", [])}


def rounded(value: Any) -> Any:
    """Round floats, also within lists and mappings, to digits that are the same each time."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return value if isinstance(value, int | str | bool | None) else str(value)


def _counts(
    connection: "DuckDBPyConnection",
    table: str,
    path: Path,
    expectation: Expectation,
    keys: str,
) -> tuple[int, int]:
    import duckdb

    try:
        counted = connection.execute(
            f"SELECT (SELECT count(*) FROM {quoted(table)}), (SELECT count(*) FROM ({keys}))"
        ).fetchone()
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise  # a disk's or a machine's trouble
    except duckdb.Error as error:
        raise VouchError(
            f"{path}: {expectation['type']} {expectation['kwargs']}: cannot tell the rows: {error}",
            "let its query select every column: select * from {batch} where …",
        ) from None
    assert counted is not None
    return int(counted[0]), int(counted[1])


def _examples(
    connection: "DuckDBPyConnection", table: str, expectation: Expectation, keys: str, n: int
) -> tuple[str, ...]:
    columns = _columns(expectation)
    values = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in columns)
    rows = connection.execute(
        f"""SELECT id, [{values}] FROM {quoted(table)} SEMI JOIN ({keys}) USING ({KEY})
            ORDER BY {KEY} LIMIT {n}"""
    ).fetchall()
    return tuple(_tell(identity, columns, row) for identity, row in rows)


def _columns(expectation: Expectation) -> list[str]:
    """Name the columns an expectation is about."""
    kwargs = expectation["kwargs"]
    named = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    return [*named, *kwargs.get("column_list", [])]


def _tell(identity: str, columns: list[str], row: list[Any]) -> str:
    values = ", ".join(f"{name} = {value}" for name, value in zip(columns, row, strict=True))
    return f"{values} (id {identity})" if values else f"id {identity}"
