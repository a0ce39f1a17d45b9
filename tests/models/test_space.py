"""A candidate's choices: what a search would have to choose to try it again."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from tests.usecases.fraud.gold import FEATURES
from vouch.usecases.fraud.candidate import ALGORITHMS as FRAUD
from vouch.usecases.fraud.space import Offer
from vouch.usecases.sentiment.candidate import ALGORITHMS as TEXTS
from vouch.usecases.sentiment.space import TextSpace
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS as SPARK
from vouch.usecases.sentiment.spark.space import SparkSpace

SPACES = {
    "payments": (Offer(tuple(FEATURES)), FRAUD),
    "payments, mixed": (Offer(tuple(FEATURES), mixed=True), FRAUD),
    "payments, unripe": (Offer(tuple(FEATURES), mixed=True, unripe=True, one_sided=True), FRAUD),
    "texts": (TextSpace(), TEXTS),
    "texts, mixed": (TextSpace(encoders=("e5@0", "bge@1"), mixed=True), TEXTS),
    "Spark": (SparkSpace(), SPARK),
}


def drawn(space, algorithms, seed):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    return space.suggest(study.ask(), algorithms)


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_candidates_choices_make_the_same_candidate_again(name, seed):
    space, algorithms = SPACES[name]
    candidate = drawn(space, algorithms, seed)
    choices = space.choices(candidate.model_dump(mode="json"))
    assert space.suggest(FixedTrial(choices), algorithms) == candidate


def test_what_is_not_offered_any_more_has_no_choices():
    space, _ = SPACES["payments"]
    content = drawn(space, ("xgboost",), 1).model_dump(mode="json")
    assert space.choices(content)
    assert space.choices(content | {"groups": ["amount"]}) is None  # more than one left out
    assert space.choices(content | {"windows": ["99d"]}) is None
    deeper = content["hyperparameters"] | {"max_depth": 30}
    assert space.choices(content | {"hyperparameters": deeper}) is None
    assert space.choices(content | {"rule_weight": 0.2}) is None  # no rule's labels beside others
