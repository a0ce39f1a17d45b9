"""Thresholdout: means from a holdout that is asked again. Certified.

Dwork, Feldman, Hardt, Pitassi, Reingold, Roth 2015, "Generalization in Adaptive Data Analysis and
Holdout Reuse" (arXiv 1506.02629, algorithm Thresholdout). The training estimate is the answer
unless the holdout's differs by more than a noisy threshold; only then is the holdout's told, with
noise, and only that costs of the budget.

The paper's theorem sets T = 3 tau / 4 and sigma = tau / (96 ln(4 m / beta)); its experiments, with
T = 4 / sqrt(n) and sigma = 1 / sqrt(n), have a threshold whose noise is wider than itself. Here T
is the experiments', and sigma so small that the noise of no question moves it out of [T / 2,
3 T / 2], but with a chance of beta / 2. At the sizes of a holdout so little noise proves nothing by
differential privacy; the bound follows from the paper's other argument, description length: values
are told in whole steps, so that :class:`.history.History` can count them.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from vouch.holdout.mechanisms import Guarantee
from vouch.holdout.mechanisms.history import History
from vouch.results.evaluate import Told

GUARANTEE: Guarantee = "certified"
BETA = 0.05
"""The chance with which any answer may be further off than its bound."""


@dataclass(frozen=True)
class Mean:
    """A mean of values between 0 and 1.

    Attributes:
        value: The mean, 0 to 1.
        units: How many values it is the mean of, at least 1.
        independent: Whether these are of single rows, as bounds presume.
    """

    value: float
    units: int
    independent: bool = True


@dataclass(frozen=True)
class Noise:
    """The noise of an answer, in multiples of sigma.

    Attributes:
        threshold: On the threshold, anew after each answer from the holdout; Laplace, scale 2.
        comparison: On the comparison with it; scale 4.
        value: On the holdout's value; scale 1.
    """

    threshold: float
    comparison: float
    value: float


def noise(of_threshold: int, of_question: int) -> Noise:
    """Draw the noise of an answer.

    Args:
        of_threshold: A seed that stays until the holdout's value is told; unknown to who asks.
        of_question: The question's own seed, likewise: the same question has the same noise.
    """
    kept, own = np.random.default_rng(of_threshold), np.random.default_rng(of_question)
    return Noise(kept.laplace(scale=2), own.laplace(scale=4), own.laplace())


@dataclass(frozen=True)
class Thresholdout:
    """Threshold and noise for means of so many values.

    Attributes:
        units: How many values a mean is of, at least 1.
        questions: How many questions are answered at most, at least 1.
        beta: The chance with which any answer may be further off than its bound.
    """

    units: int
    questions: int
    beta: float = BETA

    @property
    def threshold(self) -> float:
        """T: eight times the largest standard error of a mean."""
        return 4 / sqrt(self.units)

    @property
    def tail(self) -> float:
        """How many of its scales no noise of any question exceeds, but for beta / 2."""
        return log(6 * self.questions / self.beta)  # three noises a question

    @property
    def sigma(self) -> float:
        """The scale of the noise: threshold and comparison together stay within T / 2."""
        return self.threshold / (12 * self.tail)

    @property
    def step(self) -> float:
        """The step of values that are told."""
        return self.threshold / 4

    @property
    def values(self) -> int:
        """How many values can be told."""
        return int(1 / self.step) + 2

    def answer(self, training: float, holdout: float, drawn: Noise) -> tuple[float, bool]:
        """Return the answer to a question, 0 to 1, and whether it is the training estimate.

        Args:
            training: The mean on training rows, 0 to 1.
            holdout: The mean on the holdout, likewise.
            drawn: The question's noise.
        """
        line = self.threshold + self.sigma * (drawn.threshold + drawn.comparison)
        if abs(holdout - training) <= line:
            return training, True
        return self.rounded(holdout + self.sigma * drawn.value), False

    def rounded(self, value: float) -> float:
        """Round to whole steps, at least 0 and at most 1."""
        return min(max(round(value / self.step) * self.step, 0.0), 1.0)

    def bound(self, history: History) -> float:
        """Return tau: no answer is further from the truth, with a chance of 1 - beta.

        The error of the next question's mean follows Hoeffding's inequality, at its share of beta;
        a training estimate that holds is off by the threshold at most.

        Args:
            history: What was told before this question.
        """
        asked = history.mean.answers + 1
        # of beta / 2 question i has 1 / (i (i + 1)); two sides
        cost = log(4 * asked * (asked + 1) / self.beta) - history.log_probability()
        return sqrt(cost / (2 * self.units)) + 1.5 * self.threshold

    def told(self, from_training: bool) -> list[Told]:
        """Return what an answer tells, for :meth:`.history.History.after`."""
        return [{"kind": "mean", "surprise": not from_training, "probability": 1 / self.values}]
