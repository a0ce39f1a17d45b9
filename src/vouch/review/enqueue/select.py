"""Which rows people are asked about: a random sample first, then the rows that teach most.

The random stream goes through the rows by their permanent random numbers (Ohlsson 1995,
Coordination of samples using permanent random numbers), so whatever the other streams chose, the
rows up to the greatest number drawn are a simple random sample of all.
"""

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from vouch.review.enqueue.params import EnqueueParams

MEASURES = {
    "value": True,
    "disagreement": True,
    "margin": False,
    "novelty": True,
    "similar": True,
}
"""The measures that choose rows, and whether the largest comes first."""
SLACK = 1e-9  # by which a share of a number may exceed a whole one by rounding only


def select(pool: pd.DataFrame, n: int, params: EnqueueParams) -> pd.DataFrame:
    """Choose cases.

    Args:
        pool: One row an entity: ``entity``; ``u``, its permanent random number, above 0 and below
            1; the ``MEASURES``, NaN where unknown; ``twin``, what
            near-duplicates have in common, or null; ``taken``, whether people were asked;
            ``recent``, whether it is of the last days; ``settled``, whether its truth came by
            itself, so that only the random stream takes it while there are others. Of near
            duplicates the one with the smallest ``u`` can be chosen, and none once one is taken.
        n: The most cases wanted, at least 0.
        params: The streams' shares. A stream without rows left gives its share to the others;
            rows that a measure does not tell apart come in the order of ``u``.

    Returns:
        ``entity``, ``stream`` (``random`` or one of ``MEASURES``) and
        ``propensity`` (the greatest ``u`` drawn at random; NaN in other streams). At most ``n``
        rows, fewer only if there are no more. The same for the same rows in any order.
    """
    rows = _askable(pool)
    n = min(n, len(rows))
    chosen = dict.fromkeys(range(min(math.ceil(n * params.random - SLACK), n)), "random")
    counted = Counter[str]()
    unsettled = rows[~rows["settled"]]
    newest = unsettled[unsettled["recent"]]
    for part, share in ((newest, params.recent), (unsettled, 1.0), (rows, 1.0)):
        until = len(chosen) + math.ceil((n - len(chosen)) * share - SLACK)
        if len(chosen) < until:
            _share(chosen, until, _queues(part, n, params), params, counted)
    for row in range(n):
        if len(chosen) < n:
            chosen.setdefault(row, "random")
    result = rows.iloc[list(chosen)][["entity", "u"]].assign(stream=list(chosen.values()))
    drawn = result["stream"] == "random"
    result["propensity"] = np.where(drawn, result["u"][drawn].max(), np.nan)
    return result[["entity", "stream", "propensity"]].reset_index(drop=True)


def _askable(pool: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that can be chosen, in the order of their random numbers."""
    twins = pool["twin"][pool["taken"]].dropna()
    rows = pool[~pool["taken"] & ~pool["twin"].isin(twins)].sort_values(["u", "entity"])
    return rows[rows["twin"].isna() | ~rows["twin"].duplicated()].reset_index(drop=True)


def _queues(rows: pd.DataFrame, n: int, params: EnqueueParams) -> dict[str, Iterator[int]]:
    """Return each stream's rows in order, as many as it could need."""
    weights, queues = params.weights, {}
    for name, largest in MEASURES.items():
        values = rows[name].dropna().astype(float)
        if weights[name]:
            best = values.sort_values(ascending=not largest, kind="stable").index[:n]
            queues[name] = iter(best.tolist())
    return queues


def _share(
    chosen: dict[int, str],
    n: int,
    queues: dict[str, Iterator[int]],
    params: EnqueueParams,
    counted: Counter[str],
) -> None:
    """Choose by streams in turn, next the one furthest below its weight (D'Hondt's method).

    Ends early where no stream has rows left.
    """
    weights = params.weights
    while len(chosen) < n and queues:
        stream = min(queues, key=lambda name: (counted[name] + 1) / weights[name])
        row = next((r for r in queues[stream] if r not in chosen), None)
        if row is None:
            del queues[stream]
        else:
            chosen[row] = stream
            counted[stream] += 1
