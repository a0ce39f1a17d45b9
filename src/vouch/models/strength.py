"""Labels of unequal strength: a rule's labels may weigh less than people's."""

from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

SOURCE, RULE, PERSON = "label_source", "rule", "reviewer"
ENOUGH = 30  # rows of each class with a stronger label, from which on only these are measured on
RuleWeight = Annotated[float, Field(gt=0, le=1)]
"""What a row with a rule's label weighs, above 0; others weigh 1."""


def ruled(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows have nothing better than a rule's label, shape (rows,).

    Args:
        frame: Training rows; without a column ``label_source`` none of them is the rule's.
    """
    if SOURCE not in frame:
        return np.zeros(len(frame), np.bool_)
    of_rule: NDArray[np.bool_] = (frame[SOURCE] == RULE).to_numpy(np.bool_)
    return of_rule


def mixed(frame: pd.DataFrame) -> bool:
    """Return whether rows have labels of a rule and stronger ones too."""
    of_rule = ruled(frame)
    return bool(of_rule.any() and not of_rule.all())


def weigh(of_rule: NDArray[np.bool_], rule_weight: float) -> NDArray[np.float64]:
    """Return each row's weight, shape (rows,)."""
    return np.where(of_rule, rule_weight, 1.0)


def judged(frame: pd.DataFrame, labels: NDArray[np.int8]) -> tuple[NDArray[np.bool_], list[str]]:
    """Choose the rows to measure candidates on: a rule's labels are no truth.

    Args:
        frame: Training rows.
        labels: Their labels, 0 or more, shape (rows,).

    Returns:
        Which rows: those with a stronger label than the rule's if there are enough of each class,
        else all; and what a reader should be warned of.
    """
    if not mixed(frame):
        return np.ones(len(frame), np.bool_), []
    strong = ~ruled(frame)
    classes, counted = np.unique(labels, return_counts=True)
    counts = np.bincount(labels[strong], minlength=classes.max() + 1)[classes]
    text = f"{strong.sum():,} of {len(frame):,} rows have a stronger label than the rule's"
    if (counts < np.minimum(ENOUGH, counted)).any() or not counts.all():
        return np.ones(len(frame), np.bool_), [
            f"{text}, too few of a class: trials are measured against the rule's labels too, which "
            "are no truth"
        ]
    return strong, [
        f"{text}: trials are measured on these alone; where people chose what to label, that is "
        "no sample of all rows"
    ]
