"""What people mark as right for the wrong reasons."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.results import extracted
from vouch.core.errors import VouchError
from vouch.project.spurious import listed, mark, undo

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def root(tmp_path):
    shutil.copy(PARAMS, tmp_path / "params.yaml")
    gold = tmp_path / "data/gold/fraud"
    gold.mkdir(parents=True)
    features = [
        {"name": name, "group": "amount", "window": None, "description": description}
        for name, description in (("amount", "the amount"), ("hour", ""))
    ]
    extracted(features=features).write(gold / "extract.json")
    return tmp_path


def test_a_mark_stands_in_the_parameters_and_all_else_stays(root):
    before = (root / "params.yaml").read_text()
    assert listed(root, "fraud") == ()
    assert mark(root, "fraud", "hour") == ("hour",)
    assert mark(root, "fraud", "the amount") == ("hour", "amount")
    assert mark(root, "fraud", "hour") == listed(root, "fraud") == ("hour", "amount")
    assert listed(root, "sentiment") == ()
    text = (root / "params.yaml").read_text()
    content, expected = yaml.safe_load(text), yaml.safe_load(before)
    assert content["tune"]["fraud"].pop("spurious") == ["hour", "amount"]
    assert content == expected
    assert [line for line in text.splitlines() if "spurious" not in line] == before.splitlines()
    assert undo(root, "fraud", "amount") == ("hour",)
    assert undo(root, "fraud", "hour") == ()
    assert (root / "params.yaml").read_text() == before


def test_words_are_marked_whatever_their_case(root):
    assert mark(root, "sentiment", " NNTP-Posting-Host ") == ("nntp-posting-host",)
    assert undo(root, "sentiment", "NNTP-posting-host") == ()


def test_words_that_yaml_takes_for_something_else_stay_words(root):
    words = ("no", "12:30", "null")
    for word in words:
        mark(root, "sentiment", word)
    assert listed(root, "sentiment") == words
    assert undo(root, "sentiment", "no") == words[1:]


def test_what_there_is_not_cannot_be_marked(root):
    with pytest.raises(VouchError, match="no feature 'hours'") as refused:
        mark(root, "fraud", "hours")
    assert "did you mean 'hour'" in refused.value.hint
    with pytest.raises(VouchError, match="'hour' is not marked"):
        undo(root, "fraud", "hour")
    with pytest.raises(VouchError, match="names nothing"):
        mark(root, "sentiment", " ")
    shutil.rmtree(root / "data")
    with pytest.raises(VouchError, match="no features are known yet"):
        mark(root, "fraud", "hour")
