"""A new search begins with what won before."""

import shutil
from datetime import datetime, timedelta

import pytest

from tests.project import vouch
from vouch.core.files import read_json
from vouch.registry.versions import find
from vouch.results.extract import Extracted
from vouch.results.tune import Leaderboard

STATE = ".vouch"


@pytest.fixture
def changed(project):
    """A trained project whose training rows are others than those of its version."""
    extracted = Extracted.read(project / "data/gold/fraud/extract.json")
    moment = datetime.fromisoformat(extracted.boundary) + timedelta(hours=12)
    inputs = project / "data/inputs.yaml"
    as_of = f"as_of: '{moment.isoformat()}'"
    inputs.write_text(inputs.read_text().replace("as_of: latest", as_of))
    done = vouch(project, "stage", "extract", "fraud")
    assert done.returncode == 0, done.stderr
    return project


def tune(project):
    done = vouch(project, "stage", "tune", "fraud")
    assert done.returncode == 0, done.stderr
    return Leaderboard.read(project / "data/tune/fraud/leaderboard.json")


def test_a_search_over_other_rows_begins_with_the_settings_of_registered_versions(changed):
    first = find(changed / STATE, "fraud-simulated", "1")
    settings = read_json(first.model / "candidate.json")["candidate"]
    board = tune(changed)
    assert board.starts == ["fraud-simulated:1"]
    begun = [trial["candidate"] for trial in board.trials if trial["position"] == 0]
    assert begun == [settings] * 2


def test_over_the_same_rows_it_is_the_search_it_was(project):
    before = Leaderboard.read(project / "data/tune/fraud/leaderboard.json")
    assert tune(project) == before and before.starts == []


def test_a_version_whose_files_are_gone_is_left_out(changed):
    shutil.rmtree(find(changed / STATE, "fraud-simulated", "1").folder)
    assert tune(changed).starts == []
