"""Whom a candidate has to beat on the holdout: the champion, or else the rule, or else chance."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.holdout.judge import Contest, ScoredModel
from vouch.holdout.mechanisms.comparison import Evidence
from vouch.models.predictions import Floats
from vouch.results.evaluate import Comparison, Kind

NO_RULE = "the source declares no rule"
NO_TRUTH = "no truth is known: the rule cannot be judged"
ITSELF = "the candidate is the champion itself"


def kind_of(rows: pd.DataFrame) -> Kind:
    """Return against what rows are judged: the truth where any is known, else the rule."""
    return "truth" if rows["truth"].notna().any() else "rule"


class Rule(NamedTuple):
    """The rows that the rule decides, and how certain it is of each class: 0 or 1."""

    rows: pd.DataFrame
    likely: Floats


def rule_of(rows: pd.DataFrame, classes: int) -> Rule | None:
    """Return the rule's decisions as probabilities of so many classes; None without a rule."""
    decided = rows[rows["rule"].notna()]
    if decided.empty:
        return None
    return Rule(decided, np.eye(classes)[decided["rule"].to_numpy(np.int64)])


def contest(
    rows: pd.DataFrame,
    challenger: ScoredModel,
    champion: ScoredModel | None,
    classes: int,
    weigh: Callable[[pd.DataFrame, Floats], Evidence],
) -> Contest:
    """Compare a candidate by the truth.

    Args:
        rows: The holdout, scored by the challenger.
        challenger: The candidate.
        champion: The model to beat, if there is one.
        classes: How many classes there are.
        weigh: Compares on rows whose truth is known, given the rival's probabilities, shape
            (rows, classes).
    """
    known = rows[rows["truth"].notna()]
    rule = rule_of(known, classes)
    if known.empty:
        return Contest("champion" if champion else "rule", None, NO_TRUTH)
    if champion is None:
        # chance: the same score for all
        beside = rule or Rule(known, np.eye(classes)[np.zeros(len(known), np.int64)])
        return Contest("chance" if rule is None else "rule", weigh(*beside))
    if champion.digest == challenger.digest:
        return Contest("champion", None, ITSELF)
    try:
        theirs = champion.predict(known)
    except VouchError as error:
        return Contest("champion", None, f"the champion cannot score these rows: {error}")
    return Contest("champion", weigh(known, theirs))


def against_champion(
    rows: pd.DataFrame,
    challenger: ScoredModel,
    champion: ScoredModel | None,
    compare: Callable[[pd.DataFrame, Floats], Comparison],
) -> Comparison:
    """Compare with the champion.

    Args:
        rows: The rows to compare on, scored by the challenger.
        challenger: The candidate.
        champion: The model to beat, if there is one.
        compare: Compares on them, given the champion's probabilities, shape (rows, classes).

    Returns:
        What ``compare`` does, or why there is no ``difference``.
    """
    if champion is None:
        return {"difference": None, "reason": "there is no champion yet"}
    if champion.digest == challenger.digest:
        return {"difference": None, "reason": ITSELF}
    try:
        theirs = champion.predict(rows)
    except VouchError as error:
        reason = f"the champion cannot score these rows: {error}"
        return {"difference": None, "reason": reason}
    return compare(rows, theirs)
