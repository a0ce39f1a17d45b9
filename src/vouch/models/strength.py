"""Labels of unequal strength: a rule's may weigh less than people's, the few people found more."""

from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

SOURCE, RULE, PERSON = "label_source", "rule", "reviewer"
LABEL, TRUTH = "label", "truth"
ENOUGH = 30  # rows of each class with a stronger label, from which on only these are measured on
MOST = 0.5
"""Of more rows truth is known: then the rule's labels are those of rows that still wait for it."""
FOUND = 3.0
"""How many times as much all that people found weighs as all whose truth came by itself: at 1 a new
kind of fraud is learned from fewer finds less well, at 5 the known kinds suffer."""
MOST_FOUND = 100.0
"""What a positive that people found weighs at most, so that a first mistake is not all there is."""
RuleWeight = Annotated[float, Field(gt=0, le=1)]
"""What a row with a rule's label weighs, above 0; others weigh 1."""


def ruled(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows have nothing better than a rule's label, shape (rows,).

    Args:
        frame: Training rows; without a column ``label_source`` none of them is the rule's.
    """
    return _labelled_by(RULE, frame)


def _labelled_by(source: str, frame: pd.DataFrame) -> NDArray[np.bool_]:
    if SOURCE not in frame:
        return np.zeros(len(frame), np.bool_)
    own: NDArray[np.bool_] = (frame[SOURCE] == source).to_numpy(np.bool_)
    return own


def trains(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows have a label that may train, shape (rows,).

    The others were labelled by truth alone, which came by itself after the holdout began: they
    only measure.
    """
    if SOURCE not in frame:
        return np.ones(len(frame), np.bool_)
    own: NDArray[np.bool_] = frame[SOURCE].notna().to_numpy(np.bool_)
    return own


def measuring(frame: pd.DataFrame) -> NDArray[np.int8]:
    """Return the labels to measure by, shape (rows,): the truth, whenever it came, else the label.

    Only the fast truth would be a choice by delay: where frauds are reported sooner than others
    are cleared, it holds too many of them.
    """
    if TRUTH not in frame:
        return frame[LABEL].to_numpy(np.int8)
    return frame[TRUTH].fillna(frame[LABEL]).to_numpy(np.int8)


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with a label each: of those that may not train, the one to measure by."""
    if not frame[LABEL].isna().any():
        return frame
    return frame.assign(**{LABEL: frame[LABEL].fillna(frame[TRUTH]).astype(np.int8)})


def mixed(frame: pd.DataFrame) -> bool:
    """Return whether rows have labels of a rule and stronger ones too."""
    of_rule = ruled(frame)
    return bool(of_rule.any() and not of_rule.all())


def decided(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows have the label that people gave them, shape (rows,)."""
    return _labelled_by(PERSON, frame)


def found_weight(positive: NDArray[np.bool_], frame: pd.DataFrame) -> float:
    """Return what a positive that people found weighs beside one whose truth came by itself.

    Truth comes for all positives of its time, but people see few rows: what they found stands for
    what nobody was asked about, as in learning from positives and unlabelled rows (Elkan and Noto
    2008, Learning classifiers from only positive and unlabeled data, KDD). For how much is unknown:
    all that people found weighs ``FOUND`` times as much as all that came by itself.

    Args:
        positive: Which rows are positive, shape (rows,).
        frame: The rows.

    Returns:
        At least 1, at most ``MOST_FOUND``; 1 where no truth came by itself.
    """
    if SOURCE not in frame:
        return 1.0
    people = decided(frame)
    found = (positive & people).sum()
    came = (positive & ~people & ~ruled(frame)).sum()
    return float(np.clip(FOUND * came / max(found, 1), 1.0, MOST_FOUND))


def weigh(of_rule: NDArray[np.bool_], rule_weight: float) -> NDArray[np.float64]:
    """Return each row's weight, shape (rows,)."""
    return np.where(of_rule, rule_weight, 1.0)


def judged(frame: pd.DataFrame, labels: NDArray[np.int8]) -> tuple[NDArray[np.bool_], list[str]]:
    """Choose the rows to measure candidates on: a rule's labels are no truth.

    Args:
        frame: Training rows; with ``truth``, this counts whether it may train or not.
        labels: The labels to measure by, 0 or more, shape (rows,).

    Returns:
        Which rows: those with a stronger label than the rule's if these are most of them, or enough
        of each class, else all; and what a reader should be warned of.
    """
    strong = ~ruled(frame)
    if TRUTH in frame:
        strong |= frame[TRUTH].notna().to_numpy(np.bool_)
    if strong.all() or not strong.any():
        return np.ones(len(frame), np.bool_), []
    classes, counted = np.unique(labels, return_counts=True)
    counts = np.bincount(labels[strong], minlength=classes.max() + 1)[classes]
    text = f"{strong.sum():,} of {len(frame):,} rows have a stronger label than the rule's"
    few = bool((counts < np.minimum(ENOUGH, counted)).any())
    if (few and strong.mean() <= MOST) or not counts.all():
        return np.ones(len(frame), np.bool_), [
            f"{text}, too few of a class: trials are measured against the rule's labels too, which "
            "are no truth"
        ]
    chosen = "; where people chose what to label, that is no sample of all rows"
    why = chosen if decided(frame).any() else ""
    rough = f", though only {counts.min():,} of one class: a rough guide" if few else ""
    return strong, [f"{text}: trials are measured on these alone{rough}{why}"]
