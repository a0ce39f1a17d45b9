"""What was known of each month as of each later one: labels come late, and some are corrected."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import ibis

from vouch.labels.resolve import rank, unrank
from vouch.results.label import Cell, History, Known, Unit

if TYPE_CHECKING:
    from ibis import Table
    from ibis.expr.types import Value

LAST = 24
"""Periods in the table, the latest ones."""
WEEKS, DAYS = timedelta(days=92), timedelta(days=21)
"""Spans up to which periods are weeks, and days, instead of months."""


Change = TypedDict(
    "Change",
    {"of": date, "at": date, "count": int, "source": str | None, "class": NotRequired[str]},
)
"""A count of rows that arrived (no source), or of labels that became valid, by period."""


class Turn(TypedDict):
    """How often labels of events of one day became valid, or ceased to be (below 0), on a day."""

    of: str
    at: str
    source: str
    label: int
    count: int


def history(
    rows: "Table", labels: "Table", turned: Iterable[Turn], classes: tuple[str, ...]
) -> History | None:
    """Return, by period of events, which labels were valid at the end of each later period.

    Args:
        rows: Silver rows; those in force are counted, by their event time.
        labels: Issues; only those in force count.
        turned: What :func:`turns` found of them.
        classes: Names of the classes.

    Returns:
        ``unit`` (``month``, ``week`` or ``day``, by how long events and labels span) and
        ``cells``, at most the last 24 periods of events by the last 24 of knowledge: ``of`` and
        ``as_of`` (first day of each period), ``rows`` known by then, and ``by_source``: whose
        label held by then, to how many, by class. None without times.
    """
    if "time" not in rows.columns:
        return None
    current = rows.filter(rows.superseded_at.isnull() & rows.time.notnull())
    ends = _ends(current, labels)
    if ends is None:
        return None
    unit, periods = _periods(*ends)
    counted = [
        *_arrivals(current, unit),
        *_by_period(turned, unit, classes),
    ]
    return {"unit": unit, "cells": list(_cells(counted, periods))}


def _ends(rows: "Table", labels: "Table") -> tuple[datetime, datetime] | None:
    """Find the first event and the last event, arrival or label."""
    first, last, arrived = rows.time.min(), rows.time.max(), rows.known_at.max()
    times = rows.aggregate(first=first, last=last, arrived=arrived).to_pyarrow().to_pylist()[0]
    issued = labels.filter(labels.in_force).issued_at.max().to_pyarrow().as_py()
    ends = [moment for moment in (times["last"], times["arrived"], issued) if moment is not None]
    return None if times["first"] is None else (times["first"], max(ends))


def _periods(first: datetime, last: datetime) -> tuple[Unit, list[date]]:
    """Choose the unit and list the last periods, each by its first day."""
    span = last - first
    unit: Unit = "month" if span > WEEKS else "week" if span > DAYS else "day"
    start, period, periods = _begin(first.date(), unit), _begin(last.date(), unit), list[date]()
    while period >= start and len(periods) < LAST:
        periods.append(period)
        period = _begin(period - timedelta(days=1), unit)
    return unit, periods[::-1]


def _begin(day: date, unit: Unit) -> date:
    if unit == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if unit == "week" else day


def _arrivals(rows: "Table", unit: Unit) -> list[Change]:
    """Count rows by period of event and of arrival."""
    known_at = ibis.greatest(rows.time, ibis.coalesce(rows.known_at, rows.time))
    spread = rows.select(of=_truncated(rows.time, unit), at=_truncated(known_at, unit))
    counted = spread.group_by("of", "at").aggregate(count=spread.count())
    return [row | {"source": None} for row in counted.to_pyarrow().to_pylist()]


def turns(rows: "Table", labels: "Table") -> Iterator[tuple[int, Turn]]:
    """Count how often a label became valid, and (below 0) ceased to be, by day.

    At any time the issue of the highest rank is valid, so a row's successive labels are the running
    maximum over its issues.

    Args:
        rows: Rows in force: ``id``, ``time``, ``part`` (a number to count them by).
        labels: All issues of theirs; only those in force count.

    Yields:
        A part and a count of it.
    """
    events = rows.filter(rows.time.notnull())
    events = events.select("part", entity=events.id, of=_truncated(events.time, "day"))
    issues = labels.filter(labels.in_force).join(events, "entity")
    keyed = issues.select("entity", "part", "of", "issued_at", key=rank(issues))
    so_far = ibis.window(group_by="entity", order_by=["issued_at", "key"], following=0)
    best = keyed.mutate(best=keyed.key.max().over(so_far))
    in_turn = ibis.window(group_by="entity", order_by=["issued_at", "key"])
    turned = best.mutate(before=best.best.lag().over(in_turn))
    turned = turned.filter(turned.before.isnull() | (turned.before < turned.best))
    at = _truncated(turned.issued_at, "day")
    ends = {**_of(turned.best, "now"), **_of(turned.before, "was")}
    spread = turned.select("part", "of", at=at, **ends)
    counted = spread.group_by(spread.columns).aggregate(count=spread.count())
    for row in counted.order_by(spread.columns).to_pyarrow().to_pylist():
        yield from _both(row)


def _both(row: dict[str, Any]) -> Iterator[tuple[int, Turn]]:
    """Tell of the label that became valid, and of the one that ceased to be."""
    for end, sign in (("now", 1), ("was", -1)):
        if (source := row[f"{end}_source"]) is not None:
            yield (
                row["part"],
                {
                    "of": row["of"].isoformat(),
                    "at": row["at"].isoformat(),
                    "source": source,
                    "label": row[f"{end}_label"],
                    "count": sign * row["count"],
                },
            )


def _by_period(turned: Iterable[Turn], unit: Unit, classes: tuple[str, ...]) -> Iterator[Change]:
    """Count turns by period instead of by day."""
    counted: dict[tuple[date, date, str, int], int] = {}
    for turn in turned:
        of, at = (_begin(date.fromisoformat(turn[end]), unit) for end in ("of", "at"))
        key = (of, at, turn["source"], turn["label"])
        counted[key] = counted.get(key, 0) + turn["count"]
    for (of, at, source, label), count in counted.items():
        yield {"of": of, "at": at, "source": source, "class": classes[label], "count": count}


def _of(key: Any, end: str) -> dict[str, "Value"]:
    issue = unrank(key)
    return {f"{end}_label": issue["label"], f"{end}_source": issue["source"]}


def _truncated(time: Any, unit: Unit) -> Any:
    return time.truncate({"month": "M", "week": "W", "day": "D"}[unit]).date()


def _cells(counted: list[Change], periods: list[date]) -> Iterator[Cell]:
    """Sum up what became known until the end of each period."""
    for of in periods:
        own = [row for row in counted if row["of"] == of]
        for as_of in periods if own else ():
            so_far = [row for row in own if row["at"] <= as_of]
            if as_of >= of and so_far:
                yield {"of": of.isoformat(), "as_of": as_of.isoformat(), **_summed(so_far)}


def _summed(counted: list[Change]) -> Known:
    by_source: dict[str, dict[str, int]] = {}
    for row in counted:
        if row["source"] is not None:
            classes = by_source.setdefault(row["source"], {})
            classes[row["class"]] = classes.get(row["class"], 0) + row["count"]
    current = {
        source: {name: count for name, count in classes.items() if count}
        for source, classes in by_source.items()
    }
    rows = sum(row["count"] for row in counted if row["source"] is None)
    return {"rows": rows, "by_source": {source: n for source, n in current.items() if n}}
