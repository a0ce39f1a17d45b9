import hashlib
import os
import time
from datetime import date
from pathlib import Path

import pytest

from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.operate import folders
from vouch.operate.exchange import (
    REFUSED,
    is_behind,
    new_files,
    note_on,
    pending,
    put_aside,
    record,
    refuse,
    todays_cases,
)
from vouch.operate.folders import REVIEWS, ROWS, TO_SCORE, arrived
from vouch.project.inputs import Choice, save_choice


def drop(folder, name, content="a"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    return folder / name


def test_files_still_being_written_have_not_arrived(tmp_path):
    for name in ("b.csv", "a.csv", ".hidden.csv", "c.csv.part", "d.tmp", "a.csv.error.txt"):
        drop(tmp_path, name)
    (tmp_path / "folder").mkdir()
    assert [path.name for path in arrived(tmp_path)] == ["a.csv", "b.csv"]
    assert arrived(tmp_path / "none") == []


def test_a_file_is_scored_once_and_again_when_its_content_changes(tmp_path):
    path = drop(tmp_path / TO_SCORE.format(usecase="fraud"), "rows.parquet")
    (new,) = pending(tmp_path, "fraud", None)
    assert new.path == path and new.out.name == "rows.parquet.csv"
    record(new, {"rows": 1})
    assert pending(tmp_path, "fraud", None) == [new]  # its scores are not there
    new.out.write_text("scores")
    assert pending(tmp_path, "fraud", None) == []
    path.write_text("b")
    assert [file.path for file in pending(tmp_path, "fraud", None)] == [path]
    assert [file.path for file in pending(tmp_path, "fraud", path)] == [path]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(VouchError, match=r"none\.csv"):
        pending(tmp_path, "fraud", tmp_path / "none.csv")


def test_files_of_one_name_do_not_replace_one_another(tmp_path):
    folder = tmp_path / REVIEWS.format(usecase="fraud")
    moved = []
    for content in "abc":
        path = drop(folder, "cases.csv", content)
        moved.append(put_aside(path, sha256(path)))
    assert [path.read_text() for path in moved] == ["a", "b", "c"]
    assert arrived(folder) == []


def test_a_file_that_changed_while_it_was_read_stays(tmp_path):
    path = drop(tmp_path, "cases.csv")
    digest = sha256(path)
    path.write_text("more")
    assert put_aside(path, digest) is None and path.read_text() == "more"


def test_a_file_that_another_one_replaced_while_it_was_read_stays(tmp_path, monkeypatch):
    path, other = drop(tmp_path, "cases.csv"), drop(tmp_path, "new.csv", "not read yet")
    digest, digested = sha256(path), hashlib.file_digest

    def replace_then_digest(read, name):
        other.replace(path)
        return digested(read, name)

    monkeypatch.setattr(hashlib, "file_digest", replace_then_digest)
    assert put_aside(path, digest) is None
    assert path.read_text() == "not read yet" and list((tmp_path / "done").iterdir()) == []


def test_the_days_cases_never_take_a_name_that_is_out(tmp_path):
    first = todays_cases(tmp_path, "fraud", date(2024, 5, 1))
    assert first.name == "2024-05-01.csv"
    drop(first.parent, first.name)
    assert todays_cases(tmp_path, "fraud", date(2024, 5, 1)).name == "2024-05-01-2.csv"


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "REST", 0.0)
    choice = Choice(source="shop", raw="data/raw/shop", set="0" * 12)
    save_choice(tmp_path, "fraud", choice)
    for name in ("data/sources/shop.yaml", "params.yaml"):
        drop((tmp_path / name).parent, Path(name).name)
    return tmp_path / ROWS.format(usecase="fraud")


