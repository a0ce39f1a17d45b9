"""The queries a suite may hold: they read the rows they are asked about, and nothing else.

DuckDB's own parser finds what a query reads, however it is written.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from vouch.core.errors import VouchError
from vouch.usecases.suite import Expectation

Node = dict[str, Any]
"""A part of a query as DuckDB's parser gives it."""
BATCH = "batch"
QUERY = "unexpected_rows_query"
GENERATORS = frozenset(["unnest", "range", "generate_series"])
"""Functions that make rows from their arguments alone."""
CLOCKS = frozenset(
    ["current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"]
)
"""Names that look like columns and read the clock."""
RESERVED = frozenset(["bronze", "repeats", "quarantined", "versions", "arrived", "current"])
"""Tables of the validate stage: a query cannot take their names for its own."""
UNSTEADY = frozenset(
    [
        *("current_localtime", "current_localtimestamp", "current_setting", "current_user"),
        *("getvariable", "reservoir_quantile"),
    ]
)
"""Functions of the clock, the session or chance that DuckDB calls consistent."""
HINT = "select from {batch} alone, with functions that only compute"


def check_queries(path: Path, expectations: Iterable[Expectation]) -> None:
    """Check what the queries of a suite read.

    Args:
        path: The suite's file, for the message.
        expectations: Each with ``type`` and ``kwargs``.

    Raises:
        VouchError: One is no single SELECT, or reads a file, another table, a clock or chance.
    """
    import duckdb

    with duckdb.connect() as connection:
        changing = _changing(connection)
        for each in expectations:
            for name, text in each["kwargs"].items():
                if not name.endswith("_query"):
                    continue
                if problem := _problem(connection, name, str(text), changing):
                    raise VouchError(f"{path}: {each['type']}: {name}: {problem}", HINT)


def filled_in(text: str, batch: str) -> str:
    """Fill in a query's ``{batch}`` as Great Expectations does; doubled braces become single ones.

    Args:
        text: The query.
        batch: The rows' table, or a query for them in parentheses.

    Raises:
        ValueError: A brace that is neither doubled nor one of ``{batch}``.
    """
    for _, field, form, conversion in Formatter().parse(text):
        if field is not None and (field, form, conversion) != ("batch", "", None):
            raise ValueError(f"a brace of no {{batch}}: {field!r}")
    return text.format(batch=batch)


def _problem(connection: Any, name: str, text: str, changing: set[str]) -> str:
    """Return what a query may not hold; empty if it may be run."""
    if problem := _braces(name, text):
        return problem
    parsed = _parsed(connection, filled_in(text, BATCH))
    if parsed.get("error"):
        return f"not a query: {parsed['error_message']}"
    if len(parsed["statements"]) != 1:
        return "no query, or more than one statement"
    nodes = list(_nodes(parsed["statements"]))
    return _varying(nodes, changing) or _foreign(nodes)


def _braces(name: str, text: str) -> str:
    """Return which braces a query may not have; queries of other names are formatted again."""
    try:
        filled_in(text, BATCH)
    except ValueError:
        return "may hold no brace but those of {batch}: write {{3}} for a regex's {3}"
    if "{" in text.replace("{batch}", "") and name != QUERY:
        return "may hold no brace but those of {batch}: write a regex's [0-9]{2} as [0-9][0-9]"
    return ""


def _varying(nodes: list[Node], changing: set[str]) -> str:
    """Return the part of a query whose result may differ when it runs again."""
    if called := changing & {node.get("function_name") for node in nodes}:
        return f"may not call {min(called)}(…): its value changes"
    if any(map(_changes, nodes)):
        return "may use no clock and draw no sample: its value changes"
    if any(map(_chooses, nodes)):
        return "may not take some of the rows (limit, offset, distinct on) without an order by"
    return ""


def _parsed(connection: Any, text: str) -> Node:
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    return dict(json.loads(row[0]))


def _nodes(part: Any) -> Iterator[Node]:
    """Walk a parsed query; without recursion, so its depth does not matter."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _changes(node: Node) -> bool:
    """Return whether a part of a query is a clock or a sample of the rows."""
    clock = node.get("class") == "COLUMN_REF" and node["column_names"][-1].lower() in CLOCKS
    age = node.get("function_name") == "age" and len(node.get("children", ())) < 2
    return clock or age or bool(node.get("sample"))


def _chooses(node: Node) -> bool:
    """Return whether a part of a query selects some of its rows without an order."""
    kinds = {each["type"] for each in node.get("modifiers") or ()}
    some = any(each.get("distinct_on_targets") for each in node.get("modifiers") or ())
    limited = some or kinds & {"LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"}
    return bool(limited) and "ORDER_MODIFIER" not in kinds


def _foreign(nodes: list[Node]) -> str:
    """Return what a query reads beside its batch and what it names itself by WITH."""
    maps = (node.get("cte_map") or {} for node in nodes)
    named = {entry["key"].lower() for each in maps for entry in each.get("map", ())}
    # a name with a dot or slash would be a file wherever it is not in scope
    own = {BATCH, *(name for name in named - RESERVED if re.fullmatch(r"\w+", name))}
    for node in nodes:
        match node.get("type"):
            case "BASE_TABLE":
                place = (node["catalog_name"], node["schema_name"], node["table_name"])
                if ".".join(filter(None, place)).lower() not in own:
                    return f"may not read {'.'.join(filter(None, place))!r}"
            case "TABLE_FUNCTION" if (name := node["function"]["function_name"]) not in GENERATORS:
                return f"may not read from {name}(…)"
            case "SHOW_REF":
                return "may only select"
    return ""


def _changing(connection: Any) -> set[str]:
    """Return the functions whose result for the same row may differ over time."""
    query = """SELECT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'
               OR regexp_matches(macro_definition, 'current_|now\\(|today\\(|random')"""
    return {*UNSTEADY, *(name for (name,) in connection.execute(query).fetchall())}
