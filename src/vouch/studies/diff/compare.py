"""Comparing two versions by their names."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import duckdb

from vouch import usecases
from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.engine import connect
from vouch.project.inputs import present_source
from vouch.studies.diff import rows
from vouch.studies.diff.labels import LabelDifferences, labels
from vouch.studies.diff.sides import Part, Side, find
from vouch.studies.diff.tables import Pair, pair
from vouch.usecases.classes import class_names

STEPS = 4
UNFIT = (duckdb.OutOfMemoryException, duckdb.IOException, duckdb.ConversionException)
"""Errors that the user's files or machine can cause."""


class Retyped(TypedDict):
    """A column whose type differs: its type in each table."""

    column: str
    a: str
    b: str


class Columns(rows.ColumnCounts):
    """How the columns of two tables differ."""

    added: list[str]
    removed: list[str]
    retyped: list[Retyped]


class Differences(TypedDict):
    """How two versions of a table differ; see :func:`diff`."""

    a: str
    b: str
    key: list[str]
    rows: dict[str, int]
    columns: Columns
    examples: dict[str, list[rows.Example]]
    labels: LabelDifferences | None


def diff(
    root: Path,
    state: Path,
    a: str,
    b: str,
    *,
    of: Part | None = None,
    key: Sequence[str] = (),
    memory: str | None = None,
    progress: Progress = silent,
) -> Differences:
    """Compare two versions of a table.

    Rows are the same row if they bear the same name: the ``id``, or of a label issue entity,
    source, actor and time. Silver holds several versions of a row; these are numbered by time, so
    a correction is a version more, and not a change of the one before.

    Args:
        root: The project's folder.
        state: The project's state folder.
        a: The one, usually the older: a file, a folder, ``REV:path`` or ``NAME:VERSION``.
        b: The other.
        of: Of a model version, which of the tables it rests on.
        key: The columns that name a row; empty: as above, and without an id a row is what it says.
        memory: DuckDB's limit, such as ``1GB``; beyond it work spills to disk.
        progress: Called after each part.

    Returns:
        ``a``, ``b`` and ``key``; ``rows``: how many ``a`` and ``b`` have, ``same``, ``added``,
        ``corrected`` (later versions of rows that were there), ``changed``, ``bookkeeping``
        (nothing differs but where it came from and when it was superseded), ``removed``;
        ``columns``: ``added``, ``removed``, ``retyped``, and in how many rows each differs, of
        ``changed`` and ``corrected`` ones; ``examples``; ``labels``, of issues
        in Parquet (see :func:`vouch.studies.diff.labels.labels`), else null.

    Raises:
        VouchError: A side cannot be found, had or read, or lacks a column of the key; or ``memory``
            is no size.
    """
    progress(0, STEPS, "finding")
    first, second = (find(root, state, side, of) for side in (a, b))
    with connect(memory=memory) as engine:
        try:
            progress(1, STEPS, "comparing rows")
            both = pair(engine.con, first, second, key)
            rows.differing(both)
            progress(2, STEPS, "looking at what differs")
            counts, columns = rows.counts(both), _columns(both)
            examples = rows.examples(both)
            progress(3, STEPS, "resolving labels")
            typed = first.format == second.format == ".parquet"  # CSV has no types
            named = [_classes(root, side) for side in (first, second)]
            classes = [own or next(filter(None, named), ()) for own in named]
            relabelled = labels(engine, both, classes) if both.issues and typed else None
        except UNFIT as error:
            reason = str(error).strip().splitlines()[0]
            raise VouchError(
                f"{a}, {b}: cannot be compared: {reason}", "give it more --memory"
            ) from None
    progress(STEPS, STEPS, "compared")
    return {
        "a": first.name,
        "b": second.name,
        "key": list(both.key),
        "rows": counts,
        "columns": columns,
        "examples": examples,
        "labels": relabelled,
    }


def _columns(pair: Pair) -> Columns:
    removed, added = pair.only
    return {
        "added": list(added),
        "removed": list(removed),
        "retyped": [{"column": c, "a": a, "b": b} for c, (a, b) in pair.retyped.items()],
        **rows.columns(pair),
    }


def _classes(root: Path, side: Side) -> tuple[str, ...]:
    """Return the names of a side's classes; none where it is no use case's."""
    if side.classes or side.usecase is None:
        return side.classes
    try:
        return class_names(present_source(root, side.usecase))
    except VouchError:  # the project has no input for it
        return usecases.find(side.usecase).classes
