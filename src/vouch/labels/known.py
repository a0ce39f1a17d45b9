"""What was known at a time: rows, labels, and the latest time anything became known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from vouch.core.errors import VouchError
from vouch.engine import microseconds, span
from vouch.labels.resolve import ARRIVING, TRUTH, rank, unrank

if TYPE_CHECKING:
    from ibis import Table

SECOND = 1_000_000  # microseconds


def resolve_as_of(as_of: str, rows: "Table", labels: "Table", path: Path) -> datetime:
    """Return the moment of ``latest`` or of a date.

    It is written in plain, so sealed truth has no part in it: a later one than all that is not
    sealed would tell when a held-out row's label came.

    Args:
        as_of: ``latest``, the newest event, arrival or label there is, never the wall clock; or
            an ISO 8601 date or time (UTC unless it says otherwise).
        rows: Silver rows.
        labels: Issued labels.
        path: The file of rows, for messages.

    Returns:
        The moment in UTC, without a zone.

    Raises:
        VouchError: It is no date, or there are no rows at all.
    """
    return moment_of(as_of) or _newest(rows, labels, path)


def moment_of(as_of: str) -> datetime | None:
    """Return the moment of a date, in UTC without a zone; None for ``latest``.

    Raises:
        VouchError: It is no date.
    """
    if as_of == "latest":
        return None
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise VouchError(
            f"as_of: {as_of!r} is no date", "write 'latest' or a date such as 2018-07-11"
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _newest(rows: "Table", labels: "Table", path: Path) -> datetime:
    moments = [rows[name].max() for name in ("time", "known_at") if name in rows.columns]
    row = rows.aggregate(**{f"m{n}": m for n, m in enumerate(moments)}).to_pyarrow().to_pylist()[0]
    label = labels.issued_at.max().to_pyarrow().as_py()
    latest = [moment for moment in (*row.values(), label) if moment is not None]
    if not latest:
        raise VouchError(f"{path}: no rows", "see the quarantine of validate for why")
    return max(latest)


def rows_when_scored(rows: "Table", as_of: datetime | None, lag: timedelta) -> "Table":
    """Keep the version of each row that was in force when it would have been scored.

    A model is applied to what was known of a row at that time, so it has to learn from the same: a
    correction that came later would teach it values that no scoring ever sees. One that came in the
    same file as the row was known with it.

    Args:
        rows: Silver rows, every version.
        as_of: Versions known later are left out (UTC); None: none are.
        lag: How long after it was first known a row is scored.

    Returns:
        One version an ``id``, in the same columns.
    """
    by_then = rows
    if as_of is not None:
        by_then = rows.filter(rows.known_at.isnull() | (rows.known_at <= as_of))
    # few rows are ever corrected: only these are sorted out
    corrected = by_then.filter(by_then.superseded_at.notnull()).select("id").distinct()
    alone, several = by_then.anti_join(corrected, "id"), by_then.semi_join(corrected, "id")
    # names with a blank: no source's column has one
    times = several.mutate(
        **{
            # a row without any time was known from the start
            "known from": microseconds(several.known_at).fill_null(0),
            "known until": _superseded(several, as_of),
            "came at": _arrived(several),
        }
    )
    own = ibis.window(group_by="id")
    times = times.mutate(
        **{
            "first known": times["known from"].min().over(own),
            "first came": times["came at"].min().over(own),
        }
    )
    first, came = times["first known"], times["first came"]
    with_it = ibis.ifelse(times["came at"] == came, first, times["known from"])
    until = ibis.ifelse(times["known until"] <= came, first, times["known until"])
    scored_at = first + span(lag)
    stands = (with_it <= scored_at) & (until.isnull() | (until > scored_at))
    return alone.union(times.filter(stands).select(*by_then.columns))


def _superseded(rows: "Table", as_of: datetime | None) -> Any:
    """Return until when a version was in force, in microseconds; null: nothing replaced it yet."""
    until = microseconds(rows.superseded_at)
    if as_of is None:
        return until
    return ibis.ifelse(rows.superseded_at <= as_of, until, ibis.null("int64"))


def _arrived(rows: "Table") -> Any:
    """Return when a version's file came, in microseconds; null where that is not known."""
    if "arrived_at" not in rows.columns:
        return ibis.null("int64")
    return microseconds(rows.arrived_at)


def labels_as_of(issues: "Table") -> "Table":
    """Return each entity's valid label, its truth and its rule's label.

    Args:
        issues: Issues known by the time in question.

    Returns:
        entity, label, label_source, label_known_at (of issues in force; entities without one
        are left out), rule (in force or not), truth, truth_known_at (in force; null where not
        known), truth_came_at (when the first truth that comes by itself did; null likewise).
    """
    keyed = issues.mutate(key=rank(issues))
    best = keyed.group_by("entity").aggregate(
        current=keyed.key.max(where=keyed.in_force),
        truth=keyed.key.max(where=keyed.in_force & keyed.source.isin(TRUTH)),
        rule=keyed.key.max(where=keyed.source == "rule"),
        came=keyed.issued_at.min(where=keyed.in_force & keyed.source.isin(ARRIVING)),
    )
    current, truth, rule = (unrank(best[name]) for name in ("current", "truth", "rule"))
    return best.filter(best.current.notnull()).select(
        "entity",
        label=current["label"],
        label_source=current["source"],
        label_known_at=current["issued_at"],
        rule=rule["label"],
        truth=truth["label"],
        truth_known_at=truth["issued_at"],
        truth_came_at=best.came,
    )


def mean_delay(labels: "Table", rows: "Table") -> float:
    """Compute the mean time in seconds from an event to its truth; 0 without truth or times.

    Only truth in force counts, and no reviewer's decision: these come when asked for, maybe years
    later.
    """
    if "time" not in rows.columns:
        return 0.0
    arriving = labels.filter(labels.in_force & labels.source.isin(ARRIVING))
    truth = arriving.join(rows, arriving.entity == rows.id)
    # whole seconds, summed as integers: the same on every engine and in every order
    seconds = (microseconds(truth.issued_at) - microseconds(truth.time)) // SECOND
    sums = truth.aggregate(total=seconds.cast("int64").sum(), count=truth.count()).to_pyarrow()
    total, count = (sums[name][0].as_py() or 0 for name in ("total", "count"))
    return float(total) / max(count, 1)
