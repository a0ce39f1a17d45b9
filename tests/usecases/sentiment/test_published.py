import pytest

from vouch.usecases.sentiment.judge import METRIC
from vouch.usecases.sentiment.published import FIGURES, side_by_side

MEASURED = {
    "truth": {
        METRIC: {"value": 0.6, "interval": [0.5, 0.7]},
        "accuracy": {"value": 0.8, "interval": [0.7, 0.9]},
        "too_few": False,
    }
}


@pytest.mark.parametrize("source", FIGURES)
def test_every_published_figure_stands_beside_ours_of_its_kind(source):
    rows = side_by_side(source, MEASURED, None)
    assert len(rows) == len(FIGURES[source]) >= 4
    for row, figure in zip(rows, FIGURES[source], strict=True):
        wanted = MEASURED["truth"][figure.ours]
        assert (row["ours"], row["interval"]) == (wanted["value"], wanted["interval"])
        assert figure.ours.replace("_", "-") in row["figure"]
        assert 1 / 3 < row["value"] < 1
        assert row["citation"]
        assert row["remark"]
        assert row["on"] == "out_of_fold"


def test_the_holdout_comes_first_and_what_is_not_measured_is_null():
    held = {"truth": {METRIC: {"value": 0.55, "interval": [0.4, 0.7]}, "too_few": True}}
    unknown = {"truth": {METRIC: {"value": None, "interval": None}, "too_few": True}}
    row = side_by_side("tweeteval", MEASURED, held)[0]
    assert (row["ours"], row["on"], row["too_few"]) == (0.55, "holdout", True)
    row = side_by_side("tweeteval", MEASURED, unknown)[0]
    assert (row["ours"], row["interval"], row["on"]) == (None, None, "holdout")


def test_what_the_holdout_does_not_tell_is_the_out_of_fold_figure():
    row = side_by_side("tweeteval", MEASURED, {"truth": {"rows": 9, "too_few": False}})[0]
    assert (row["ours"], row["on"]) == (MEASURED["truth"][METRIC]["value"], "out_of_fold")


def test_a_source_nobody_published_on_has_none():
    assert side_by_side("mine", MEASURED, None) == []


def test_the_study_of_coins_has_its_deep_model_and_says_no_more_than_is_known():
    rows = side_by_side("crypto", MEASURED, None)
    assert [row["value"] for row in rows] == [0.757, 0.756, 0.740, 0.719, 0.83]
    assert not any("lexicon" in row["remark"] or "random" in row["remark"] for row in rows)
