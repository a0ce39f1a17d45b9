import struct

import pytest

from tests.stages.report.conftest import make_evaluation, make_leaderboard
from vouch.pages import figures
from vouch.results.evaluate import Evaluation
from vouch.results.tune import Leaderboard

OF_EVALUATION = [
    figures.precision_recall_png,
    figures.roc_png,
    figures.calibration_png,
    figures.cost_png,
]


NO_CURVES = {"kind": "truth", "precision_recall": [], "roc": [], "calibration": []}


def evaluation(**changes):
    return Evaluation.model_validate(make_evaluation() | changes)


@pytest.mark.parametrize("draw", OF_EVALUATION)
def test_a_png_is_the_same_bytes_each_time(draw):
    image = draw(evaluation())
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", image[16:24])
    assert width > 500
    assert height > 300
    assert draw(evaluation()) == image


@pytest.mark.parametrize("draw", OF_EVALUATION)
@pytest.mark.parametrize("curves", [None, NO_CURVES])
def test_no_points_no_image(draw, curves):
    assert draw(evaluation(curves=curves, cost_curve=[])) is None


@pytest.mark.parametrize("draw", OF_EVALUATION)
def test_other_points_are_another_image(draw):
    curves = {
        "kind": "rule",
        "precision_recall": [[0, 1], [1, 0.2]],
        "roc": [[0, 0], [1, 1]],
        "calibration": [{"score": 0.0, "share": 0.1, "interval": [0, 0.2], "rows": 3}],
    }
    points = [{"threshold": t, "cost": c, "interval": [0, 3]} for t, c in ((0.9, 2), (0.1, 1))]
    assert draw(evaluation(curves=curves, cost_curve=points)) != draw(evaluation())


def test_trials_are_drawn_for_one_sampler_or_two():
    board = Leaderboard.model_validate(make_leaderboard())
    both = figures.trials_png(board)
    one = [trial for trial in board.trials if trial["sampler"] == "tpe"]
    assert figures.trials_png(board.model_copy(update={"trials": one})) not in {None, both}
    assert figures.trials_png(board.model_copy(update={"trials": []})) is None


def test_an_svg_is_the_same_bytes_each_time_and_needs_no_font():
    one, two = (figures.svg(figures.roc(evaluation())) for _ in range(2))
    assert one == two
    assert b"<text" not in one
    assert b"dc:date" not in one


def test_the_past_is_drawn_as_far_as_it_is_known():
    def known(value):
        return {"rows": 9, "figure": {"value": value, "interval": value and [0.1, 0.9]}}

    def past(*values):
        points = [
            {
                "since": f"2024-01-0{n}T00:00:00",
                "at": f"2024-01-0{n + 1}T00:00:00",
                "rows": 9,
                "then": known(value),
                "now": known(0.5),
            }
            for n, value in enumerate(values, start=1)
        ]
        return {"metric": "average_precision", "step": 3600, "window": 7200, "points": points}

    assert figures.sliding(None) is None
    whole = figures.svg(figures.sliding(past(0.4, 0.6, 0.5)))
    assert whole == figures.svg(figures.sliding(past(0.4, 0.6, 0.5)))
    assert whole != figures.svg(figures.sliding(past(None, 0.6, 0.5)))
    assert figures.svg(figures.sliding(past(None, None)))
