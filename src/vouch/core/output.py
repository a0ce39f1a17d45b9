"""Output of the commands, without control sequences for the terminal.

Names of files, columns and people come from data. All of it goes through here: the linter forbids
``print`` elsewhere.
"""

import sys
from collections.abc import Iterable

from vouch.core.errors import one_line, plain


def write(text: object, *, error: bool = False) -> None:
    """Write a line on standard output, or on standard error."""
    print(plain(text), file=sys.stderr if error else sys.stdout)


def write_table(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Write a table on standard output.

    Args:
        columns: The names of its columns.
        rows: Its cells, a row each.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(one_line, columns), box=box.SIMPLE)
    for row in rows:
        table.add_row(*map(one_line, row))
    Console(markup=False, highlight=False, emoji=False).print(table)
