import struct

import pytest

from tests.stages.report.conftest import make_evaluation, make_leaderboard
from vouch.pages import figures

OF_EVALUATION = [
    figures.precision_recall_png,
    figures.roc_png,
    figures.calibration_png,
    figures.cost_png,
]


@pytest.mark.parametrize("draw", OF_EVALUATION)
def test_a_png_is_the_same_bytes_each_time(draw):
    image = draw(make_evaluation())
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", image[16:24])
    assert width > 500
    assert height > 300
    assert draw(make_evaluation()) == image


@pytest.mark.parametrize("draw", OF_EVALUATION)
@pytest.mark.parametrize("evaluation", [{}, {"curves": {}, "cost_curve": []}])
def test_no_points_no_image(draw, evaluation):
    assert draw(evaluation) is None


@pytest.mark.parametrize("draw", OF_EVALUATION)
def test_other_points_are_another_image(draw):
    other = make_evaluation()
    other["curves"] = {
        "kind": "rule",
        "precision_recall": [[0, 1], [1, 0.2]],
        "roc": [[0, 0], [1, 1]],
        "calibration": [{"score": 0.0, "share": 0.1, "interval": [0, 0.2], "rows": 3}],
    }
    other["cost_curve"] = [{"threshold": 0.1, "cost": 1}, {"threshold": 0.9, "cost": 2}]
    assert draw(other) != draw(make_evaluation())


def test_trials_are_drawn_for_one_sampler_or_two():
    board = make_leaderboard()
    both = figures.trials_png(board)
    board["trials"] = [t for t in board["trials"] if t["sampler"] == "tpe"]
    assert figures.trials_png(board) not in {None, both}
    assert figures.trials_png({"trials": []}) is None


def test_an_svg_is_the_same_bytes_each_time_and_needs_no_font():
    one, two = (figures.svg(figures.roc(make_evaluation())) for _ in range(2))
    assert one == two
    assert b"<text" not in one
    assert b"dc:date" not in one
