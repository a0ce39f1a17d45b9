"""The outputs of a stage take their places whole, whatever is killed."""

import os
from pathlib import Path
from typing import Any

import pytest

from vouch.core.settings import Params
from vouch.project.inputs import Choice, save_choice
from vouch.project.pipeline import execute
from vouch.project.stages import Stage
from vouch.usecases.params import ReportParams

CONTENT = ["old"]


def write(*, model: Path, summary: Path, params: Any, progress: Any) -> dict[str, Any]:
    """Write a folder and a file, as a stage does."""
    model.mkdir()
    (model / "model.bin").write_text(CONTENT[0])
    summary.write_text(CONTENT[0])
    return {"content": CONTENT[0]}


class Writing(Stage):
    """A stage that writes what it is told to."""

    def function(self) -> Any:
        return write

    def params(self, usecase: str) -> type[Params]:
        return ReportParams


OUTPUTS = {"model": "data/tune/{usecase}/model", "summary": "data/tune/{usecase}/tune.json"}
STAGE = Writing("tune", inputs={}, outputs=OUTPUTS)


@pytest.fixture
def root(tmp_path):
    save_choice(tmp_path, "fraud", Choice(source="a", raw="data/raw/a", set="0" * 12))
    (tmp_path / "params.yaml").write_text("tune: {fraud: {}}")
    return tmp_path


def run(root, content):
    CONTENT[0] = content
    return execute(root, STAGE, "fraud")


def outputs(root):
    folder = root / "data/tune/fraud"
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.*")}


def test_a_run_replaces_the_outputs_of_the_one_before_and_leaves_nothing_else(root):
    assert run(root, "old") == {"content": "old"}
    assert run(root, "new") == {"content": "new"}
    assert outputs(root) == {"model/model.bin": "new", "tune.json": "new"}
    assert list((root / ".vouch/scratch").iterdir()) == []


def killed_at(root, move):
    """Run in a process of its own that is killed before a file or folder is moved."""
    if process := os.fork():
        return os.waitpid(process, 0)[1] != 0
    moves, replace = [], Path.replace

    def killing(path, place):
        moves.append(place)
        return os._exit(9) if len(moves) == move else replace(path, place)

    Path.replace = killing
    run(root, "new")
    os._exit(0)


class FailedError(Exception):
    """What a stage may raise."""


@pytest.mark.parametrize("move", [1, 2, 3])
def test_a_kill_between_two_moves_loses_no_folder(root, move):
    run(root, "old")
    assert killed_at(root, move)
    CONTENT[0] = "none"
    with pytest.MonkeyPatch.context() as patch:
        # the next run fails before it writes: what is there then is what the kill left
        patch.setattr(f"{__name__}.write", lambda **_: (_ for _ in ()).throw(FailedError))
        with pytest.raises(FailedError):
            execute(root, STAGE, "fraud")
    model = outputs(root).get("model/model.bin")
    assert model == ("new" if move == 3 else "old")
    assert run(root, "newer") == {"content": "newer"}
    assert outputs(root) == {"model/model.bin": "newer", "tune.json": "newer"}
