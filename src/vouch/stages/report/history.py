"""The label history as a table: a row for each period of events, a column for each later one."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict

from vouch.labels.resolve import TRUTH
from vouch.results import label as results
from vouch.results.label import History

SAID = {"month": "%b %Y", "week": "week of %-d %b %Y", "day": "%-d %b %Y"}
SHORT = {"month": "%b %y", "week": "%-d %b", "day": "%-d %b"}


class Cell(TypedDict, total=False):
    """A cell of the table; empty before the events."""

    share: float
    shade: float
    positives: int | None


class Line(TypedDict):
    """A line of the table: one period of events."""

    name: str
    rows: int
    cells: list[Cell]


class Latest(TypedDict):
    """The labels of one period and source that are valid now."""

    name: str
    source: str
    classes: dict[str, int]


class LabelHistory(TypedDict):
    """The label history as a table, see :func:`label_history`."""

    unit: str
    columns: list[str]
    lines: list[Line]
    latest: list[Latest]
    truth: bool


def label_history(history: History | None, classes: Sequence[str]) -> LabelHistory | None:
    """Return the label history as a table for the page.

    Args:
        history: ``history`` of ``label.json``, or None.
        classes: Names of the classes.

    Returns:
        ``unit``; ``columns``, names of the periods of knowledge; ``lines``, a period of events
        each: ``name``, ``cells`` under the columns (``share`` of its rows whose truth was known
        by then, ``shade`` 0 to 1, and of two classes ``positives``, known true ones; empty before
        the events) and ``rows``; ``latest``: of each period and source, the labels valid now,
        by class; ``truth``: whether any was ever known. None where there is nothing to lay out.
    """
    if not history or not history["cells"]:
        return None
    unit, by_key = history["unit"], {(c["of"], c["as_of"]): c for c in history["cells"]}
    events, columns = (sorted({cell[end] for cell in history["cells"]}) for end in ("of", "as_of"))
    lines = [_line(of, columns, by_key, unit, classes) for of in events]
    last = {of: by_key[of, max(c for c in columns if (of, c) in by_key)] for of in events}
    return {
        "unit": unit,
        "columns": [_name(column, SHORT[unit]) for column in columns],
        "lines": lines,
        "latest": [
            {"name": _name(of, SAID[unit]), "source": source, "classes": counts}
            for of, cell in last.items()
            for source, counts in sorted(cell["by_source"].items())
        ],
        "truth": any(cell.get("share") for line in lines for cell in line["cells"]),
    }


def _line(
    of: str,
    columns: Sequence[str],
    by_key: Mapping[tuple[str, str], results.Cell],
    unit: str,
    classes: Sequence[str],
) -> Line:
    cells = [_cell(by_key.get((of, column)), classes) for column in columns]
    rows = max(cell["rows"] for key, cell in by_key.items() if key[0] == of)
    return {"name": _name(of, SAID[unit]), "rows": rows, "cells": cells}


def _cell(cell: results.Cell | None, classes: Sequence[str]) -> Cell:
    """Return a cell's share of known truth; rows that are still to arrive may have labels."""
    if cell is None:
        return {}
    true = [counts for source, counts in cell["by_source"].items() if source in TRUTH]
    share = min(sum(sum(c.values()) for c in true) / max(cell["rows"], 1), 1.0)
    positives = sum(c.get(classes[1], 0) for c in true) if len(classes) == 2 else None
    return {"share": share, "shade": round(share, 3), "positives": positives}


def _name(period: str, pattern: str) -> str:
    return date.fromisoformat(period).strftime(pattern)
