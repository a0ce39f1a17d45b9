"""A new search begins with what won before."""

import shutil

from tests.project import vouch
from vouch.core.files import read_json
from vouch.registry.versions import find
from vouch.results.tune import Leaderboard

STATE = ".vouch"


def test_a_search_begins_with_the_settings_of_registered_versions(project):
    first = find(project / STATE, "fraud-simulated", "1")
    settings = read_json(first.model / "candidate.json")["candidate"]
    done = vouch(project, "stage", "tune", "fraud")
    assert done.returncode == 0, done.stderr
    board = Leaderboard.read(project / "data/tune/fraud/leaderboard.json")
    assert board.starts == ["fraud-simulated:1"]
    begun = [trial["candidate"] for trial in board.trials if trial["position"] == 0]
    assert begun == [settings] * 2
    # as good as it was, at least, on the same folds
    assert board.leader["value"] >= max(t["value"] for t in board.trials if t["position"] == 0)


def test_a_version_whose_files_are_gone_is_left_out(project):
    shutil.rmtree(find(project / STATE, "fraud-simulated", "1").folder)
    done = vouch(project, "stage", "tune", "fraud")
    assert done.returncode == 0, done.stderr
    assert Leaderboard.read(project / "data/tune/fraud/leaderboard.json").starts == []
