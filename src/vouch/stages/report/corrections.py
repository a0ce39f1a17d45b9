"""What people's decisions changed: who decided, which labels they overruled, and of which rows."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from vouch.engine import connect
from vouch.labels.resolve import resolve
from vouch.metrics.weighted import share
from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet
from vouch.usecases import find

CONFIDENCE = 0.95


def corrections(labels: Path, rows: Path, source: Declaration) -> dict[str, Any] | None:
    """Return what people decided, beside the label each row would have without them.

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
    usecase = find(source.usecase)
    issued, held = _read(labels)
    if held.empty:
        return None
    flipped = held["was"].notna() & (held["was"] != held["now"])
    return {
        "rows": len(held),
        "in_force": bool(issued["in_force"].any()),
        "flipped": int(flipped.sum()),
        "confirmed": int((held["was"] == held["now"]).sum()),
        "unlabelled": int(held["was"].isna().sum()),
        "flips": _flips(held[flipped], usecase.classes),
        "reviewers": _reviewers(issued, held, usecase.classes),
        "slices": _slices(rows, held.assign(flipped=flipped), source),
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


def _flips(flipped: pd.DataFrame, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    counted = flipped.value_counts(["was", "was_by", "now"]).reset_index(name="rows")
    return [
        {
            "from": classes[int(one["was"])],
            "source": one["was_by"],
            "to": classes[int(one["now"])],
            "rows": int(one["rows"]),
        }
        for one in counted.to_dict("records")
    ]


def _reviewers(
    issued: pd.DataFrame, held: pd.DataFrame, classes: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return what each reviewer decided, by their last word on each row."""
    last = issued.sort_values("issued_at").drop_duplicates(["actor", "entity"], keep="last")
    met = last.merge(held, on="entity")
    return [
        {
            "actor": actor,
            "rows": len(own),
            "flipped": int((own["was"].notna() & (own["was"] != own["label"])).sum()),
            "classes": {n: int((own["label"] == k).sum()) for k, n in enumerate(classes)},
            "first": own["issued_at"].min().isoformat(),
            "last": own["issued_at"].max().isoformat(),
        }
        for actor, own in met.groupby("actor")
    ]


def _slices(rows: Path, held: pd.DataFrame, source: Declaration) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        # no column of a source has a space in its name
        connection.register("held", held[["entity", "flipped"]].add_prefix("held "))
        query = f"""SELECT * FROM {parquet(rows)} AS r JOIN held ON r.id = held."held entity"
                   WHERE superseded_at IS NULL ORDER BY r.id"""
        found = connection.execute(query).df()
    flipped = found["held flipped"].to_numpy(bool)
    return [
        {
            "slice": kind,
            "value": value,
            "rows": int(there.sum()),
            "flipped": int(flipped[there].sum()),
            "share": share(flipped[there], np.ones(there.sum()), CONFIDENCE),
        }
        for kind, value, there in find(source.usecase).slices(found, source)
    ]
