"""Kinds of payments a model may be better or worse at."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from vouch.sources.declaration import Declaration

if TYPE_CHECKING:
    from vouch.usecases.contract import Slice

MOST = 8  # values of a category with a line of their own, the commonest ones


def by_category(rows: pd.DataFrame, source: Declaration) -> "Iterator[Slice]":
    """Cut rows by the values of their categories, the commonest ones first.

    Args:
        rows: Rows of silver.
        source: Says which columns are categories.

    Yields:
        The category, its value, and which rows have it, shape (rows,).
    """
    for column in source.of_role("category"):
        if column in rows:
            values = rows[column].astype("string").fillna("none")
            for value in values.value_counts().index[:MOST]:
                yield column, str(value), (values == value).to_numpy(bool)
