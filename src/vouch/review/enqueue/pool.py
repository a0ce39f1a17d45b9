"""The rows that people could be asked about, with the measures to choose them by."""

from pathlib import Path

import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.labels.permanent import permanent
from vouch.models.predictions import Floats, probabilities


def pool(rows: pd.DataFrame, usecase: str, excluded: set[str], recent_days: float) -> pd.DataFrame:
    """Measure rows for :func:`vouch.review.enqueue.select.select`.

    Args:
        rows: Predictions: ``id``, scores, ``rule``; ``time``, ``amount``, ``twin`` and ``novelty``
            where there are any.
        usecase: The use case.
        excluded: Rows that people were asked about.
        recent_days: How many days before the newest row are the last ones.

    Returns:
        ``entity``; ``u``, its permanent random number (0 to 1); ``margin``, how far the likeliest
        class is ahead of the second (0 to 1); ``value``, the money at risk (score times amount, or
        NaN); ``disagreement``, how little the model believes the rule (0 to 1, or NaN);
        ``novelty``, how unlike it is to what the model learned from (0 to 1, or NaN); ``twin``;
        ``taken``; ``recent``, whether it is of the last days. In the order of ``rows``.
    """
    likely = probabilities(rows)
    ordered = np.sort(likely, axis=1)
    absent = pd.Series(np.nan, index=rows.index)
    return pd.DataFrame(
        {
            "entity": rows["id"],
            "u": permanent(rows["id"], usecase),
            "margin": ordered[:, -1] - ordered[:, -2],
            "value": likely[:, 1] * rows["amount"] if "amount" in rows else absent,
            "disagreement": _disagreement(likely, rows["rule"]),
            "novelty": rows.get("novelty", absent),
            "twin": rows["twin"] if "twin" in rows else pd.Series(None, rows.index, "object"),
            "taken": rows["id"].isin(excluded),
            "recent": _recent(rows, recent_days),
        }
    )


def _recent(rows: pd.DataFrame, days: float) -> "pd.Series[bool]":
    if "time" not in rows:
        return pd.Series(False, rows.index)
    return rows["time"] > rows["time"].max() - pd.Timedelta(days=days)


def _disagreement(likely: Floats, rule: pd.Series) -> Floats:
    labels = rule.fillna(-1).to_numpy(np.int64)
    believed = likely[np.arange(len(likely)), np.maximum(labels, 0)]
    return np.where(labels < 0, np.nan, 1 - believed)


def load_predictions(predictions: Path, train: Path) -> pd.DataFrame:
    """Read out-of-fold predictions, with what near-duplicates have in common where it is known.

    Only of rows that are training rows still: a new holdout may have taken some since then.

    Raises:
        VouchError: There are none yet.
    """
    import pyarrow.parquet as pq

    for path in (predictions, train):
        if not path.exists():
            raise VouchError(f"{path}: no such file", "dvc pull, or run the pipeline first")
    rows = pd.read_parquet(predictions)
    new = "twin" not in rows and "twin" in pq.read_schema(train).names
    twins = pd.read_parquet(train, columns=["id", "twin"] if new else ["id"])
    return rows.merge(twins, on="id", validate="one_to_one")
