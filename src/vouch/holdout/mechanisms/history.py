"""How much the answers told so far give away, as the probability of a code that foresaw them.

A code gives each possible sequence of answers a probability, all of them together at most 1,
whatever is asked after each. A question that follows a history of probability q may err with a
chance of q times what all may: over all histories that is a union bound (Dwork et al. 2015, arXiv
1506.02629, section 2.2, with weights as in Occam's bound: Blumer et al. 1987). Answers that were
expected cost next to nothing, so it pays to foresee: a challenger is not promoted, a first champion
beats the rule, a holdout agrees with the training rows. A surprise costs its place among all
answers (Laplace's rule of succession: any share of surprises is equally likely) and its value.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import exp, lgamma, log

from vouch.results.evaluate import Told, ToldKind

EXPECTED = 0.9
"""Probability that a kind of answer never surprises."""


@dataclass(frozen=True)
class Tally:
    """Answers of one kind.

    Attributes:
        answers: How many there are.
        surprises: How many of them were not the expected one.
    """

    answers: int = 0
    surprises: int = 0

    def log_probability(self) -> float:
        """Return the logarithm of the probability of just this sequence.

        >>> from math import exp
        >>> round(exp(Tally(19, 0).log_probability()), 3)
        0.905
        """
        n, s = self.answers, self.surprises
        # 1 / ((n + 1) binomial(n, s)): a uniform share of surprises, integrated out
        uniform = lgamma(s + 1) + lgamma(n - s + 1) - lgamma(n + 2)
        if s:
            return log(1 - EXPECTED) + uniform
        return log(EXPECTED + (1 - EXPECTED) * exp(uniform))

    def then(self, surprise: bool) -> "Tally":
        """Return the tally after one more answer."""
        return Tally(self.answers + 1, self.surprises + surprise)


@dataclass(frozen=True)
class History:
    """What a holdout has told.

    Attributes:
        rule: Whether models beat the rule, or chance; the expected answer is yes.
        champion: Whether models beat a champion; the expected answer is no.
        figure: Rounded figures of promoted models; expected is the out-of-fold figure.
        mean: Means; expected is that the training estimate holds.
        values: Sum of the logarithms of the probabilities of what was told instead.
    """

    rule: Tally = field(default_factory=Tally)
    champion: Tally = field(default_factory=Tally)
    figure: Tally = field(default_factory=Tally)
    mean: Tally = field(default_factory=Tally)
    values: float = 0.0

    def after(self, answers: Iterable[Told]) -> "History":
        """Return the history after more answers."""
        history = self
        for each in answers:
            history = history.then(each["kind"], each["surprise"], each["probability"])
        return history

    def then(self, kind: ToldKind, surprise: bool, value: float = 1.0) -> "History":
        """Return the history after one more answer.

        Args:
            kind: What was answered.
            surprise: Whether it was not the expected answer.
            value: The probability, among all surprising answers of the kind, of the one told.
        """
        told: Tally = getattr(self, kind)
        more = log(value) if surprise else 0.0
        return replace(self, **{kind: told.then(surprise)}, values=self.values + more)

    def log_probability(self) -> float:
        """Return the logarithm of the probability of all that was told, at most 0."""
        tallies = (self.rule, self.champion, self.figure, self.mean)
        return self.values + sum(tally.log_probability() for tally in tallies)
