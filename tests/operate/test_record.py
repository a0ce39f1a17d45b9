import os
import shutil

import psutil

from vouch.operate import record, server_of
from vouch.operate.record import Ports, Record


def test_no_server_where_nothing_is_up(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert server_of(tmp_path) is None


def test_a_living_vouch_up_is_found_and_a_dead_one_is_not(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    mine = Record.of_this_process(Ports(prefect=4321))
    mine.save(tmp_path)
    assert server_of(tmp_path) == "http://127.0.0.1:4321/api"
    # the number was given to another process since
    mine.model_copy(update={"started": mine.started - 60}).save(tmp_path)
    assert server_of(tmp_path) is None
    gone = next(n for n in range(2, 1 << 22) if not psutil.pid_exists(n))
    mine.model_copy(update={"pid": gone}).save(tmp_path)
    assert server_of(tmp_path) is None


def test_half_a_record_is_none(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    Record.of_this_process(Ports()).save(tmp_path)
    whole = record.place(tmp_path).read_text()
    record.place(tmp_path).write_text(whole[: len(whole) // 2])
    assert server_of(tmp_path) is None


def test_a_shared_server_goes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    Record.of_this_process(Ports()).save(tmp_path)
    assert server_of(tmp_path) == "http://prefect.example/api"
    assert record.running(tmp_path).pid == os.getpid()


def test_a_copy_of_the_project_does_not_take_the_originals_server_for_its_own(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    original, copied = tmp_path / "original", tmp_path / "copied"
    Record.of_this_process(Ports()).save(original)
    shutil.copytree(original, copied)
    assert server_of(original) and server_of(copied) is None
