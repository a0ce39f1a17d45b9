"""The command line as a whole: what every command refuses."""

import os
import sys

import pytest

from vouch.cli import main

NAME = os.fsdecode(b"bad\xff.csv")
COMMANDS = [
    ("source", "draft", NAME),
    ("source", "draft", "a.csv", "--out", NAME),
    ("score", "fraud", "--path", "a.csv", f"--out={NAME}"),
    ("run", "fraud", "--add", NAME),
    ("enqueue", "fraud", "--out", NAME),
    ("collect", "fraud", NAME),
    ("simulate", "payments", "--out", NAME),
    ("data", "diff", "a.csv", "b.csv", "--json", f"{NAME}/differences.json"),
]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_name_that_is_no_text_is_refused(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vouch", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    problem, hint = capsys.readouterr().err.splitlines()
    assert problem.startswith("error: ") and problem.endswith(": is no UTF-8 text")
    assert r"bad\udcff.csv" in problem
    assert hint == "  try: rename the file or folder"
    assert list(tmp_path.iterdir()) == []
