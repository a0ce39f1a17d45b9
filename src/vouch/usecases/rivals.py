"""Whom a candidate has to beat on the holdout: the rule, and the champion."""

from collections.abc import Callable

import pandas as pd

from vouch.core.errors import VouchError
from vouch.holdout.judge import ScoredModel
from vouch.models.predictions import Floats
from vouch.results.evaluate import Comparison, Kind

NO_RULE = "the source declares no rule"


def kind_of(rows: pd.DataFrame) -> Kind:
    """Return against what rows are judged: the truth where any is known, else the rule."""
    return "truth" if rows["truth"].notna().any() else "rule"


def against_rule(rows: pd.DataFrame, compare: Callable[[pd.DataFrame], Comparison]) -> Comparison:
    """Compare with the rule's own decisions, which only the truth can do.

    Args:
        rows: Scored rows, with ``truth`` and ``rule``.
        compare: Compares on the rows of which both are known.

    Returns:
        What ``compare`` does, or why there is no ``difference``.
    """
    if not rows["truth"].notna().any():
        return {"difference": None, "reason": "no truth is known: the rule cannot be judged"}
    if not rows["rule"].notna().any():
        return {"difference": None, "reason": NO_RULE}
    return compare(rows[rows["truth"].notna() & rows["rule"].notna()])


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
        return {"difference": None, "reason": "the candidate is the champion itself"}
    try:
        theirs = champion.predict(rows)
    except VouchError as error:
        reason = f"the champion cannot score these rows: {error}"
        return {"difference": None, "reason": reason}
    return compare(rows, theirs)


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows whose label is known, of the kind they are judged against."""
    return rows[rows[kind_of(rows)].notna()]
