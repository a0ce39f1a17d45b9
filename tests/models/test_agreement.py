import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.models.agreement import Weighed, agreement, heaviest, stability

PARTS = st.dictionaries(st.integers(0, 9), st.floats(-1, 1), max_size=8).map(
    lambda weights: [Weighed(name, weight) for name, weight in weights.items()]
)


def named(*weights):
    return [Weighed(name, weight) for name, weight in enumerate(weights)]


def test_what_is_too_light_is_no_reason():
    assert heaviest(named(0.1, -0.5, 0.02, 0.03, 0), 5) == [(1, -0.5), (0, 0.1), (3, 0.03)]
    assert heaviest(named(0.1, -0.5, 0.02), 1) == [(1, -0.5)]
    assert heaviest(named(0, 0), 2) == heaviest([], 2) == []


@given(PARTS, st.integers(1, 6))
def test_a_run_is_like_itself_whatever_the_order(parts, top):
    distinct = len({abs(part.weight) for part in parts}) == len(parts)
    if distinct:
        assert stability([parts, parts[::-1], parts], top) == 1
    assert stability([parts], top) is None


@given(st.lists(PARTS, min_size=2, max_size=4), st.integers(1, 6))
def test_stability_is_the_mean_over_pairs(runs, top):
    value = stability(runs, top)
    pairs = [stability([a, b], top) for i, a in enumerate(runs) for b in runs[i + 1 :]]
    assert value == pytest.approx(math.fsum(pairs) / len(pairs))
    assert 0 <= value <= 1


def test_runs_that_share_half():
    assert stability([named(0.5, 0.4, 0, 0.3, 0.2), named(0.5, 0.4, 0.3, 0, 0, 0.2)], 4) == 0.5
    assert stability([named(0.5), named(0, 0.5)], 4) == 0
    assert stability([named(0.0), named(0.0)], 4) == 1


def test_agreement_needs_the_same_sign():
    result = agreement(named(0.5, -0.4, 0.3), named(2, 1.5, 0, -3), 3)
    assert (result.shared, result.opposed, result.compared) == (1, 1, 3)
    assert result.share == pytest.approx(1 / 3)
    assert result.sentence == (
        "LIME and TreeSHAP share 1 of their 3 heaviest features, with the same sign; "
        "1 they see with opposite signs"
    )


def test_a_model_of_few_features_is_not_blamed_for_the_others():
    assert agreement(named(0.5, 0.06, 0.05, 0.04), named(3.0, 0, 0, 0), 3).share == 1
    assert agreement(named(0.5), named(0.0), 3).share == 1
    assert agreement(named(0.5), named(0.0), 3).sentence == "LIME or TreeSHAP names no feature"


@given(PARTS, PARTS, st.integers(1, 6))
def test_agreement_is_mutual(first, second, top):
    assert agreement(first, second, top) == agreement(second, first, top)
    assert 0 <= agreement(first, second, top).share <= 1
