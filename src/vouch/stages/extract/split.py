"""Cutting the holdout off: the latest rows, or whole parties where there is no time.

Of the rows that come after it, those of some parties are kept for the next one; the others train.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.holdout.ledger import HoldoutKey
from vouch.labels.issues import uniform

if TYPE_CHECKING:
    from ibis import Table

FEWEST_MOMENTS = 2


def latest(
    rows: "Table", share: float, path: Path, after: datetime | None
) -> tuple[datetime, datetime]:
    """Propose a holdout of the latest rows.

    Args:
        rows: Labelled rows with ``time``.
        share: Share of the rows wanted in the holdout, above 0 and below 1.
        path: The file the rows are from, for messages.
        after: End of the holdout before this one, whose rows were asked already; None for none.

    Returns:
        The holdout's first and last moment (both inclusive, UTC). Rows of one moment stay
        together, so the share is met as nearly from below as they allow, and neither part is
        without rows.

    Raises:
        VouchError: There are fewer than two distinct times, or no rows after ``after``.
    """
    counts = rows.group_by("time").aggregate(size=rows.count()).order_by("time").to_pandas()
    if len(counts) < FEWEST_MOMENTS:
        got = f"the {counts['size'].sum():.0f} labelled rows have {len(counts)} distinct times"
        raise VouchError(
            f"{path}: no holdout can be cut off: {got}", "give a longer span of labelled rows"
        )
    times, sizes = counts["time"], counts["size"].to_numpy()
    before = np.cumsum(sizes) - sizes
    first = int(np.searchsorted(before, sizes.sum() * (1 - share) - 1e-6))
    fresh = 0 if after is None else int(times.searchsorted(pd.Timestamp(after), side="right"))
    if fresh == len(times):
        raise VouchError(
            f"{path}: no labelled rows after {after}, where the last holdout ended",
            "bring newer rows (vouch run USECASE --add FILE) before rotating",
        )
    first = min(max(first, fresh, 1), len(times) - 1)
    return times[first].to_pydatetime(), times[len(times) - 1].to_pydatetime()


def newest(
    rows: "Table", reserved: Any, path: Path, after: datetime | None
) -> tuple[datetime, datetime]:
    """Propose a holdout of the rows that were kept for it while the one before was in force.

    Args:
        rows: Labelled rows with ``time``.
        reserved: Whether a row's party was kept, a boolean expression.
        path: The file the rows are from, for messages.
        after: End of the holdout before this one.

    Returns:
        The first moment after it that a kept row has, and the last of all rows: those after that
        have trained nowhere yet.

    Raises:
        VouchError: None was kept.
    """
    later = rows.filter(reserved if after is None else reserved & (rows.time > after))
    first, last = later.time.min().to_pyarrow().as_py(), rows.time.max().to_pyarrow().as_py()
    if first is None:
        raise VouchError(
            f"{path}: no labelled rows after {after}, where the last holdout ended, were kept for "
            "the next",
            "bring newer rows (vouch run USECASE --add FILE) before rotating",
        )
    return first, last


def by_hash(rows: "Table", first: float, last: float, salt: str) -> Any:
    """Return whether the number of a row's party is from ``first`` on and below ``last``.

    Args:
        rows: Rows with ``id``, without time.
        first: From 0 on.
        last: Up to 1.
        salt: Each has its own draw.

    Returns:
        A boolean expression.
    """
    drawn = _drawn(rows, salt)
    return (drawn >= first) & (drawn < last)


def is_reserved(rows: "Table", share: float, key: HoldoutKey) -> Any:
    """Return whether a row's party is among those kept for later holdouts.

    Args:
        rows: Rows with ``id``.
        share: Share of the parties, above 0 and at most 1; a larger one keeps more beside them.
        key: Of its source and set each has its own draw.

    Returns:
        A boolean expression.
    """
    return _drawn(rows, f"{key.source} {key.set} later") < share


def _drawn(rows: "Table", salt: str) -> Any:
    """Draw a number for each row's author, payer or near-duplicate group, or the row itself."""
    parties = [rows[name] for name in ("author", "payer", "twin") if name in rows.columns]
    return uniform(ibis.coalesce(*parties, rows.id), salt)
