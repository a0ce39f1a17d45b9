"""Which rows are held out: the latest, whole parties where there is no time, or those of a file.

Of the rows that come after it, those of some parties are kept for the next one; the others train.
Ingest asks first, to seal the labels of all these, and extract asks again, to part the rows. A
row's place follows from its own columns and from the ledger. Rows of the source's other holdouts
keep their labels sealed, too (:class:`Other`): to name another set opens none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.holdout.ledger import Cut, HoldoutKey, Ledger, Parties
from vouch.labels.issues import uniform

if TYPE_CHECKING:
    from ibis import Table

FEWEST_MOMENTS = 2


class UncutError(VouchError):
    """There are no rows that a holdout could be cut off."""


@dataclass(frozen=True)
class Terms:
    """What decides which rows are held out.

    Attributes:
        key: Which holdout.
        share: Share of the rows in it, the latest ones, or of the parties, 0.01 to 0.5.
        reserve: Share of the parties kept for later holdouts, 0.01 to 1.
        files: Files whose rows are the holdout; none: it is cut off the others.
        path: Where the rows are from, for messages.
        planned: The cut that was foreseen; None: it is proposed.
    """

    key: HoldoutKey
    share: float
    reserve: float
    files: tuple[str, ...]
    path: Path
    planned: Cut | None = None


@dataclass(frozen=True)
class Split:
    """Which rows go where.

    Attributes:
        cut: The holdout's ends.
        holdout: Whether a row is in it, a boolean expression.
        newer: Whether a row is later than all of it.
        reserved: Whether it is kept for the next one; the others train.
        reserve: The share of the parties kept; None where rows are not split by time.
    """

    cut: Cut
    holdout: Any
    newer: Any = field(default_factory=lambda: ibis.literal(False))
    reserved: Any = field(default_factory=lambda: ibis.literal(False))
    reserve: float | None = None


@dataclass(frozen=True)
class Other:
    """Another holdout of the same source, in force by the ledger: its labels stay sealed.

    Attributes:
        key: Which.
        cut: Its ends; both None where it was not cut by time.
        parties: The parties in it, of rows without time.
        before: The share of the parties that was kept for it; None: all rows between its ends.
    """

    key: HoldoutKey
    cut: Cut
    parties: Parties | None
    before: float | None

    @property
    def given(self) -> bool:
        """Whether it was given as a file: its rows are known by their hashes alone."""
        return self.parties is None and self.cut.boundary is None

    def holds(self, table: "Table") -> Any:
        """Return whether rows are in it by time or by party, a boolean expression."""
        if self.parties:
            first, last = self.parties.first, self.parties.last
            return by_hash(table, first, last, _salt(self.key))
        if self.given or "time" not in table.columns:
            return ibis.literal(False)
        return _between(table, self.cut, self.before, self.key)


def others(key: HoldoutKey, ledger: Ledger) -> list[Other]:
    """Return the other holdouts of a source that the ledger knows and that are in force.

    Args:
        key: The holdout of the present set and generation.
        ledger: Knows what was cut.
    """
    return [
        Other(other, *ledger.recorded_cut(other), ledger.reserve_of_previous(other))
        for other in ledger.others(key)
    ]


def split(
    table: "Table",
    every: "Table",
    terms: Terms,
    ledger: Ledger,
    *,
    record: bool,
    first: "Callable[[Table], Table]" = lambda table: table,
) -> Split:
    """Return which rows are the holdout, and which are kept for later ones.

    Args:
        table: Rows with ``id``, ``time`` where they have one, and their parties.
        every: All rows, every version, with ``id`` and ``file``.
        terms: What decides it.
        ledger: Knows what was decided before.
        record: Whether a cut is written to the ledger, or only foreseen.
        first: Returns the rows that a cut is proposed by.

    Raises:
        UncutError: See :func:`latest` and :func:`newest`.
        VouchError: No parties are kept any more, or the generation was never opened.
    """
    ledger.check_opened(terms.key)
    if terms.files:
        if record:
            ledger.cut(terms.key, lambda: None)
        # in any version: a row that another file corrects still belongs to the holdout
        held_out = every.filter(every.file.isin(list(terms.files))).id
        return Split(Cut(None, None), table.id.isin(held_out))
    if "time" not in table.columns:
        take = ledger.take if record else ledger.foresee_take
        taken = take(terms.key, terms.share, terms.reserve)
        salt = _salt(terms.key)
        held = by_hash(table, taken.first, taken.last, salt)
        kept = by_hash(table, taken.last, taken.kept, salt)
        return Split(Cut(None, None), held, reserved=kept)
    return _by_time(table, terms, ledger, record, first)


def _by_time(
    table: "Table",
    terms: Terms,
    ledger: Ledger,
    record: bool,
    first: "Callable[[Table], Table]",
) -> Split:
    """Return the cut at a time: all rows of the first holdout, of later ones those kept for it."""
    key, after = terms.key, _asked_until(terms.key, ledger)
    before = ledger.reserve_of_previous(key)

    def propose() -> tuple[datetime, datetime]:
        if terms.planned and terms.planned.boundary and terms.planned.until:
            return terms.planned.boundary, terms.planned.until
        rows = first(table)
        if before is None:
            return latest(rows, terms.share, terms.path, after)
        return newest(rows, is_reserved(rows, before, key), terms.path, after)

    cut = ledger.cut(key, propose) if record else ledger.foresee(key, propose)
    share = (ledger.reserve if record else ledger.foresee_reserve)(key, terms.reserve)
    newer = table.time > cut.until
    in_holdout = _between(table, cut, before, key)
    return Split(cut, in_holdout, newer, newer & is_reserved(table, share, key), share)


def _between(table: "Table", cut: Cut, before: float | None, key: HoldoutKey) -> Any:
    """Return whether rows are between a holdout's ends, and of the parties kept for it."""
    between = table.time.between(cut.boundary, cut.until)
    return between if before is None else between & is_reserved(table, before, key)


def _salt(key: HoldoutKey) -> str:
    return f"{key.source} {key.set}"


def _asked_until(key: HoldoutKey, ledger: Ledger) -> datetime | None:
    """Find where the holdouts before this one ended."""
    mine = (key.usecase, key.source, key.set)
    ends = [
        datetime.fromisoformat(entry["until"])
        for entry in ledger.status()
        if (entry["usecase"], entry["source"], entry["set"]) == mine
        and entry["generation"] < key.generation
        and entry["until"]
    ]
    return max(ends, default=None)


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
        UncutError: There are fewer than two distinct times, or no rows after ``after``.
    """
    counts = rows.group_by("time").aggregate(size=rows.count()).order_by("time").to_pandas()
    if len(counts) < FEWEST_MOMENTS:
        got = f"the {counts['size'].sum():.0f} labelled rows have {len(counts)} distinct times"
        raise UncutError(
            f"{path}: no holdout can be cut off: {got}", "give a longer span of labelled rows"
        )
    times, sizes = counts["time"], counts["size"].to_numpy()
    before = np.cumsum(sizes) - sizes
    first = int(np.searchsorted(before, sizes.sum() * (1 - share) - 1e-6))
    fresh = 0 if after is None else int(times.searchsorted(pd.Timestamp(after), side="right"))
    if fresh == len(times):
        raise UncutError(
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
        UncutError: None was kept.
    """
    later = rows.filter(reserved if after is None else reserved & (rows.time > after))
    first, last = later.time.min().to_pyarrow().as_py(), rows.time.max().to_pyarrow().as_py()
    if first is None:
        raise UncutError(
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
