"""Several reviewers of one case: their agreement and their consensus.

CROWDLAB: Goh, Tkachenko, Mueller 2022, CROWDLAB: Supervised learning to infer consensus labels and
quality scores for data with multiple annotators; here as cleanlab has it. Where there is no model's
opinion it has nothing to go by, and Dawid and Skene's consensus is taken instead: see
``python -m benchmarks.crowd``.
"""

import itertools
import math
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from vouch.metrics.agreement import cohen
from vouch.metrics.dawid_skene import estimate
from vouch.metrics.figures import Figure

FEWEST = 2
"""Cases two reviewers must share for their agreement to be reported."""
ENOUGH, EACH = 20, 3
"""Cases with several reviewers that either method needs, in all and of each of two labels."""


@dataclass(frozen=True)
class Consensus:
    """The consensus of a case's reviewers.

    Attributes:
        label: The label.
        confidence: How likely it is right, 0 to 1; None by majority.
        method: ``crowdlab``, ``dawid_skene`` where no model has an opinion of the case, or
            ``majority`` where cases are too few for these, or all reviewers say the same and
            these would overrule them.
    """

    label: int
    confidence: float | None
    method: str


class Agreement(TypedDict):
    """The agreement of two reviewers; see :func:`kappas`."""

    reviewers: list[str]
    cases: int
    kappa: Figure


def kappas(votes: pd.DataFrame) -> list[Agreement]:
    """Measure the agreement of each pair of reviewers beyond chance by Cohen's kappa.

    Args:
        votes: A row a case, a column a reviewer, labels or NaN.

    Returns:
        ``reviewers``, ``cases`` they share, ``kappa`` (-1 to 1; null where both give one label to
        all) with its interval, the least agreement first.
    """
    pairs: list[Agreement] = []
    votes = votes[sorted(votes.columns)]
    gave = votes.notna().to_numpy(np.int64)
    shared = gave.T @ gave
    for (i, first), (j, second) in itertools.combinations(enumerate(votes.columns), 2):
        if shared[i, j] < FEWEST:
            continue
        both = votes[[first, second]].dropna().to_numpy(np.int64)
        kappa = cohen(both[:, 0], both[:, 1])
        pairs.append({"reviewers": [first, second], "cases": len(both), "kappa": kappa})
    return sorted(pairs, key=_least)


def _least(pair: Agreement) -> float:
    kappa = pair["kappa"]["value"]
    return math.inf if kappa is None else kappa


def consensus(votes: pd.DataFrame, likely: NDArray[np.float64]) -> dict[str, Consensus]:
    """Compute the consensus of each case with several reviewers.

    Args:
        votes: A row a case (its id is the index), a column a reviewer, labels or NaN; cases of
            one reviewer tell how good the reviewers are.
        likely: The model's probabilities, shape (cases, classes), in the rows' order.

    Returns:
        By case; none for cases of one reviewer.
    """
    several = (votes.notna().sum(axis=1) >= 2).to_numpy()
    if not several.any():
        return {}
    labels, sure = _majority(votes, likely), np.full(len(votes), np.nan)
    blind = np.ptp(likely, axis=1) == 0
    # with fewer cases, good and bad reviewers look alike, and the model would overrule them all
    if several.sum() >= ENOUGH and np.sum(np.bincount(labels[several]) >= EACH) > 1:
        estimated, sure = _estimated(votes, likely, blind)
        # unanimous reviewers are never overruled, but then their confidence is unknown
        overruled = (votes.nunique(axis=1) == 1).to_numpy() & (estimated != labels)
        labels, sure = np.where(overruled, labels, estimated), np.where(overruled, np.nan, sure)
    return {
        str(case): _consensus(labels[row], sure[row], blind[row])
        for row, case in enumerate(votes.index)
        if several[row]
    }


def _consensus(label: int, sure: float, blind: bool) -> Consensus:
    if math.isnan(sure):
        return Consensus(int(label), None, "majority")
    return Consensus(int(label), float(sure), "dawid_skene" if blind else "crowdlab")


def _estimated(
    votes: pd.DataFrame, likely: NDArray[np.float64], blind: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each case's label and how likely it is right, by what there is to go by."""
    if not blind.any():
        return _crowdlab(votes, likely)
    words = votes.to_numpy()
    rows, people = np.nonzero(~np.isnan(words))
    cast = np.column_stack([rows, people, words[rows, people]]).astype(np.int64)
    chances = estimate(cast, likely.shape[1])
    labels, sure = chances.argmax(axis=1), chances.max(axis=1)
    if blind.all():
        return labels, sure
    others, quality = _crowdlab(votes, likely)
    return np.where(blind, labels, others), np.where(blind, sure, quality)


def _crowdlab(
    votes: pd.DataFrame, likely: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    from cleanlab.multiannotator import get_label_quality_multiannotator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that classes nobody chose are left out
        quality = get_label_quality_multiannotator(
            votes.reset_index(drop=True),
            likely,
            verbose=False,
            return_detailed_quality=False,
            return_annotator_stats=False,
        )["label_quality"]
    sure = quality["consensus_quality_score"].to_numpy(np.float64)
    return quality["consensus_label"].to_numpy(np.int64), sure


def _majority(votes: pd.DataFrame, likely: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the label most reviewers gave; in a tie, the one the model finds likelier."""
    counts = np.stack([(votes == label).sum(axis=1) for label in range(likely.shape[1])], axis=1)
    chosen: NDArray[np.int64] = (counts + likely / 2).argmax(axis=1)
    return chosen
