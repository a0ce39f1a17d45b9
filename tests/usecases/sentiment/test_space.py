import optuna
import pytest

from vouch.models.space import RULE_START, Range
from vouch.usecases.sentiment.candidate import ALGORITHMS, HYPERPARAMETERS, LINEAR, TOGETHER
from vouch.usecases.sentiment.space import SPACE, STARTS, TextSpace

ENCODERS = ("e5@" + "0" * 64, "bge@" + "1" * 64)


@pytest.mark.parametrize("encoders", [(), ENCODERS])
def test_every_random_choice_is_a_candidate_that_survives_json(encoders):
    space = TextSpace(encoders=encoders)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    seen = [space.suggest(study.ask(), ALGORITHMS) for _ in range(200)]
    assert {one.algorithm for one in seen} == set(ALGORITHMS)
    assert any(one.preparation.encoders for one in seen) == bool(encoders)
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
    space = TextSpace(encoders=ENCODERS)
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


def test_encoders_are_chosen_alone_and_together_and_weigh_where_scale_matters():
    space = TextSpace(encoders=ENCODERS)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    seen = [space.suggest(study.ask(), ALGORITHMS).preparation for _ in range(200)]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    linear = [space.suggest(study.ask(), ["linear_svm"]).preparation for _ in range(100)]
    assert {each.encoders for each in linear} == {(), ENCODERS[:1], ENCODERS[1:], ENCODERS}
    assert all((each.embedding_weight is not None) == bool(each.encoders) for each in linear)
    assert any(each.encoders and each.embedding_weight is None for each in seen)  # trees


@pytest.mark.parametrize("partner", ["linear_svm", "naive_bayes"])
@pytest.mark.parametrize("algorithm", sorted(TOGETHER))
def test_a_partner_reads_everything_but_naive_bayes_which_reads_words(algorithm, partner):
    space, study = TextSpace(encoders=ENCODERS), optuna.create_study()
    study.enqueue_trial(space.start(algorithm) | {f"{algorithm}.partner": partner})
    chosen = space.suggest(study.ask(), [algorithm])
    first, second = chosen.members
    assert (first.algorithm, second.algorithm) == ("logistic_regression", partner)
    assert first.preparation == chosen.preparation and first.preparation.encoders == ENCODERS
    words = {"encoders": (), "embedding_weight": None, "characters": "none"}
    changed = words if partner == "naive_bayes" else {}
    assert second.preparation == chosen.preparation.model_copy(update=changed)


def test_another_encoders_candidate_is_not_tried_again():
    space, other = TextSpace(encoders=ENCODERS), TextSpace(encoders=("e5@" + "2" * 64,))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial(space.start("logistic_regression"))
    content = space.suggest(study.ask(), ALGORITHMS).model_dump(mode="json")
    assert space.choices(content) is not None
    assert other.choices(content) is None
    assert TextSpace().choices(content) is None


@pytest.mark.parametrize("embeddings", [False, True])
def test_what_earlier_releases_wrote_is_read(embeddings):
    content = {"algorithm": "linear_svm", "preparation": {"embeddings": embeddings}}
    candidate = TextSpace().read(content)
    assert candidate.preparation.encoders == (("encoder",) if embeddings else ())
    assert candidate.preparation.embedding_weight is None
