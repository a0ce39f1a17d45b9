import optuna
import pytest

from vouch.models.space import RULE_START, Range
from vouch.usecases.sentiment.candidate import ALGORITHMS, HYPERPARAMETERS, LINEAR
from vouch.usecases.sentiment.space import SPACE, STARTS, TextSpace


@pytest.mark.parametrize("embeddings", [False, True])
def test_every_random_choice_is_a_candidate_that_survives_json(embeddings):
    space = TextSpace(embeddings=embeddings)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    seen = [space.suggest(study.ask(), ALGORITHMS) for _ in range(200)]
    assert {one.algorithm for one in seen} == set(ALGORITHMS)
    assert any(one.preparation.embeddings for one in seen) == embeddings
    assert len({one.model_dump_json() for one in seen}) > 150
    for one in seen:
        assert space.read(one.model_dump(mode="json")) == one
        assert one.preparation.select is None or one.algorithm not in LINEAR


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_starts_inside_its_space(algorithm):
    assert STARTS[algorithm].keys() == SPACE[algorithm].keys() <= HYPERPARAMETERS[algorithm]
    for name, choices in SPACE[algorithm].items():
        value = STARTS[algorithm][name]
        if isinstance(choices, Range):
            assert choices.low <= value <= choices.high
        else:
            assert value in choices


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_start_fixes_every_choice(algorithm):
    space = TextSpace(embeddings=True)
    fixed = space.start(algorithm)
    study = optuna.create_study()
    study.enqueue_trial(fixed)
    trial = study.ask()
    space.suggest(trial, ALGORITHMS)
    assert trial.params == fixed


@pytest.mark.parametrize("mixed", [False, True])
def test_the_rules_weight_is_searched_for_only_beside_stronger_labels(mixed):
    space = TextSpace(mixed=mixed)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    weights = {space.suggest(study.ask(), ALGORITHMS).rule_weight for _ in range(30)}
    assert (weights == {1.0}) != mixed
    study.enqueue_trial(space.start("linear_svm"))
    found = space.suggest(study.ask(), ALGORITHMS)
    assert found.rule_weight == (RULE_START if mixed else 1.0)
    assert space.read(found.model_dump(mode="json")) == found
