"""The rows that people could be asked about, with the measures to choose them by."""

from pathlib import Path

import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.labels.permanent import permanent
from vouch.models.predictions import Floats, probabilities
from vouch.models.strength import RULE, SOURCE


def pool(rows: pd.DataFrame, usecase: str, excluded: set[str], recent_days: float) -> pd.DataFrame:
    """Measure rows for :func:`vouch.review.enqueue.select.select`.

    Args:
        rows: Predictions: ``id``, scores, ``rule``; ``time``, ``amount``, ``twin``, ``novelty``,
            ``similar`` and ``label_source`` where there are any.
        usecase: The use case.
        excluded: Rows that people were asked about.
        recent_days: How many days before the newest row are the last ones.

    Returns:
        ``entity``; ``u``, its permanent random number (0 to 1); ``margin``, how far the likeliest
        class is ahead of the second (0 to 1); ``value``, the money at risk (score times amount, or
        NaN); ``disagreement``, how little the model believes the rule (0 to 1, or NaN);
        ``novelty``, how unlike it is to what the model learned from (0 to 1, or NaN); ``similar``,
        how like those in which people found fraud that the model does not see (0 to 1, or NaN);
        ``twin``; ``taken``; ``recent``, whether it is of the last days; ``settled``, whether it has
        a better label than the rule's. In the order of ``rows``.
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
            "similar": _unseen(rows.get("similar", absent), likely),
            "twin": rows["twin"] if "twin" in rows else pd.Series(None, rows.index, "object"),
            "taken": rows["id"].isin(excluded),
            "recent": recent(rows, recent_days),
            "settled": settled(rows),
        }
    )


def settled(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows have a better label than the rule's."""
    if SOURCE not in rows:
        return pd.Series(False, rows.index)
    return rows[SOURCE].notna() & (rows[SOURCE] != RULE)


def recent(rows: pd.DataFrame, days: float) -> "pd.Series[bool]":
    """Return which rows are of the last days; none where there is no time."""
    if "time" not in rows:
        return pd.Series(False, rows.index)
    return rows["time"] > rows["time"].max() - pd.Timedelta(days=days)


def _unseen(similar: pd.Series, likely: Floats) -> pd.Series:
    """Return what the model does not see; NaN of rows like nothing that people found."""
    return similar.where(similar > 0) * likely[:, 0]


def _disagreement(likely: Floats, rule: pd.Series) -> Floats:
    labels = rule.fillna(-1).to_numpy(np.int64)
    believed = likely[np.arange(len(likely)), np.maximum(labels, 0)]
    return np.where(labels < 0, np.nan, 1 - believed)


def load_predictions(predictions: Path, train: Path) -> pd.DataFrame:
    """Read out-of-fold predictions, with the label's source and what near-duplicates share.

    Only of rows that are training rows still: a new holdout may have taken some since then.

    Raises:
        VouchError: There are none yet.
    """
    import pyarrow.parquet as pq

    for path in (predictions, train):
        if not path.exists():
            raise VouchError(f"{path}: no such file", "dvc pull, or run the pipeline first")
    rows = pd.read_parquet(predictions)
    new = [
        name
        for name in ("twin", SOURCE)
        if name not in rows and name in pq.read_schema(train).names
    ]
    own = pd.read_parquet(train, columns=["id", *new])
    return rows.merge(own, on="id", validate="one_to_one")
