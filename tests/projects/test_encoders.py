"""Encoders of the environment in a project's choice of input."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from tests.stages.extract.test_held_out import NOTES, Project, notes
from tests.usecases.sentiment.tiny_encoder import install, write_encoder
from vouch.core.errors import VouchError
from vouch.engine.encoders import Reading, identity
from vouch.project.encoders import note
from vouch.project.inputs import INPUTS, choose, load_inputs
from vouch.project.rotation import rotate


def come(folder, patch):
    """Let an encoder come into the environment; return its folder."""
    place = write_encoder(folder / "encoders/tiny", reading=Reading())
    install(patch, place)
    return place


def test_a_damaged_encoder_stops_a_run_and_no_rotation(tmp_path, monkeypatch):
    place = come(tmp_path, monkeypatch)
    project = Project(tmp_path / "project", "sentiment", "notes", NOTES)
    project.run(path=project.write("a.csv", notes(0, 300)))
    choice = load_inputs(project.root / INPUTS).choice("sentiment")
    assert choice.encoders == (identity(place),)
    whole = (place / "model.onnx").read_bytes()
    (place / "model.onnx").write_bytes(whole[:-1])
    assert rotate(project.root, "sentiment", few=1).generation == 2
    rotated = load_inputs(project.root / INPUTS).choice("sentiment")
    assert rotated == choice.model_copy(update={"generation": 2})
    with pytest.raises(VouchError, match=r"model\.onnx: damaged") as error:
        choose(project.root, "sentiment", path=project.write("b.csv", notes(300, 300)))
    assert error.value.hint.startswith("make encoders")
    assert load_inputs(project.root / INPUTS).choice("sentiment") == rotated
    (place / "model.onnx").write_bytes(whole)
    assert choose(project.root, "sentiment") == rotated


def test_the_note_waits_for_a_run_that_is_at_work(tmp_path, monkeypatch):
    project = Project(tmp_path / "project", "sentiment", "notes", NOTES)
    choose(project.root, "sentiment", "notes", path=project.write("a.csv", notes(0, 300)))
    place = come(tmp_path, monkeypatch)
    lock = project.root / ".vouch/locks/run.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    before = (project.root / INPUTS).read_bytes()
    with ThreadPoolExecutor(1) as pool:
        with FileLock(lock):
            noted = pool.submit(note, project.root)
            with pytest.raises(TimeoutError):
                noted.result(timeout=1)
            assert (project.root / INPUTS).read_bytes() == before
        assert noted.result(timeout=60) == ["sentiment"]
    assert load_inputs(project.root / INPUTS).choice("sentiment").encoders == (identity(place),)
    assert note(project.root) == []


def test_models_of_spark_use_the_same_encoders(tmp_path, monkeypatch):
    project = Project(tmp_path / "project", "sentiment", "notes", NOTES)
    path = project.write("a.csv", notes(0, 300))
    before = choose(project.root, "sentiment", "notes", path=path, engine="spark")
    assert before.encoders == ()
    place = come(tmp_path, monkeypatch)
    assert note(project.root) == ["sentiment"]
    after = load_inputs(project.root / INPUTS).choice("sentiment")
    assert after == before.model_copy(update={"encoders": (identity(place),)})
