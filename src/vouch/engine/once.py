"""Computing each window once: Spark would compute it again for each mention."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ibis.expr.operations as ops

if TYPE_CHECKING:
    from ibis import Table


def windows_once(table: "Table", expressions: Mapping[str, Any]) -> tuple["Table", dict[str, Any]]:
    """Return a table in which the windows of some expressions are columns.

    Args:
        table: What the expressions are over; none of its columns is called ``window_<number>``.
        expressions: Columns to be, by name; their windows may be mentioned often, and not be
            nested.

    Returns:
        The table with a column for each different window, and the expressions over it.
    """
    windows: dict[Any, str] = {}
    for expression in expressions.values():
        for node in expression.op().find(ops.WindowFunction, filter=ops.Value):
            windows.setdefault(node, f"window_{len(windows)}")
    if not windows:
        return table, dict(expressions)
    wide = table.mutate(**{name: node.to_expr() for node, name in windows.items()})
    moved = {node: wide[name].op() for node, name in windows.items()}
    moved |= {table[name].op(): wide[name].op() for name in table.columns}
    return wide, {
        name: expression.op().replace(moved, filter=ops.Value).to_expr()
        for name, expression in expressions.items()
    }
