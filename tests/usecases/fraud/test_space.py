import optuna
import pytest

from tests.usecases.fraud.gold import FEATURES
from vouch.models.space import RULE_START, RULE_WEIGHT, Range
from vouch.usecases.fraud.candidate import ALGORITHMS, Candidate
from vouch.usecases.fraud.space import SPACE, STARTS, Offer, suggest

OFFER = Offer(tuple(FEATURES))


@pytest.mark.parametrize("offer", [OFFER, Offer((("amount", "amount", None),))])
def test_every_random_choice_is_a_candidate_that_can_be_extracted(offer):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    seen = set()
    for _ in range(200):
        candidate = suggest(study.ask(), offer, ALGORITHMS)
        columns = offer.columns(candidate)
        assert columns
        assert set(columns) <= {name for name, *_ in offer.features}
        seen.add((candidate.groups, candidate.windows))
    several = len(offer.groups) > 1
    assert (len(seen) > 5) == several
    assert ((offer.groups, offer.windows) in seen) or not several


def test_groups_and_windows_choose_columns():
    chosen = Candidate(algorithm="xgboost", groups=("amount", "payer_windows"), windows=("1d",))
    assert OFFER.columns(chosen) == ("amount", "payer_count_1d")
    assert OFFER.columns(Candidate(algorithm="xgboost")) == tuple(name for name, *_ in FEATURES)


def test_windows_are_ordered_by_length():
    listed = [{"name": w, "group": "g", "window": w} for w in ("30d", "12h", "1w")]
    assert Offer.of(listed).windows == ("12h", "1w", "30d")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_starts_inside_its_space(algorithm):
    assert STARTS[algorithm].keys() == SPACE[algorithm].keys()
    for name, choices in SPACE[algorithm].items():
        value = STARTS[algorithm][name]
        if isinstance(choices, Range):
            assert choices.low <= value <= choices.high
        else:
            assert value in choices


@pytest.mark.parametrize("mixed", [False, True])
def test_the_rules_weight_is_searched_for_only_beside_stronger_labels(mixed):
    offer = Offer(tuple(FEATURES), mixed)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    weights = {suggest(study.ask(), offer, ALGORITHMS).rule_weight for _ in range(50)}
    assert min(weights) >= RULE_WEIGHT.low
    assert (weights == {1.0}) != mixed
    study.enqueue_trial(offer.start("xgboost"))
    assert suggest(study.ask(), offer, ALGORITHMS).rule_weight == (RULE_START if mixed else 1.0)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("unripe", [False, True])
def test_what_becomes_of_unripe_labels_is_searched_for_only_where_there_are_any(unripe, one_sided):
    offer = Offer(tuple(FEATURES), mixed=True, unripe=unripe, one_sided=one_sided)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    chosen = {suggest(study.ask(), offer, ALGORITHMS).unripe for _ in range(50)}
    weighed = {"weighted"} if one_sided else set()
    assert chosen == ({"all", "left_out"} | weighed if unripe else {"all"})
    study.enqueue_trial(offer.start("xgboost"))
    first = suggest(study.ask(), offer, ALGORITHMS)
    assert first.unripe == "all"
    assert "unripe" not in first.model_dump() and "unripe" not in first.settings()
    assert ("unripe" in study.trials[-1].params) == unripe
    left_out = Candidate(algorithm="xgboost", unripe="left_out")
    assert Candidate.model_validate(left_out.model_dump(mode="json")) == left_out
