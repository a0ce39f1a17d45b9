from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vouch.models.submodular import FAINT, pick

WEIGHTS = arrays(
    float,
    st.tuples(st.integers(0, 7), st.integers(1, 5)),
    elements=st.sampled_from([0, 0, 0.01, -0.1, 0.3, -0.7, 1]),
)


def coverage(weights, cases):
    """What some cases cover, by the paper's formula, term by term."""
    heaviest = np.abs(weights).max(initial=0)
    return sum(
        np.sqrt(sum(abs(row[j]) for row in weights))
        for j in range(weights.shape[1])
        if any(abs(weights[i, j]) > FAINT * heaviest for i in cases)
    )


@given(WEIGHTS, st.integers(0, 5))
def test_each_case_is_the_one_that_covers_most_of_what_is_left(weights, count):
    picks = pick(weights, count)
    taken = []
    for case, covered in zip(picks.cases, picks.covered, strict=True):
        values = [coverage(weights, [*taken, other]) for other in range(len(weights))]
        assert values[case] == pytest.approx(max(values))
        assert values[case] > coverage(weights, taken)
        taken.append(case)
        assert covered == pytest.approx(values[case] / picks.importance.sum())
    everything = coverage(weights, range(len(weights)))
    assert len(taken) == count or coverage(weights, taken) == pytest.approx(everything)


@given(WEIGHTS, st.integers(1, 3))
def test_greed_reaches_its_share_of_the_best(weights, count):
    count = min(count, len(weights))
    best = max((coverage(weights, c) for c in combinations(range(len(weights)), count)), default=0)
    assert coverage(weights, pick(weights, count).cases) >= (1 - 1 / np.e) * best - 1e-9


def test_the_papers_own_example():
    weights = np.zeros((5, 5))  # figure 5: the second row covers most, then the fifth row
    weights[0, :2] = weights[1, [0, 1, 2]] = weights[2, 1] = weights[3, 1] = 1
    weights[4, 3:] = 1
    assert pick(weights, 2).cases == (1, 4)


def test_faint_weights_cover_nothing():
    weights = np.array([[1.0, 0.001], [0.0, 0.5]])
    assert pick(weights, 5).cases == (0, 1)
    assert pick(np.zeros((3, 2)), 2).cases == ()
