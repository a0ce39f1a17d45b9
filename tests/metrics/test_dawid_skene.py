"""Dawid and Skene's consensus against one written out vote by vote."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.metrics.dawid_skene import IMAGINED, SETTLED, estimate

FEW = 4  # rounds: where votes are tied, more of them make rounding errors large

VOTES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=25
)


def dense(votes):
    """Return votes whose cases and people are numbered from 0."""
    columns = [np.unique(column, return_inverse=True)[1] for column in np.array(votes).T[:2]]
    return np.column_stack([*columns, np.array(votes)[:, 2]])


def by_hand(votes, k=3):
    cases, people = (1 + max(vote[place] for vote in votes) for place in (0, 1))
    own = [[v for v in votes if v[0] == case] for case in range(cases)]
    likely = [[sum(v[2] == t for v in each) / len(each) for t in range(k)] for each in own]
    for _ in range(FEW):
        before = likely
        raw = {
            (p, j, t): sum(before[c][t] for c, who, word in votes if (who, word) == (p, j))
            for p in range(people)
            for j in range(k)
            for t in range(k)
        }
        total = {
            (j, t): 1 + sum(raw[p, j, t] for p in range(people)) for j in range(k) for t in range(k)
        }
        rates = {}
        for p in range(people):
            for t in range(k):
                column = sum(total[j, t] for j in range(k))
                full = [raw[p, j, t] + IMAGINED * total[j, t] / column for j in range(k)]
                rates |= {(p, j, t): full[j] / sum(full) for j in range(k)}
        likely = []
        for each in own:
            weights = [
                max(sum(row[t] for row in before) / cases, 1e-12)
                * math.prod(rates[p, j, t] for _, p, j in each)
                for t in range(k)
            ]
            likely.append([weight / sum(weights) for weight in weights])
        if np.abs(np.array(likely) - np.array(before)).max() < SETTLED:
            break
    return np.array(likely)


@settings(deadline=None, max_examples=40)
@given(VOTES)
def test_it_is_the_one_written_out(votes):
    numbered = dense(votes)
    likely = estimate(numbered, 3, FEW)
    assert likely.sum(axis=1) == pytest.approx(1)
    assert likely == pytest.approx(by_hand(numbered.tolist()), abs=1e-4)


def test_who_errs_often_weighs_less():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    errs = (0.05, 0.1, 0.45, 0.45, 0.45)
    wrong = np.array([rng.random(400) < rate for rate in errs])
    chosen = np.where(wrong, 1 - truth, truth)
    votes = [(case, who, chosen[who, case]) for case in range(400) for who in range(5)]
    right = estimate(np.array(votes), 2).argmax(axis=1) == truth
    majority = (chosen.mean(axis=0) > 0.5) == truth
    assert right.mean() > majority.mean() + 0.05


def test_a_word_that_stands_for_another_is_understood():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 300)
    honest = [np.where(rng.random(300) < 0.1, 1 - truth, truth) for _ in range(3)]
    chosen = [*honest, 1 - truth, 1 - truth]  # two people have the words the wrong way round
    votes = [(case, who, row[case]) for who, row in enumerate(chosen) for case in range(300)]
    assert (estimate(np.array(votes), 2).argmax(axis=1) == truth).mean() > 0.99
