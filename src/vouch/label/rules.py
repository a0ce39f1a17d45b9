"""The starting rule: an SQL condition over role names, checked before it runs."""

from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from vouch.errors import VouchError, near
from vouch.sources.declaration import Rule

if TYPE_CHECKING:
    from ibis import Table


def apply(rows: "Table", rule: Rule, source: str) -> "Table":
    """Add what the rule says of each row.

    Args:
        rows: Silver rows.
        rule: The declared rule; a condition that is null counts as false.
        source: The source's name, for messages.

    Returns:
        The rows with a column ``flagged`` (int8): 1 where the condition holds and 0 elsewhere.

    Raises:
        VouchError: The condition cannot be read, names an unknown column or does not type-check.
    """
    condition = _parse(rule, source)
    _check_columns(condition, rows.columns, rule, source)
    query = (
        f"SELECT *, CAST(COALESCE(CAST(({condition.sql(dialect='duckdb')}) AS BOOLEAN), FALSE) "
        "AS TINYINT) AS flagged FROM ruled"
    )
    try:
        return rows.alias("ruled").sql(query, dialect="duckdb")
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise _wrong(rule, source, reason, "mend the condition") from None


def _parse(rule: Rule, source: str) -> Any:
    try:
        return sqlglot.parse_one(rule.where, dialect="duckdb", into=exp.Condition)
    except sqlglot.errors.ParseError as error:
        reason = error.errors[0]["description"] if error.errors else str(error)
        raise _wrong(rule, source, f"not an SQL condition: {reason}", "mend it") from None


def _check_columns(condition: Any, known: tuple[str, ...], rule: Rule, source: str) -> None:
    lowered = {name.lower() for name in known}
    for column in condition.find_all(exp.Column):
        if column.name.lower() not in lowered:
            raise _wrong(rule, source, f"no column {column.name!r}", near(column.name, known))


def _wrong(rule: Rule, source: str, reason: str, hint: str) -> VouchError:
    return VouchError(f"data/sources/{source}.yaml: rule {rule.name!r}: where: {reason}", hint)
