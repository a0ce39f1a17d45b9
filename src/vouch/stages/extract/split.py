"""Cutting the holdout off: the latest rows, or whole parties where there is no time."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
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


def by_hash(rows: "Table", share: float, salt: str, generation: int) -> Any:
    """Return whether a row's author, payer or near-duplicate group (or the row) is in the holdout.

    Each generation takes other parties, until all were taken once.

    Returns:
        A boolean expression.
    """
    parties = [rows[name] for name in ("author", "payer", "twin") if name in rows.columns]
    group = ibis.coalesce(*parties, rows.id)
    slot = (generation - 1) % int(1 / share)
    drawn = uniform(group, salt)
    return (drawn >= slot * share) & (drawn < (slot + 1) * share)
