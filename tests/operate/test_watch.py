"""What the watcher says, and when it says it again."""

import io
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from flows import retraining
from vouch.operate import folders, watch
from vouch.operate.enough import note_tried, untried
from vouch.operate.events import ENOUGH, REVIEWED, ROWS
from vouch.operate.exchange import refuse
from vouch.project.inputs import Choice, save_choice
from vouch.project.request import Retraining
from vouch.project.stages import REVIEWS
from vouch.project.training import alone


@pytest.fixture
def heard(monkeypatch):
    """The events that reached a server; an empty list is the server's silence."""
    monkeypatch.setattr(folders, "REST", 0.0)
    events = []

    def emit(root, name, usecase, content):
        events.append((name, usecase, content["files"]))
        return len(events) > 1  # the first time no server answers

    monkeypatch.setattr(watch, "emit", emit)
    return events


@pytest.fixture
def inbox(tmp_path):
    for usecase in ("fraud", "sentiment"):
        choice = Choice(source="shop", raw="data/raw/shop", set="0" * 12)
        save_choice(tmp_path, usecase, choice)
    inbox = tmp_path / folders.ROWS.format(usecase="fraud")
    inbox.mkdir(parents=True)
    return inbox


def test_a_bad_inbox_is_named_once_and_keeps_no_other_from_being_told_of(
    tmp_path, inbox, heard, capsys
):
    heard.append("earlier")
    (inbox / "done").write_text("a file where a folder is needed")
    reviews = tmp_path / folders.REVIEWS.format(usecase="fraud")
    reviews.mkdir(parents=True)
    (reviews / "cases.csv").write_text("a")
    told = {}
    assert watch.look(tmp_path, told, 0.0) == ["fraud"] and heard[-1][0] == REVIEWED
    assert watch.look(tmp_path, told, 2.0) == []
    assert capsys.readouterr().err.count("is a file where a folder is needed") == 1


def test_decisions_are_told_of_too(tmp_path, inbox, heard):
    heard.append("earlier")
    reviews = tmp_path / folders.REVIEWS.format(usecase="sentiment")
    reviews.mkdir(parents=True)
    (reviews / "cases.csv").write_text("a")
    assert watch.look(tmp_path, {}, 0.0) == ["sentiment"]
    assert heard[-1] == (REVIEWED, "sentiment", 1)


def test_a_file_is_told_once_a_minute_until_it_is_gone_or_refused(tmp_path, inbox, heard):
    told = {}
    assert watch.look(tmp_path, told, 0.0) == [] and heard == []
    (inbox / "a.csv").write_text("a")
    assert watch.look(tmp_path, told, 2.0) == []  # nobody heard it: told soon again
    assert watch.look(tmp_path, told, 4.0) == []
    assert watch.look(tmp_path, told, 12.0) == ["fraud"]
    assert watch.look(tmp_path, told, 14.0) == []
    assert heard == [(ROWS, "fraud", 1)] * 2
    for name in ("b.csv", "c.csv"):
        (inbox / name).write_text(name)
    assert watch.look(tmp_path, told, 16.0) == ["fraud"]
    assert heard[-1] == (ROWS, "fraud", 2)
    assert watch.look(tmp_path, told, 73.0) == ["fraud"]
    assert heard[-1] == (ROWS, "fraud", 1)
    for name in ("a.csv", "b.csv", "c.csv"):
        refuse(inbox / name, "wrong", time.time())
    assert watch.look(tmp_path, told, 900.0) == []


@pytest.fixture
def called(tmp_path, inbox, monkeypatch):
    """Return what was called for, in a project that retrains after three decisions."""
    events = []

    def emit(root, name, usecase, content):
        events.append((name, usecase, content["since_training"]))
        return True

    monkeypatch.setattr(watch, "emit", emit)
    section = {usecase: {"retrain_after": 3} for usecase in ("fraud", "sentiment")}
    (tmp_path / "params.yaml").write_text(f"collect: {section}")
    return events


def collected(root, name, count):
    """Write a batch of decisions."""
    place = root / REVIEWS.format(usecase="fraud") / f"{name}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"actor": ["ada"] * count + ["consensus"]}), place)


def test_a_retraining_is_called_for_ever_less_often_until_one_begins(tmp_path, called):
    calls = {}
    collected(tmp_path, "a", 2)
    moments = [now for now in range(0, 300, 2) if watch.call(tmp_path, calls, now)]
    assert moments == [] and untried(tmp_path, "fraud") == 0  # too few
    collected(tmp_path, "b", 1)
    moments = [now for now in range(300, 1600, 2) if watch.call(tmp_path, calls, now)]
    assert moments == [360, 420, 540, 780, 1260]
    assert called == [(ENOUGH, "fraud", 3)] * 5
    note_tried(tmp_path, "fraud")
    assert not any(watch.call(tmp_path, calls, now) for now in range(1600, 9000, 60))
    collected(tmp_path, "c", 1)  # what came after the last one began, and cannot have been tried
    assert [now for now in range(9000, 9100, 2) if watch.call(tmp_path, calls, now)] == [9060]
    assert called[-1] == (ENOUGH, "fraud", 4)


def test_nothing_is_called_for_while_a_run_is_at_work(tmp_path, called):
    calls = {}
    collected(tmp_path, "a", 5)
    with alone(tmp_path, Console(file=io.StringIO())):
        assert not any(watch.call(tmp_path, calls, now) for now in range(0, 300, 2))
    assert watch.call(tmp_path, calls, 300) == ["fraud"]


def test_a_retraining_that_fails_is_not_repeated_for_the_same_decisions(
    tmp_path, called, monkeypatch
):
    collected(tmp_path, "a", 5)
    assert untried(tmp_path, "fraud") == 5
    monkeypatch.chdir(tmp_path)

    def fail(_request):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(retraining, "choose_input", fail)
    with pytest.raises(OSError, match="No space"):
        retraining._retrain(Retraining(usecase="fraud"))
    assert untried(tmp_path, "fraud") == 0
    collected(tmp_path, "b", 1)
    assert untried(tmp_path, "fraud") == 6


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_note_on_the_last_retraining_counts_as_none(tmp_path, called, content):
    collected(tmp_path, "a", 5)
    note_tried(tmp_path, "fraud")
    (tmp_path / ".vouch/tried-fraud.json").write_text(content)
    assert untried(tmp_path, "fraud") == 5
