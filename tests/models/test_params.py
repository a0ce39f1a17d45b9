import pytest
from pydantic import ValidationError

from vouch.usecases.fraud.params import TuneParams


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"budget": {"trials": 3}},
        {"budget": {"seconds": 1.5}, "samplers": ["tpe"]},
        {"algorithms": ["xgboost"], "folds": 2, "threads": 1},
    ],
)
def test_sound_parameters_are_taken(content):
    assert TuneParams.model_validate(content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"budget": {"trials": 3, "seconds": 2}}, "either trials or seconds"),
        ({"budget": {}}, "either trials or seconds"),
        ({"budget": {"trials": 0}}, "greater than or equal to 1"),
        ({"samplers": []}, "at least 1 item"),
        ({"samplers": ["grid"]}, "'random' or 'tpe'"),
        ({"algorithms": ["xgboost", "xgboost"]}, "twice"),
        ({"folds": 1}, "greater than or equal to 2"),
        ({"trial": 3}, "Extra inputs"),
    ],
)
def test_unsound_parameters_are_refused(content, told):
    with pytest.raises(ValidationError, match=told):
        TuneParams.model_validate(content)
