"""Files of decisions in the inbox: each on its own."""

import io

import pandas as pd
import pytest
from rich.console import Console

from flows import feedback
from tasks.collect import collect
from vouch.operate import folders
from vouch.operate.folders import REVIEWS
from vouch.review.enqueue import enqueue

QUIET = Console(file=io.StringIO())


@pytest.fixture
def inbox(project, monkeypatch):
    """An inbox, where what the task does needs no server."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(folders, "REST", 0.0)
    monkeypatch.setattr(feedback, "collect", collect.fn)
    monkeypatch.setattr("tasks.collect.tell_labels", lambda *_: None)
    place = project / REVIEWS.format(usecase="fraud")
    place.mkdir(parents=True)
    return place


@pytest.fixture
def decided(project):
    """Decisions of one person on two cases."""
    enqueue(project, project / ".vouch", "fraud", 2, project / "cases.csv")
    rows = pd.read_csv(project / "cases.csv", dtype=str)
    return rows.assign(decision="fraud", reviewer="ada")


def test_files_that_cannot_be_read_keep_no_other_from_being_taken(inbox, decided):
    (inbox / "a.csv").symlink_to("/proc/self/mem")  # which nobody can read
    (inbox / "b.json").write_text(f'[{{"data": {{"case": {"9" * 5000}}}}}]')
    decided.to_csv(inbox / "c.csv", index=False)
    collected, errors = feedback._collect("fraud", QUIET)
    assert [result["new"] for result in collected] == [2] and len(errors) == 2
    assert (inbox / "done/c.csv").exists()
    notes = {path.name for path in inbox.glob("*.error.txt")}
    assert notes == {"a.csv.error.txt", "b.json.error.txt"}
    assert feedback._collect("fraud", QUIET) == ([], [])  # nothing is tried again


def test_a_file_that_goes_meanwhile_keeps_no_other_from_being_taken(inbox, decided, monkeypatch):
    decided[:1].to_csv(inbox / "a.csv", index=False)
    decided[1:].to_csv(inbox / "b.csv", index=False)
    decided[1:].to_csv(inbox / "c.csv", index=False)

    def collect_while_somebody_takes_back(usecase, path):
        (inbox / "b.csv").unlink(missing_ok=True)
        return collect.fn(usecase, path)

    monkeypatch.setattr(feedback, "collect", collect_while_somebody_takes_back)
    collected, errors = feedback._collect("fraud", QUIET)
    assert [result["new"] for result in collected] == [1, 1] and errors == []
    assert sorted(path.name for path in inbox.rglob("*.csv")) == ["a.csv", "c.csv"]


def test_an_error_that_says_nothing_of_itself_stands_beside_its_file(inbox, decided, monkeypatch):
    for name in ("a.csv", "b.csv", "c.csv"):
        decided.to_csv(inbox / name, index=False)
    raised = {"a.csv": ValueError("odd"), "b.csv": OSError(28, "No space left on device")}

    def collect_or_raise(usecase, path):
        if error := raised.get(path.name):
            raise error
        return collect.fn(usecase, path)

    monkeypatch.setattr(feedback, "collect", collect_or_raise)
    assert feedback._collect("fraud", QUIET)[1] == list(raised.values())
    assert "ValueError: odd" in (inbox / "a.csv.error.txt").read_text()
    assert not (inbox / "b.csv.error.txt").exists()  # it is no fault of the file
    assert (inbox / "done/c.csv").exists()


def test_an_inbox_that_is_wrong_stops_only_itself(inbox):
    (inbox / "done").write_text("a file where a folder is needed")
    collected, (error,) = feedback._collect("fraud", QUIET)
    assert collected == [] and "is a file where a folder is needed" in str(error)
