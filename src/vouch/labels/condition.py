"""The starting rule: an SQL condition over role names, checked before it runs."""

from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from vouch.core.errors import VouchError, suggest
from vouch.sources.declaration import LATER, Rule

if TYPE_CHECKING:
    from ibis import Table

EXPRESSIONS = frozenset(
    [
        "Add",
        "And",
        "Between",
        "Boolean",
        "Case",
        "Cast",
        "Coalesce",
        "Column",
        "DataType",
        "DataTypeParam",
        "Div",
        "EQ",
        "Escape",
        "Extract",
        "GT",
        "GTE",
        "Greatest",
        "Identifier",
        "If",
        "ILike",
        "In",
        "IntDiv",
        "Interval",
        "Is",
        "Least",
        "Like",
        "Literal",
        "LT",
        "LTE",
        "Mod",
        "Mul",
        "NEQ",
        "Neg",
        "Not",
        "Null",
        "Nullif",
        "NullSafeEQ",
        "NullSafeNEQ",
        "Or",
        "Paren",
        "Sub",
        "TryCast",
        "Tuple",
        "Var",
        "Xor",
        "Abs",
        "Ceil",
        "Concat",
        "ConcatWs",
        "Contains",
        "Day",
        "DayOfMonth",
        "DayOfWeek",
        "DayOfYear",
        "Exp",
        "Floor",
        "Hour",
        "Left",
        "Length",
        "Ln",
        "Log",
        "Lower",
        "Minute",
        "Month",
        "Pow",
        "Quarter",
        "RegexpILike",
        "RegexpLike",
        "Replace",
        "Right",
        "Round",
        "Second",
        "Sign",
        "Sqrt",
        "StartsWith",
        "EndsWith",
        "Substring",
        "TimestampTrunc",
        "DateTrunc",
        "Trim",
        "Trunc",
        "Upper",
        "Week",
        "Year",
        "IsNan",
        "IsInf",
    ]
)
"""The kinds of expression a condition may be made of: none of them reads anything but its row."""
FUNCTIONS = frozenset(
    [
        "date_part",
        "datepart",
        "day",
        "dayofweek",
        "dayofyear",
        "hour",
        "minute",
        "month",
        "second",
        "week",
        "weekday",
        "year",
        "quarter",
        "isfinite",
        "isinf",
        "isnan",
        "epoch",
        "len",
        "length",
        "strlen",
        "prefix",
        "suffix",
        "starts_with",
        "ends_with",
        "contains",
        "log10",
        "log2",
        "trunc",
    ]
)
"""Functions that sqlglot knows by name alone."""


def apply(rows: "Table", rule: Rule, source: str) -> "Table":
    """Add the rule's class of each row.

    Args:
        rows: Silver rows.
        rule: The declared rule; a condition that is null counts as false.
        source: The source's name, for messages.

    Returns:
        The rows with a column ``flagged`` (int8): 1 where the condition holds and 0 elsewhere.

    Raises:
        VouchError: The condition cannot be read, does more than compute with a row's values,
            names an unknown column or does not type-check.
    """
    condition = _parse(rule, source)
    _check_expressions(condition, rule, source)
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


def is_of_one_row(where: str) -> bool:
    """Return whether an SQL condition only computes with a row's values, as a rule's may.

    Args:
        where: The condition.
    """
    rule = Rule(name="condition", where=where)
    try:
        _check_expressions(_parse(rule, "any"), rule, "any")
    except VouchError:
        return False
    return True


def _parse(rule: Rule, source: str) -> Any:
    try:
        return sqlglot.parse_one(rule.where, dialect="duckdb", into=exp.Condition)
    except sqlglot.errors.ParseError as error:
        reason = error.errors[0]["description"] if error.errors else str(error)
        raise _wrong(rule, source, f"not an SQL condition: {reason}", "mend it") from None
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise _wrong(rule, source, f"not an SQL condition: {reason}", "mend it") from None


def _check_expressions(condition: Any, rule: Rule, source: str) -> None:
    """Check that a condition only computes with a row's values, and reads no file or table."""
    for part in condition.walk():
        kind = type(part).__name__
        if isinstance(part, exp.Anonymous) and part.name.lower() in FUNCTIONS:
            continue
        if kind not in EXPRESSIONS:
            name = f"{part.name}(…)" if isinstance(part, exp.Anonymous) else kind.lower()
            raise _wrong(
                rule,
                source,
                f"may not hold {name}: {part.sql(dialect='duckdb')[:80]}",
                "compare columns and values, with arithmetic, CASE, LIKE, IN lists and functions "
                "of single values only",
            )
        if isinstance(part, exp.Column) and part.table:
            raise _wrong(rule, source, f"no table {part.table!r}", "name the column alone")


def _check_columns(condition: Any, columns: tuple[str, ...], rule: Rule, source: str) -> None:
    columns = tuple(name for name in columns if name not in LATER)
    lowered = {name.lower() for name in columns}
    for column in condition.find_all(exp.Column):
        if column.name.lower() in LATER:
            raise _wrong(
                rule,
                source,
                f"{column.name!r} is not known when the row is: a rule speaks at once",
                suggest("", columns),
            )
        if column.name.lower() not in lowered:
            raise _wrong(rule, source, f"no column {column.name!r}", suggest(column.name, columns))


def _wrong(rule: Rule, source: str, reason: str, hint: str) -> VouchError:
    return VouchError(f"data/sources/{source}.yaml: rule {rule.name!r}: where: {reason}", hint)
