"""Guidelines: shipped ones, a team's own, and their versions."""

import hashlib
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from tests.review.enqueue.conftest import make_case
from vouch.core import database
from vouch.core.errors import VouchError
from vouch.review.guidelines import LONGEST, Guidelines, guideline, rendered
from vouch.review.queue import Queue
from vouch.review.queue.seats import Said, Seats
from vouch.usecases import find, names

OWN = "data/guidelines/fraud.md"


@pytest.mark.parametrize("usecase", names())
def test_every_use_case_ships_a_guideline_that_names_its_classes(usecase, tmp_path):
    text, version = guideline(tmp_path, usecase)
    assert all(f"**{name}**:" in text for name in find(usecase).classes)
    assert "## When to skip" in text
    assert version == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_a_teams_own_takes_its_place_and_has_another_version(tmp_path):
    shipped = guideline(tmp_path, "fraud")
    own = tmp_path / OWN
    own.parent.mkdir(parents=True)
    own.write_text("# Ours\nÄsk twice.\n", "utf-8")
    text, version = guideline(tmp_path, "fraud")
    assert text == "# Ours\nÄsk twice.\n" and version != shipped.version and len(version) == 12
    assert guideline(tmp_path, "sentiment").text != text


def test_a_guideline_that_is_no_text_is_named(tmp_path):
    own = tmp_path / OWN
    own.parent.mkdir(parents=True)
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VouchError, match=r"fraud\.md: cannot be read"):
        guideline(tmp_path, "fraud")


@pytest.fixture
def versions(tmp_path):
    return Guidelines(tmp_path, tmp_path / ".vouch", "fraud", lambda: datetime(2026, 1, 2))


def texts(versions):
    return [(one.author, one.text) for one in versions.history()]


def test_every_version_stays_and_an_older_one_comes_back(versions, tmp_path):
    shipped = versions.present()
    ours = versions.save("# Ours\r\nÄsk twice.", "Ada", shipped.version)
    assert ours.text == "# Ours\nÄsk twice.\n" == (tmp_path / OWN).read_bytes().decode()
    assert versions.present() == guideline(tmp_path, "fraud") == ours
    (first,) = [one.number for one in versions.history() if one.version == shipped.version]
    back = versions.restore(first, "Lea", ours.version)
    assert back == shipped == guideline(tmp_path, "fraud")
    assert texts(versions) == [("Lea", back.text), ("Ada", ours.text), ("", shipped.text)]
    with pytest.raises(VouchError, match="no guideline 99"):
        versions.restore(99, "Lea", back.version)


def test_two_who_edit_at_once_lose_nothing(versions):
    base = versions.present().version
    versions.save("Ada's.", "Ada", base)
    with pytest.raises(VouchError, match="Ada changed the guideline meanwhile") as refused:
        versions.save("Bob's.", "Bob", base)
    assert "nothing was saved" in refused.value.hint
    assert versions.present().text == "Ada's.\n"


def test_a_version_that_comes_by_file_is_kept_too(versions, tmp_path):
    base = versions.present()
    (tmp_path / OWN).parent.mkdir(parents=True)
    (tmp_path / OWN).write_text("By hand.\n\n\n", "utf-8")
    with pytest.raises(VouchError, match="a file changed the guideline"):
        versions.save("Ada's.", "Ada", base.version)
    by_hand = versions.present()
    versions.save("Ada's.", "Ada", by_hand.version)
    assert texts(versions)[1:] == [("", by_hand.text), ("", base.text)]
    assert versions.restore(2, "Ada", versions.present().version) == by_hand  # to the last sign


def test_who_reads_waits_for_no_writer(versions, tmp_path, monkeypatch):
    shipped = versions.present()
    monkeypatch.setattr(database, "WAIT", 0.1)
    reader = Guidelines(tmp_path, tmp_path / ".vouch", "fraud")
    with closing(sqlite3.connect(tmp_path / ".vouch/vouch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert reader.present() == shipped and reader.has(shipped.version)
        assert texts(reader) == [("", shipped.text)]
        with pytest.raises(OperationalError, match="locked"):
            reader.save("Ours", "Ada", shipped.version)


def test_saving_what_stands_changes_nothing(versions, tmp_path):
    shipped = versions.present()
    assert versions.save(shipped.text, "Ada", shipped.version) == shipped
    assert len(texts(versions)) == 1 and not (tmp_path / OWN).exists()


@pytest.mark.parametrize("text", ["", " \n\t\n", "a" * (LONGEST + 1), "\x1b[2J wiped", "a\x00b"])
def test_what_is_no_guideline_is_refused(versions, text):
    base = versions.present()
    with pytest.raises(VouchError, match="guideline: "):
        versions.save(text, "Ada", base.version)
    assert versions.present() == base


def test_each_version_tells_how_many_decisions_were_made_by_it(versions, tmp_path):
    Queue(tmp_path / ".vouch", "fraud", "simulated").put(
        [make_case(n) for n in range(3)], datetime(2026, 1, 1)
    )
    seats = Seats(tmp_path / ".vouch", "fraud", "simulated", timedelta(minutes=5))
    first = versions.present().version
    second = versions.save("Other.", "Ada", first).version
    for version in (first, first, second):
        (lease,) = seats.hand_out("Ann")
        said = Said("decision", "fraud", guideline=version)
        seats.answer("Ann", lease.token, said, "s")
    seats.undo("Ann", "s")
    counts = {one.version: one.decisions for one in versions.history()}
    assert counts == {first: 2, second: 0}


HOSTILE = {
    "<script>window.ran=1</script>": "<script",
    "<img src=x onerror=window.ran=1>": "<img",
    "![x](https://evil.test/track.png)": "<img",
    "[x](javascript:window.ran=1)": "href",
    "[x](data:text/html,<script>window.ran=1</script>)": "href",
    "[x](VbScRiPt:x)": "href",
    '<a href="x" onclick="window.ran=1">x</a>': "<a",
    "[x]: javascript:window.ran=1\n\n[x]": "href",
    "<javascript:window.ran=1>": "href",
    '[x](https://a.test "\\" onmouseover=\\"window.ran=1")': ' onmouseover="',
}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_hostile_markdown_is_left_to_run(text):
    assert HOSTILE[text] not in rendered(text)


def test_markdown_is_shown_as_what_it_says():
    shown = rendered("# Ours\n\n- **fraud**: [why](https://a.test)\n")
    assert "<h1>Ours</h1>" in shown and '<a href="https://a.test">why</a>' in shown
