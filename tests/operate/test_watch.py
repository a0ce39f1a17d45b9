"""What the watcher says, and when it says it again."""

import time

import pytest

from vouch.operate import folders, watch
from vouch.operate.events import REVIEWED, ROWS
from vouch.operate.exchange import refuse
from vouch.project.inputs import Choice, save_choice


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
