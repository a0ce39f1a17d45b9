"""What people's decisions changed: who decided, which labels they overruled, and of which rows."""

from pathlib import Path
from typing import TypedDict

import duckdb
import numpy as np
import pandas as pd

from vouch.engine import connect
from vouch.labels.resolve import resolve
from vouch.metrics.figures import Figure
from vouch.metrics.intervals import CONFIDENCE
from vouch.metrics.weighted import share
from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet
from vouch.usecases import find
from vouch.usecases.classes import class_names

Flip = TypedDict("Flip", {"from": str, "source": str, "to": str, "rows": int})
"""How many rows people moved from one class to another, by the label's source before."""


class Reviewer(TypedDict):
    """What one person decided."""

    actor: str
    rows: int
    flipped: int
    classes: dict[str, int]
    first: str
    last: str


class SliceShare(TypedDict):
    """The share of a slice's decided rows whose label people changed."""

    slice: str
    value: str
    rows: int
    flipped: int
    share: Figure


class Corrections(TypedDict):
    """What people's decisions changed, see :func:`corrections`."""

    rows: int
    in_force: bool
    flipped: int
    confirmed: int
    unlabelled: int
    flips: list[Flip]
    reviewers: list[Reviewer]
    slices: list[SliceShare]


def corrections(labels: Path, rows: Path, source: Declaration) -> Corrections | None:
    """Return people's decisions, compared with the label each row would have without them.

    Args:
        labels: Issued labels.
        rows: Silver rows.
        source: The declaration: categories are slices, or what the use case cuts rows into.

    Returns:
        None where nobody decided anything; else ``rows`` decided, ``in_force`` (whether decisions
        count as labels), ``flipped``, ``confirmed`` and ``unlabelled`` (without a label before)
        rows; ``flips``: rows by ``from``, ``source`` and ``to``; ``reviewers``: for each ``actor``
        ``rows``, ``flipped``, ``classes``, ``first`` and ``last``; ``slices``: ``slice``,
        ``value``, ``rows``, ``flipped`` and their ``share`` with its interval.
    """
    classes = class_names(source)
    issued, decisions = _read(labels)
    if decisions.empty:
        return None
    flipped = decisions["was"].notna() & (decisions["was"] != decisions["now"])
    return {
        "rows": len(decisions),
        "in_force": bool(issued["in_force"].any()),
        "flipped": int(flipped.sum()),
        "confirmed": int((decisions["was"] == decisions["now"]).sum()),
        "unlabelled": int(decisions["was"].isna().sum()),
        "flips": _flips(decisions[flipped], classes),
        "reviewers": _reviewers(issued, decisions, classes),
        "slices": _slices(rows, decisions.assign(flipped=flipped), source),
    }


def _read(labels: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read people's issues, and of each decided row ``was``, ``was_by`` and ``now``."""
    with connect() as engine:
        table = engine.read_parquet(labels)
        people = table.filter(table.source == "reviewer")
        now = resolve(people.mutate(in_force=True)).select("entity", now="label")
        others = table.filter(table.source != "reviewer").semi_join(people, "entity")
        before = resolve(others).select("entity", was="label", was_by="source")
        met = now.left_join(before, "entity").select("entity", "now", "was", "was_by")
        issued = people.select("entity", "label", "actor", "issued_at", "in_force")
        return engine.to_pandas(issued), engine.to_pandas(met.order_by("entity"))


def _flips(flipped: pd.DataFrame, classes: tuple[str, ...]) -> list[Flip]:
    counted = flipped.value_counts(["was", "was_by", "now"]).reset_index(name="rows")
    return [
        {
            "from": classes[int(row["was"])],
            "source": row["was_by"],
            "to": classes[int(row["now"])],
            "rows": int(row["rows"]),
        }
        for row in counted.to_dict("records")
    ]


def _reviewers(
    issued: pd.DataFrame, decisions: pd.DataFrame, classes: tuple[str, ...]
) -> list[Reviewer]:
    """Return what each reviewer decided, by their last word on each row."""
    last = issued.sort_values("issued_at").drop_duplicates(["actor", "entity"], keep="last")
    met = last.merge(decisions, on="entity")
    return [
        {
            "actor": str(actor),
            "rows": len(own),
            "flipped": int((own["was"].notna() & (own["was"] != own["label"])).sum()),
            "classes": {n: int((own["label"] == k).sum()) for k, n in enumerate(classes)},
            "first": own["issued_at"].min().isoformat(),
            "last": own["issued_at"].max().isoformat(),
        }
        for actor, own in met.groupby("actor")
    ]


def _slices(rows: Path, decisions: pd.DataFrame, source: Declaration) -> list[SliceShare]:
    with duckdb.connect() as connection:
        # no column of a source has a space in its name
        connection.register("held", decisions[["entity", "flipped"]].add_prefix("held "))
        query = f"""SELECT * FROM {parquet(rows)} AS r JOIN held ON r.id = held."held entity"
                   WHERE superseded_at IS NULL ORDER BY r.id"""
        table = connection.execute(query).df()
    flipped = table["held flipped"].to_numpy(bool)
    return [
        {
            "slice": kind,
            "value": value,
            "rows": int(inside.sum()),
            "flipped": int(flipped[inside].sum()),
            "share": share(flipped[inside], np.ones(inside.sum()), CONFIDENCE),
        }
        for kind, value, inside in find(source.usecase).slices(table, source)
    ]
