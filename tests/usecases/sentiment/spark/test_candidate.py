import pytest
from optuna.trial import FixedTrial
from pydantic import ValidationError

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS, LINEAR, SparkCandidate
from vouch.usecases.sentiment.spark.params import SparkParams
from vouch.usecases.sentiment.spark.space import STARTS, SparkSpace
from vouch.usecases.sentiment.spark.tune import left_out, searched

ENCODERS = ("e5-small-v2@" + "a" * 64, "bge-small-en-v1.5@" + "b" * 64)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_start_is_a_candidate_and_survives_json(algorithm):
    space = SparkSpace(epochs=7)
    candidate = space.suggest(FixedTrial(space.start(algorithm)), ALGORITHMS)
    assert candidate.algorithm == algorithm
    assert candidate.hyperparameters.items() >= STARTS[algorithm].items()
    assert candidate.hyperparameters.get("epochs") == (7 if algorithm == "classifier_dl" else None)
    assert candidate.longest == (2 if algorithm in LINEAR else 1)
    assert candidate.encoder is None and candidate.embedding_weight is None
    assert (
        space.choices(candidate.model_dump(mode="json")).items() >= space.start(algorithm).items()
    )
    assert space.read(candidate.model_dump(mode="json")) == candidate
    assert candidate.settings()["algorithm"] == algorithm


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_with_encoders_it_starts_with_the_first_one(algorithm):
    space = SparkSpace(epochs=7, encoders=ENCODERS)
    candidate = space.suggest(FixedTrial(space.start(algorithm)), ALGORITHMS)
    assert candidate.encoder == (None if algorithm == "naive_bayes" else ENCODERS[0])
    weighed = algorithm in LINEAR and algorithm != "naive_bayes"
    assert (candidate.embedding_weight is not None) == weighed
    assert candidate.longest == (2 if algorithm in LINEAR else 0)
    assert "dimensions" not in candidate.hyperparameters
    content = candidate.model_dump(mode="json")
    assert space.read(content) == candidate
    choices = space.choices(content)
    assert space.suggest(FixedTrial(choices), ALGORITHMS) == candidate
    if candidate.encoder:  # where it is gone, so is the candidate
        assert SparkSpace(epochs=7).choices(content) is None


def test_what_an_earlier_release_wrote_is_a_candidate():
    content = {"algorithm": "classifier_dl", "hyperparameters": {"dimensions": 100}, "longest": 1}
    candidate = SparkSpace().read(content)
    assert (candidate.encoder, candidate.ngrams) == (None, False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"algorithm": "naive_bayes", "hyperparameters": {"alfa": 1}}, "did you mean 'alpha'"),
        ({"algorithm": "xgboost"}, "Input should be"),
        ({"algorithm": "naive_bayes", "longest": 4}, "less than or equal to 3"),
        ({"algorithm": "naive_bayes", "encoder": ENCODERS[0]}, "cannot take embeddings"),
        ({"algorithm": "linear_svm", "longest": 0}, "longest 0 uses no n-grams"),
        ({"algorithm": "linear_svm", "embedding_weight": 0}, "greater than 0"),
        ({"algorithm": "linear_svm", "embedding_weight": 1}, "leave it out"),
        (
            {"algorithm": "random_forest", "encoder": ENCODERS[0], "embedding_weight": 1},
            "leave it out",
        ),
    ],
)
def test_unsound_candidates_are_refused(content, told):
    with pytest.raises(ValidationError, match=told):
        SparkCandidate.model_validate(content)


def test_unsound_parameters_are_refused():
    with pytest.raises(ValidationError, match="names one twice"):
        SparkParams(algorithms=("naive_bayes", "naive_bayes"))
    with pytest.raises(ValidationError, match="Input should be"):
        TextTuneParams.model_validate({"spark": {"algorithms": ["xgboost"]}})


def test_by_default_each_algorithm_is_tried_after_the_champions_settings():
    params = TextTuneParams().spark
    assert params.budget.trials == len(params.algorithms) + 1
    assert len(params.samplers) == 1


def test_the_stages_algorithms_are_tried_or_refused_by_name():
    assert searched(TextTuneParams()) == ALGORITHMS
    named = TextTuneParams(algorithms=("logistic_regression",))
    assert searched(named) == ("logistic_regression",)
    with pytest.raises(VouchError, match="none of xgboost, voting is searched on Spark") as error:
        searched(TextTuneParams(algorithms=("xgboost", "voting")))
    assert "tune.sentiment.spark.algorithms" in error.value.hint


def test_a_list_that_others_share_runs_on_spark_and_what_is_left_out_is_named():
    default = TextTuneParams()
    listed = TextTuneParams(algorithms=default.algorithms[::-1])
    assert searched(listed) == ALGORITHMS
    assert left_out(default) == left_out(listed) == []
    some = TextTuneParams(algorithms=("xgboost", "naive_bayes", "linear_svm", "voting"))
    assert searched(some) == ("naive_bayes", "linear_svm")
    (warning,) = left_out(some)
    assert warning.endswith("not searched on Spark: voting, xgboost")
