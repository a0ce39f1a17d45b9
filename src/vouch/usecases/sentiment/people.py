"""The figures of a model of classes where people alone know the truth, and only of some texts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vouch.holdout.judge import People
from vouch.metrics import drawn
from vouch.metrics.drawn import Estimate, Sample
from vouch.models.predictions import Likeliest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
DIFFER = 4.0
"""How much likelier a text is drawn of which the models, or the rule, say different classes: of the
others a decision changes no difference."""


def sizes(likely: Sequence[Floats], rule: Integers | None) -> Floats:
    """Return what each text's chance to be drawn is in proportion to, above 0, shape (rows,).

    Args:
        likely: Each model's probabilities, shape (rows, classes).
        rule: The rule's classes, shape (rows,); None without a rule.
    """
    decisions = [Likeliest().classes(each) for each in likely]
    decisions += [] if rule is None else [rule]
    differ = np.ptp(np.array(decisions), axis=0) > 0
    return np.where(differ, DIFFER, 1.0)


def labels(people: People) -> Integers:
    """Return each decided text's class: the one most reviewers chose, of equals the first."""
    return people.votes.argmax(axis=1)


def sample(people: People) -> Sample:
    """Return people's word as a sample of the holdout."""
    return Sample(people.rows, people.chances, np.ones(len(people.rows)))


def macro_recall(chosen: Integers, true: Integers, people: Sample) -> Estimate:
    """Estimate the mean of the classes' recalls, over classes that people saw.

    Args:
        chosen: A model's class of each decided text, shape (decided,).
        true: People's, likewise.
        people: The decided texts.
    """
    recalls = [
        drawn.share((chosen == true) * (true == each), (true == each) * 1.0, people)
        for each in np.unique(true)
    ]
    return drawn.mean(recalls, 1 / people.chances)


def accuracy(chosen: Integers, true: Integers, people: Sample) -> Estimate:
    """Estimate the share of texts that a model says right; arguments as :func:`macro_recall`."""
    return drawn.share((chosen == true) * 1.0, np.ones(len(true)), people)
