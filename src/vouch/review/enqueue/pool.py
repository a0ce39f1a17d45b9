"""The rows that people could be asked about, with the measures to choose them by."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.labels.permanent import permanent

Floats = NDArray[np.float64]


def pool(rows: pd.DataFrame, usecase: str, excluded: set[str]) -> pd.DataFrame:
    """Measure rows for :func:`vouch.review.enqueue.select.select`.

    Args:
        rows: Out-of-fold predictions: ``id``, scores, ``rule``; ``amount`` and ``twin`` where
            there are any.
        usecase: The use case.
        excluded: Rows that people were asked about.

    Returns:
        ``entity``; ``u``, its permanent random number (0 to 1); ``margin``, how far the likeliest
        class is ahead of the second (0 to 1); ``value``, the money at risk (score times amount, or
        NaN); ``disagreement``, how little the model believes the rule (0 to 1, or NaN); ``twin``;
        ``taken``. In the order of ``rows``.
    """
    probabilities = scores(rows)
    ordered = np.sort(probabilities, axis=1)
    absent = pd.Series(np.nan, index=rows.index)
    return pd.DataFrame(
        {
            "entity": rows["id"],
            "u": permanent(rows["id"], usecase),
            "margin": ordered[:, -1] - ordered[:, -2],
            "value": probabilities[:, 1] * rows["amount"] if "amount" in rows else absent,
            "disagreement": _disagreement(probabilities, rows["rule"]),
            "twin": rows["twin"] if "twin" in rows else pd.Series(None, rows.index, "object"),
            "taken": rows["id"].isin(excluded),
        }
    )


def scores(rows: pd.DataFrame) -> Floats:
    """Return the probability of each class, shape (rows, classes), from a table of predictions."""
    if "score" in rows:
        positive = rows["score"].to_numpy(np.float64)
        return np.column_stack([1 - positive, positive])
    names = sorted(str(name) for name in rows if str(name).startswith("score_"))
    return rows[names].to_numpy(np.float64)


def _disagreement(probabilities: Floats, rule: pd.Series) -> Floats:
    labels = rule.fillna(-1).to_numpy(np.int64)
    believed = probabilities[np.arange(len(probabilities)), np.maximum(labels, 0)]
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
