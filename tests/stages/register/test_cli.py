"""The commands, as a user types them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from vouch.cli import app
from vouch.core.files import read_json
from vouch.project.inputs import Choice, save_choice
from vouch.registry.promotions import champion_version

NAME = "fraud-shop"


@pytest.fixture
def command(project, monkeypatch):
    project.register("disabled")
    save_choice(project.root, "fraud", Choice(source="shop", raw="data/raw/shop", set="0" * 12))
    monkeypatch.chdir(project.root)
    Path("dvc.yaml").touch()  # what makes a folder a project

    def run(*words):
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_promote_takes_the_challenger_of_the_present_source(command, project):
    said = command("promote", "fraud", "--why", "it is good", "--json", "p.json")
    assert "champion is version 1" in said and "it is good" in said
    assert read_json(project.path("p.json"))["to"] == 1
    assert champion_version(project.state, NAME) == 1


def test_rollback_goes_back(command, project):
    command("promote", "fraud", "--why", "first")
    project.with_seed(2).register("disabled")
    command("promote", "fraud", "--source", "shop", "--version", "2", "--why", "second")
    printed = command("rollback", "fraud", "--why", "too many complaints")
    assert "champion is version 1" in printed
    assert "vouch rollback fraud --from 2 --why 'too many complaints'" in " ".join(printed.split())
    assert champion_version(project.state, NAME) == 1


def test_compare_prints_and_writes_what_differs(command, project):
    project.with_seed(2).register("disabled")
    said = command("compare", f"{NAME}:1", f"{NAME}:challenger", "--json", "c.json")
    assert "gold/train.parquet" in said and "predicted by both" in said
    assert "metrics: the same" in said
    assert read_json(project.path("c.json"))["decisions"]["rows_in_both"] == 400


def test_lineage_prints_and_writes_both_directions(command, project):
    said = command("lineage", f"{NAME}:1", "--json", "l.json")
    assert "as_of: 2024-02-01T00:00:00" in said and "actor bank" in said
    assert "origin: registered" in said
    digest = read_json(project.path("l.json"))["raw_files"][0]["sha256"]
    assert digest in said
    assert f"version {NAME}:1, file raw.csv" in command("lineage", "raw.csv")
    assert f"version {NAME}:1, file raw.csv" in command("lineage", digest[:8])