def test_a_refused_file_waits_until_it_or_its_declaration_is_changed(tmp_path, inbox):
    path = drop(inbox, "monday.csv")
    assert new_files(tmp_path, "fraud", ROWS) == [path]
    refuse(path, "monday.csv: no column amount (check it)", time.time())
    assert note_on(path).read_text() == f"{REFUSED}monday.csv: no column amount (check it)\n"
    assert new_files(tmp_path, "fraud", ROWS) == []
    path.write_text("mended")
    assert new_files(tmp_path, "fraud", ROWS) == [path]
    refuse(path, "still wrong", time.time())
    assert new_files(tmp_path, "fraud", ROWS) == []
    drop(tmp_path / "data/sources", "shop.yaml", "name: shop")
    assert new_files(tmp_path, "fraud", ROWS) == [path]


def test_the_note_on_a_file_goes_with_it(tmp_path, inbox):
    gone, taken = drop(inbox, "gone.csv"), drop(inbox, "taken.csv")
    for path in (gone, taken):
        refuse(path, "wrong", time.time())
    gone.unlink()
    put_aside(taken, sha256(taken))
    assert new_files(tmp_path, "fraud", ROWS) == []
    assert [path.name for path in inbox.iterdir()] == ["done"]


def test_what_is_changed_while_a_file_is_judged_is_judged_anew(tmp_path, inbox):
    path, began = drop(inbox, "monday.csv"), time.time()
    path.write_text("mended meanwhile")
    refuse(path, "wrong", began - 1)
    assert new_files(tmp_path, "fraud", ROWS) == [path]


def test_nobodys_own_file_is_taken_for_a_note(tmp_path, inbox):
    path, own = drop(inbox, "a.csv"), drop(inbox, "a.csv.error.txt", "mine")
    (inbox / "folder.error.txt").mkdir()
    refuse(path, "wrong", time.time())
    assert own.read_text() == "mine" and new_files(tmp_path, "fraud", ROWS) == [path]
    put_aside(path, sha256(path))
    assert own.read_text() == "mine"


def test_a_file_where_the_folder_of_those_done_belongs_is_named(tmp_path, inbox):
    drop(inbox, "done")
    with pytest.raises(VouchError, match=r"rows/done: is a file where a folder is needed"):
        new_files(tmp_path, "fraud", ROWS)


def test_a_file_of_the_longest_name_is_refused_and_another_like_a_note_stays(tmp_path, inbox):
    path, own = drop(inbox, "ä" * 125 + ".csv"), drop(inbox, "own.error.txt")
    refuse(path, "wrong \udcff", time.time())
    assert "wrong \\udcff" in note_on(path).read_text()
    assert new_files(tmp_path, "fraud", ROWS) == [] and note_on(path).exists() and own.exists()


def test_a_file_that_is_being_written_has_not_arrived(tmp_path, inbox, monkeypatch):
    whole, growing, fresh = (drop(inbox, name) for name in ("a.csv", "b.csv", "c.csv"))
    with growing.open("a"):
        assert new_files(tmp_path, "fraud", ROWS) == [whole, fresh]
    assert new_files(tmp_path, "fraud", ROWS) == [whole, growing, fresh]
    monkeypatch.setattr(folders, "REST", 60.0)
    os.utime(whole, (0, 0))  # as a copy that keeps the original's time
    assert new_files(tmp_path, "fraud", ROWS) == []


def test_new_rows_are_scored_anew_once_rows_came_or_a_model_was_trained(tmp_path):
    gold, tuned, scored = (
        tmp_path / "data" / name
        for name in (
            "gold/fraud/train.parquet",
            "tune/fraud/predictions.parquet",
            "outbox/fraud/new_rows.csv",
        )
    )

    def touch(path, at):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (at, at))

    assert not is_behind(tmp_path, "fraud")
    touch(gold, 10)
    assert not is_behind(tmp_path, "fraud")  # nothing was trained yet
    touch(tuned, 20)
    assert is_behind(tmp_path, "fraud")
    touch(scored, 30)
    assert not is_behind(tmp_path, "fraud")
    for path in (gold, tuned):
        touch(path, 40)
        assert is_behind(tmp_path, "fraud")
        touch(path, 20)
