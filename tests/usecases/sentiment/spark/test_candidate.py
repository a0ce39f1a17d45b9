import pytest
from optuna.trial import FixedTrial
from pydantic import ValidationError

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS, LINEAR, SparkCandidate
from vouch.usecases.sentiment.spark.params import SparkParams
from vouch.usecases.sentiment.spark.space import STARTS, SparkSpace
from vouch.usecases.sentiment.spark.tune import left_out, searched


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_start_is_a_candidate_and_survives_json(algorithm):
    space = SparkSpace(epochs=7)
    candidate = space.suggest(FixedTrial(space.start(algorithm)), ALGORITHMS)
    assert candidate.algorithm == algorithm
    assert candidate.hyperparameters.items() >= STARTS[algorithm].items()
    assert candidate.hyperparameters.get("epochs") == (7 if algorithm == "classifier_dl" else None)
    assert candidate.longest == (2 if algorithm in LINEAR else 1)
    assert space.read(candidate.model_dump(mode="json")) == candidate
    assert candidate.settings()["algorithm"] == algorithm


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"algorithm": "naive_bayes", "hyperparameters": {"alfa": 1}}, "did you mean 'alpha'"),
        ({"algorithm": "xgboost"}, "Input should be"),
        ({"algorithm": "naive_bayes", "longest": 4}, "less than or equal to 3"),
    ],
)
def test_unsound_candidates_are_refused(content, told):
    with pytest.raises(ValidationError, match=told):
        SparkCandidate.model_validate(content)


def test_unsound_parameters_are_refused():
    with pytest.raises(ValidationError, match="names one twice"):
        SparkParams(algorithms=("naive_bayes", "naive_bayes"))
    with pytest.raises(ValidationError, match="Input should be"):
        TextTuneParams.model_validate({"spark": {"algorithms": ["random_forest"]}})


def test_by_default_each_algorithm_is_tried_once():
    params = TextTuneParams().spark
    assert params.budget.trials == len(params.algorithms)
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
    some = TextTuneParams(algorithms=("xgboost", "naive_bayes", "linear_svm"))
    assert searched(some) == ("naive_bayes",)
    (warning,) = left_out(some)
    assert warning.endswith("not searched on Spark: linear_svm, xgboost")
