"""How good a candidate is: average precision over the pooled out-of-fold rows.

Pooled rather than a mean of folds, so that every positive counts the same however unevenly the
folds share them; probabilities are calibrated, so scores of different folds can be compared.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.models.folds import Fold
from vouch.models.proposal import Outcome
from vouch.models.ripeness import as_of_fold
from vouch.models.strength import SOURCE, measuring
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.models import fit
from vouch.usecases.fraud.params import TuneParams
from vouch.usecases.fraud.space import Offer

TARGET = "label"


@dataclass(frozen=True)
class Part:
    """One fold, ready for many candidates.

    Attributes:
        train: Features and label of the rows to learn from; where labels may be unripe, as they
            were known when the fold begins, with their ripeness.
        assess: The same of the rows to assess on, with the label to measure by; of many, only some
            of the negatives.
        weights: How many rows each assessed row stands for, shape (assessed rows,), at least 1.
    """

    train: pd.DataFrame
    assess: pd.DataFrame
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """Measures candidates on the same folds.

    Attributes:
        parts: The folds.
        offer: The features there are.
        params: How many rows and threads a fit may use, and its seed.
    """

    parts: list[Part]
    offer: Offer
    params: TuneParams

    def __call__(self, candidate: Candidate) -> Outcome:
        """Measure a candidate.

        Raises:
            VouchError: A fold's training rows have only one class.
            Exception: Whatever the candidate's library raises.
        """
        scores = self.predict(candidate, [part.assess for part in self.parts])
        labels = [part.assess[TARGET].to_numpy() for part in self.parts]
        weights = [part.weights for part in self.parts]
        pooled = precision(*map(np.concatenate, (labels, scores, weights)))
        return Outcome(
            pooled, [_or_none(*fold) for fold in zip(labels, scores, weights, strict=True)]
        )

    def predict(
        self, candidate: Candidate, tables: Sequence[pd.DataFrame]
    ) -> list[NDArray[np.float64]]:
        """Fit a candidate on each fold and predict the fold's table; folds run side by side."""
        with ThreadPoolExecutor(self.params.threads) as pool:
            return list(pool.map(partial(self._predict, candidate), self.parts, tables))

    def _predict(
        self, candidate: Candidate, part: Part, table: pd.DataFrame
    ) -> NDArray[np.float64]:
        columns, params = self.offer.columns(candidate), self.params
        # one thread a fold: threads within a fit wait for one another more than they work
        fitted = fit(candidate, part.train, columns, TARGET, params.seed, 1, params.search_rows)
        return fitted.score(table)

    @property
    def sampled(self) -> bool:
        """Whether some of the negatives to assess on were left out."""
        return any((part.weights > 1).any() for part in self.parts)


def prepare(
    frame: pd.DataFrame,
    folds: list[Fold],
    offer: Offer,
    params: TuneParams,
    judged: NDArray[np.bool_] | None = None,
    boundary: datetime | None = None,
) -> Objective:
    """Lay out the folds' rows once for all candidates.

    Args:
        frame: The training rows.
        folds: Their folds.
        offer: The features there are.
        params: Of them ``assess_rows`` and ``seed`` are used here.
        judged: Which of the rows to measure on, shape (rows,); None: all.
        boundary: The holdout's first moment, where labels may be unripe; None: there is none.
    """
    own = [name for name in (TARGET, SOURCE) if name in frame]
    features = [name for name, *_ in offer.features]
    table = frame[[*features, *own]]
    labels, room = measuring(frame), params.assess_rows // len(folds)
    parts = []
    for number, fold in enumerate(folds):
        assessed = fold.assess if judged is None else fold.assess[judged[fold.assess]]
        rows, weights = _sample(labels, assessed, room, params.seed + number)
        train = table.iloc[fold.train]
        if offer.unripe and fold.start is not None:
            learned, labels_then = as_of_fold(frame, fold, boundary)
            train = frame[features].iloc[learned].assign(**labels_then)
        assess = table.iloc[rows].assign(**{TARGET: labels[rows]})
        parts.append(Part(train, assess, weights))
    return Objective(parts, offer, params)


def _sample(
    labels: NDArray[np.int8], rows: NDArray[np.int64], room: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    positive, negative = rows[labels[rows] == 1], rows[labels[rows] == 0]
    size = max(room - len(positive), 1)
    if size >= len(negative):
        return rows, np.ones(len(rows))
    drawn = np.random.default_rng(seed).choice(negative, size, replace=False)
    chosen = np.sort(np.concatenate([positive, drawn]))
    return chosen, np.where(labels[chosen] == 1, 1.0, len(negative) / size)


def precision(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Return the weighted average precision, 0 to 1."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, scores, sample_weight=weights))


def _or_none(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> float | None:
    return precision(labels, scores, weights) if labels.any() else None


def out_of_fold(
    objective: Objective, candidate: Candidate, frame: pd.DataFrame, folds: list[Fold]
) -> pd.DataFrame:
    """Predict every assessed row by the model of its fold.

    Returns:
        Columns ``row`` (number in ``frame``), ``fold`` and ``score``, in the rows' order.
    """
    columns = list(objective.offer.columns(candidate))
    scores = objective.predict(candidate, [frame[columns].iloc[fold.assess] for fold in folds])
    predictions = [
        pd.DataFrame({"row": fold.assess, "fold": number, "score": predicted})
        for number, (fold, predicted) in enumerate(zip(folds, scores, strict=True))
    ]
    return pd.concat(predictions).sort_values("row", ignore_index=True)
