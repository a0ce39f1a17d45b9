"""Rows like those in which people found fraud: nobody can have told a model of its kind before."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vouch.models.similarity import similarity
from vouch.models.strength import PERSON
from vouch.sources.readers import parquet, quoted

DECIDED, OTHERS = 5_000, 20_000
"""The most rows that others are compared with: the last ones decided, and ones not decided."""


def similar(train: Path, features: list[str], ids: pd.Series) -> "pd.Series[float]":
    """Compute how like rows are to those in which people found fraud.

    Args:
        train: Gold training rows, with people's labels as far as they are collected.
        features: The columns to compare, numbers.
        ids: The rows, among the training rows.

    Returns:
        0 to 1, with the index of ``ids``; see :func:`vouch.models.similarity.similarity`.
    """
    import duckdb

    with duckdb.connect() as connection:
        decided, others, rows = _tables(connection, train, features, ids)
    values = similarity(
        decided[features], decided["label"].to_numpy(np.int8), others[features], rows[features]
    )
    return pd.Series(values, rows["id"]).reindex(ids).set_axis(ids.index)


def _tables(connection: Any, train: Path, features: list[str], ids: pd.Series) -> list[Any]:
    """Read what people decided last, others they did not decide, and the rows to compare."""
    columns = ", ".join(map(quoted, dict.fromkeys(["id", "label", *features])))
    connection.register("asked", pd.DataFrame({"id": ids}))
    table, people = parquet(train), f"label_source = '{PERSON}'"
    asked = "id IN (SELECT id FROM asked)"
    return [
        connection.execute(f"SELECT {columns} FROM {table} {rest}").df()
        for rest in (
            f"WHERE {people} ORDER BY label_known_at DESC, id LIMIT {DECIDED}",
            f"WHERE NOT {people} AND NOT {asked} ORDER BY md5(id), id LIMIT {OTHERS}",
            f"WHERE {asked} ORDER BY id",
        )
    ]
