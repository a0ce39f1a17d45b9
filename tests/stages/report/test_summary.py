import pytest

from vouch.stages.report import summary

from .conftest import make_summaries, results

TOTALS = {"rows": 405, "amount": None, "first": None, "last": None}


@pytest.fixture
def content():
    return make_summaries()


def sentences(content):
    return summary.sentences(results(content), TOTALS)


def test_each_warning_is_said_once(content):
    content["labelled"]["warnings"] = ["only 12 frauds are in the holdout", "no truth"]
    told = summary.warnings(results(content))
    assert told.count("only 12 frauds are in the holdout") == 1
    assert "no truth" in told


def test_enough_cases_raise_no_warning(content):
    content["evaluation"]["holdout"]["truth"]["too_few"] = False
    assert not any("too few" in text for text in summary.warnings(results(content)))


@pytest.mark.parametrize(
    ("algorithm", "said"),
    [
        ("xgboost", "of type XGBoost (trial 11"),
        ("random_forest", "of type Random forest (trial 11"),
    ],
)
def test_the_best_candidate_is_named(content, algorithm, said):
    content["leaderboard"]["trials"][11]["algorithm"] = algorithm
    assert any(said in sentence for sentence in sentences(content))


def test_without_a_best_trial_none_is_named(content):
    content["leaderboard"]["best"] = None
    assert not any("candidates" in sentence for sentence in sentences(content))


def test_a_holdout_too_small_is_said(content):
    content["evaluation"]["holdout"] |= {"status": "too_small", "reason": "1 positive"}
    assert "The holdout is too small to tell: 1 positive." in sentences(content)
