"""The queries a suite may hold: they read the rows they are asked about, and nothing else.

DuckDB's own parser says what a query reads, so that no trick of writing hides it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vouch.errors import VouchError

BATCH = "batch"
GENERATORS = frozenset(["unnest", "range", "generate_series"])
"""Functions that make rows of their arguments alone."""
CLOCKS = frozenset(
    ["current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"]
)
"""What looks like a column and is a clock."""
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


def check_queries(path: Path, expectations: Iterable[dict[str, Any]]) -> None:
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
                if problem := _problem(connection, str(text), changing):
                    raise VouchError(f"{path}: {each['type']}: {name}: {problem}", HINT)


def _problem(connection: Any, text: str, changing: set[str]) -> str:
    """Return what a query may not hold; empty if it may be run."""
    text = text.replace("{batch}", BATCH)
    if "{" in text or "}" in text:  # Great Expectations formats the text: it would change
        return "may hold no brace but those of {batch}"
    parsed = _parsed(connection, text)
    if parsed.get("error"):
        return f"not a query: {parsed['error_message']}"
    if len(parsed["statements"]) != 1:
        return "no query, or more than one statement"
    nodes = list(_nodes(parsed["statements"]))
    if called := changing & {node.get("function_name") for node in nodes}:
        return f"may not call {min(called)}(…): its value changes"
    if any(map(_changes, nodes)):
        return "may use no clock and draw no sample: its value changes"
    return _foreign(nodes)


def _parsed(connection: Any, text: str) -> dict[str, Any]:
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    return dict(json.loads(row[0]))


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Walk a parsed query; without recursion, so its depth does not matter."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _changes(node: dict[str, Any]) -> bool:
    """Return whether a part of a query is a clock or a sample of the rows."""
    clock = node.get("class") == "COLUMN_REF" and node["column_names"][-1].lower() in CLOCKS
    age = node.get("function_name") == "age" and len(node.get("children", ())) < 2
    return clock or age or bool(node.get("sample"))


def _foreign(nodes: list[dict[str, Any]]) -> str:
    """Return what a query reads beside its batch and what it names itself by WITH."""
    maps = (node.get("cte_map") or {} for node in nodes)
    named = {one["key"].lower() for each in maps for one in each.get("map", ())}
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
    """Return the functions that may not give the same of the same row at any time."""
    query = """SELECT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'
               OR regexp_matches(macro_definition, 'current_|now\\(|today\\(|random')"""
    return {*UNSTEADY, *(name for (name,) in connection.execute(query).fetchall())}
