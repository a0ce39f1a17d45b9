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
    is_scored,
    new_files,
    note_on,
    pending,
    put_aside,
    record,
    refuse,
    to_score,
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


@pytest.fixture
def to_be_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "REST", 0.0)
    return tmp_path / TO_SCORE.format(usecase="fraud")


def scored(root, path):
    """Score a file and note it, as the flow does."""
    file = pending(root, "fraud", path)
    drop(file.out.parent, file.out.name, path.read_text())
    record(file, {"rows": 1})
    return file.out


def test_a_file_is_scored_once_and_again_when_its_content_changes(tmp_path, to_be_scored):
    path = drop(to_be_scored, "rows.parquet")
    new = pending(tmp_path, "fraud", path)
    assert new.path == path and new.out.name == "rows.parquet.csv"
    record(new, {"rows": 1})
    assert not is_scored(new)  # its scores are not there
    new.out.write_text("scores")
    assert is_scored(pending(tmp_path, "fraud", path))
    path.write_text("b")
    changed = pending(tmp_path, "fraud", path)
    assert changed.out == new.out and not is_scored(changed)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": 1}'])
def test_a_file_whose_note_is_damaged_is_scored_again(tmp_path, to_be_scored, content):
    path = drop(to_be_scored, "a.csv")
    out = scored(tmp_path, path)
    drop(out.parent, f".{out.name}.json", content)
    assert not is_scored(pending(tmp_path, "fraud", path))
    assert scored(tmp_path, path) == out and is_scored(pending(tmp_path, "fraud", path))


@pytest.mark.parametrize(
    "names", [("a.parquet", "a.parquet.csv"), ("a", "a.csv"), ("a", "a.csv", "a-2", "a-2.csv")]
)
def test_no_two_files_share_their_scores(tmp_path, to_be_scored, names):
    elsewhere = drop(tmp_path / "elsewhere", names[-1], "of another folder")
    for order in (names, names[::-1]):
        paths = [drop(to_be_scored, name, f"content of {name}") for name in order]
        outs = [scored(tmp_path, path) for path in (*paths, elsewhere)]
        assert len(set(outs)) == len(outs)
        assert all(is_scored(pending(tmp_path, "fraud", path)) for path in (*paths, elsewhere))
        contents = [path.read_text() for path in (*paths, elsewhere)]
        assert [out.read_text() for out in outs] == contents


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(VouchError, match=r"none\.csv"):
        pending(tmp_path, "fraud", tmp_path / "none.csv")


def test_a_file_that_is_being_written_is_not_scored_yet(tmp_path, to_be_scored, monkeypatch):
    whole, growing = drop(to_be_scored, "a.csv"), drop(to_be_scored, "b.csv")
    with growing.open("a"):
        assert to_score(tmp_path, "fraud") == [whole]
    assert to_score(tmp_path, "fraud") == [whole, growing]
    monkeypatch.setattr(folders, "REST", 60.0)
    assert to_score(tmp_path, "fraud") == []


def test_a_file_that_goes_while_others_are_looked_at_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "REST", 0.0)
    there = drop(tmp_path, "a.csv")
    assert folders.at_rest([tmp_path / "gone.csv", there]) == [there]


@pytest.mark.parametrize("target", ["../../../drop/a.csv", "{root}/data/drop/a.csv"])
def test_a_link_is_put_aside_and_leads_where_it_led(tmp_path, target):
    original = drop(tmp_path / "data/drop", "a.csv", "rows")
    link = tmp_path / ROWS.format(usecase="fraud") / "a.csv"
    link.parent.mkdir(parents=True)
    link.symlink_to(target.format(root=tmp_path))
    moved = put_aside(link, sha256(link))
    assert moved.is_symlink() and moved.samefile(original) and not link.is_symlink()
    assert [path.name for path in moved.parent.iterdir()] == ["a.csv"]


def test_a_file_that_cannot_be_moved_is_an_error_that_says_so(tmp_path):
    path = drop(tmp_path, "a.csv")
    (tmp_path / "done").symlink_to(tmp_path / "nowhere")
    with pytest.raises(VouchError, match=r"a\.csv: is recorded, but cannot be moved to .*done"):
        put_aside(path, sha256(path))
    assert path.exists()


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
