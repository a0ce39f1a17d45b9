"""The expectations for texts: none empty, none too long, few duplicates."""

from typing import Any

from vouch.sources.declaration import COUNTS, Declaration
from vouch.usecases.sentiment.likeness import is_empty, is_other_script, near_key
from vouch.usecases.suite import between, expect, unexpected

LONGEST_TEXT = 10_000
"""Characters; platforms cut off before, so what is longer is a mistake of quoting."""


def texts(declaration: Declaration) -> list[dict[str, Any]]:
    """Derive what is expected of texts and of counts beside them.

    Args:
        declaration: The source.

    Returns:
        Expectations, as :func:`vouch.usecases.suite.derive_suite` has them.
    """
    return [
        expect("quarantine", "expect_column_values_to_not_be_null", column="text"),
        expect(
            "quarantine",
            "expect_column_value_lengths_to_be_between",
            column="text",
            min_value=1,
            max_value=LONGEST_TEXT,
        ),
        unexpected("quarantine", is_empty("text"), "text left without handles, links and HTML"),
        unexpected("warn", _again("text"), "text of no earlier id"),
        unexpected("warn", _again(near_key("text")), "text not nearly one of an earlier id"),
        unexpected("warn", is_other_script("text"), "text mostly of Latin letters"),
        *(between("quarantine", role, min_value=0) for role in COUNTS if declaration.has(role)),
    ]


def _again(key: str) -> str:
    """Return SQL for rows whose key an earlier row of another id has; a correction is no copy."""
    first = f"first_value(id) over (partition by {key} order by file_row_number)"
    return f"{key} is not null and id <> {first}"
