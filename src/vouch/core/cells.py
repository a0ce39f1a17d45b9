"""Text from data in a table that people open: no cell is computed by a spreadsheet.

What begins like a formula gets an apostrophe in front, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection); reading takes exactly that one away again.
"""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"['\s]*[=+\-@＝＋－＠]|['\s]*[\t\r\n]")
"""How a cell begins that a spreadsheet may compute, also behind blanks and apostrophes."""
NUMBER = re.compile(r"['\s]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ ]*")
"""A number that looks like the beginning of a formula."""


def computed(text: str) -> bool:
    """Return whether a spreadsheet may compute a text; an apostrophe more or less is no matter."""
    return bool(FORMULA.match(text)) and (
        not NUMBER.fullmatch(text) or any(blank in text for blank in "\t\r\n")
    )


def escape(value: Any) -> Any:
    """Return a cell that no spreadsheet computes; what is no text stays as it is."""
    return f"'{value}" if isinstance(value, str) and computed(value) else value


def restore(value: Any) -> Any:
    """Return what :func:`escape` was given."""
    escaped = isinstance(value, str) and value.startswith("'") and computed(value[1:])
    return value[1:] if escaped else value


def escape_table(table: "pd.DataFrame") -> "pd.DataFrame":
    """Escape every text of a table, and the names of its columns."""
    texts = table.select_dtypes(["object", "string"]).columns
    changed = table.assign(**{str(name): table[name].map(escape) for name in texts})
    return changed.rename(columns=escape)


def restore_table(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return what :func:`escape_table` was given."""
    plain = table.rename(columns=restore)
    texts = plain.select_dtypes(["object", "string"]).columns
    return plain.assign(**{str(name): plain[name].map(restore) for name in texts})
