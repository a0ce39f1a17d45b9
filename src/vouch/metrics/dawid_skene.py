"""What people come to together, each by how they err: Dawid and Skene's consensus.

Dawid and Skene 1979, Maximum likelihood estimation of observer error-rates using the EM algorithm,
Applied Statistics 28: each person takes each class for each other one at rates of their own; these
and the cases' classes are estimated in turn by expectation maximisation, at first by the shares of
votes. People of few votes would get rates of 0 and 1, so each is given a few imagined votes at
everybody's rates.
"""

import numpy as np

from vouch.metrics.clusters import Floats, Integers

ROUNDS = 100
SETTLED = 1e-6  # change of the probabilities at which the rounds end
IMAGINED = 5.0
"""Votes each person is given on each class, at everybody's rates."""
RARE = 1e-12  # the share of a class that nobody chose


def estimate(votes: Integers, classes: int, rounds: int = ROUNDS) -> Floats:
    """Estimate how likely each case is of each class.

    Args:
        votes: Rows of case, person and class, numbers from 0, shape (votes, 3); each case has one.
        classes: How many classes there are.
        rounds: How often rates and classes are estimated, at most.

    Returns:
        Shape (cases, classes); each row adds up to 1.
    """
    likely = np.zeros((votes[:, 0].max() + 1, classes))
    np.add.at(likely, (votes[:, 0], votes[:, 2]), 1.0)
    likely /= likely.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        before = likely
        likely = _expected(votes, _rates(votes, before), before)
        if np.abs(likely - before).max() < SETTLED:
            break
    return likely


def _rates(votes: Integers, likely: Floats) -> Floats:
    """Return how often each person chooses each class of each true one.

    Its shape is (people, chosen classes, true classes).
    """
    cases, people, chosen = votes.T
    counts = np.zeros((people.max() + 1, likely.shape[1], likely.shape[1]))
    np.add.at(counts, (people, chosen), likely[cases])
    everybody = counts.sum(axis=0) + 1.0
    counts += IMAGINED * everybody / everybody.sum(axis=0)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _expected(votes: Integers, rates: Floats, likely: Floats) -> Floats:
    """Return how likely each case is of each class by its votes and how common classes are."""
    cases, people, chosen = votes.T
    evidence = np.tile(np.log(np.maximum(likely.mean(axis=0), RARE)), (len(likely), 1))
    np.add.at(evidence, cases, np.log(rates[people, chosen]))
    weights = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
