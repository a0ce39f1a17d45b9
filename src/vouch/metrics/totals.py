"""What the report counts itself: rows and money by category, and who flags how much of them."""

from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

import duckdb

from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet

FLAGS = {"rule": "p.rule = 1", "model": "p.score_1 >= $threshold", "truth": "p.truth = 1"}


class Totals(TypedDict):
    """Rows, money and time span of a source; null where the source has no such column."""

    rows: int
    amount: float | None
    first: datetime | None
    last: datetime | None


class Shares(TypedDict):
    """How many rows are decided, and the flagged shares of their number and money."""

    known: int
    rows: float | None
    money: float | None


class Flagged(TypedDict):
    """Rows, money, and the shares that rule, model and truth flag."""

    rows: int
    amount: float | None
    rule: Shares
    model: Shares
    truth: Shares


class Line(Flagged):
    """The rows of one value of a category."""

    value: str | None


class Category(TypedDict):
    """A category's column and its values."""

    column: str
    lines: list[Line]


def totals(rows: Path) -> Totals:
    """Count the rows in force, their total amount, and their first and last time.

    Args:
        rows: Silver rows.

    Returns:
        ``rows``, ``amount``, ``first``, ``last``; the last three None where the source lacks them.
    """
    with duckdb.connect() as connection:
        columns = _columns(connection, rows)
        amount = "sum(amount)" if "amount" in columns else "NULL"
        ends = "min(time), max(time)" if "time" in columns else "NULL, NULL"
        current = f"{parquet(rows)} WHERE {_current(columns)}"
        row = connection.execute(f"SELECT count(*), {amount}, {ends} FROM {current}").fetchone()
    count, total, first, last = row or (0, None, None, None)
    return {"rows": count, "amount": total, "first": first, "last": last}


def by_category(
    rows: Path, predictions: Path, declaration: Declaration, threshold: float | None, most: int
) -> list[Category]:
    """Count rows and money by each category's values, and what share of them is flagged.

    Args:
        rows: Silver rows; counts and sums are over those in force.
        predictions: Out-of-fold predictions; shares are over these, none of the holdout's.
        declaration: Which columns are categories.
        threshold: The model flags scores from here on; None: its shares are None.
        most: Values with a line of their own; the rest come together as ``all others``.

    Returns:
        A table for each category: ``column`` and ``lines``, each with ``value``, ``rows``,
        ``amount`` and for ``rule``, ``model``, ``truth`` the shares ``rows`` and ``money``.
    """
    with duckdb.connect() as connection:
        columns = _columns(connection, rows)
        current = f"{parquet(rows)} WHERE {_current(columns)}"
        amount = "r.amount" if "amount" in columns else "NULL::DOUBLE"
        values = {"threshold": threshold, "most": most}
        return [
            {
                "column": column,
                "lines": _lines(connection, column, amount, current, parquet(predictions), values),
            }
            for column in declaration.of_role("category")
            if column in columns
        ]


def flagged(predictions: Path, threshold: float | None) -> Flagged:
    """Return which share of out-of-fold rows and money rule, model and truth flag.

    Args:
        predictions: Out-of-fold predictions.
        threshold: The model flags scores from here on; None: its shares are None.

    Returns:
        ``rows``, ``amount`` and for ``rule``, ``model``, ``truth`` the shares ``rows``, ``money``
        of the rows whose answer is known, and ``known``, how many these are.
    """
    with duckdb.connect() as connection:
        amount = "p.amount" if "amount" in _columns(connection, predictions) else "NULL::DOUBLE"
        query = f"SELECT count(*), sum({amount}), {_shares(amount)} FROM {parquet(predictions)} p"
        values = {"threshold": threshold}
        count, total, *shares = connection.execute(query, values).fetchone() or ()
    rule, model, truth = _shares_of(shares)
    return {"rows": count, "amount": total, "rule": rule, "model": model, "truth": truth}


def _lines(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    amount: str,
    rows: str,
    predictions: str,
    values: dict[str, Any],
) -> list[Line]:
    query = f"""
        WITH current AS (FROM {rows}),
        ranked AS (
            SELECT value, row_number() OVER (ORDER BY rows DESC, value) AS place
            FROM (SELECT "{column}"::VARCHAR AS value, count(*) AS rows FROM current GROUP BY 1)
        )
        SELECT any_value(k.place) > $most,
               CASE WHEN any_value(k.place) <= $most THEN any_value(k.value) END,
               count(*), sum({amount}), {_shares(amount)}
        FROM current r JOIN ranked k ON r."{column}"::VARCHAR IS NOT DISTINCT FROM k.value
        LEFT JOIN {predictions} p ON r.id = p.id
        GROUP BY least(k.place, $most + 1) ORDER BY least(k.place, $most + 1)
    """
    result = connection.execute(query, values).fetchall()
    return [
        _line("all others" if rest else value, count, total, shares)
        for rest, value, count, total, *shares in result
    ]


def _line(value: str | None, count: int, total: float | None, shares: list[Any]) -> Line:
    rule, model, truth = _shares_of(shares)
    return {
        "value": value,
        "rows": count,
        "amount": total,
        "rule": rule,
        "model": model,
        "truth": truth,
    }


def _shares(amount: str) -> str:
    """Return SQL for how many rows rule, model and truth each decide, and the shares they flag."""
    parts = []
    for is_flagged in FLAGS.values():
        weight = f"CASE WHEN {is_flagged} THEN {amount} WHEN NOT ({is_flagged}) THEN 0 END"
        whole = f"sum({amount}) FILTER (({is_flagged}) IS NOT NULL)"
        parts += [
            f"count({is_flagged})",
            f"avg(({is_flagged})::INT)",
            f"sum({weight}) / nullif({whole}, 0)",
        ]
    return ", ".join(parts)


def _shares_of(values: list[Any]) -> list[Shares]:
    """Return the shares of each of ``FLAGS`` from the columns of :func:`_shares`."""
    return [
        {"known": values[at], "rows": values[at + 1], "money": values[at + 2]}
        for at in range(0, 3 * len(FLAGS), 3)
    ]


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> set[str]:
    result = connection.execute(f"SELECT * FROM {parquet(path)} LIMIT 0")
    return {column[0] for column in result.description or ()}


def _current(columns: set[str]) -> str:
    return "superseded_at IS NULL" if "superseded_at" in columns else "true"
