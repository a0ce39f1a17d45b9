import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from vouch.cli.holdout import app
from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.holdout.keeper import Keeper
from vouch.holdout.mechanisms.thresholdout import Thresholdout
from vouch.project.ask import ask
from vouch.project.inputs import INPUTS, Choice, load_inputs, save_choice
from vouch.project.renewal import renew
from vouch.project.rotation import rotate

from .conftest import KEY, ROOT, payments


@pytest.fixture
def asking(project, monkeypatch):
    """A project folder in which commands can run."""
    shutil.copy(ROOT / "params.yaml", project.root)
    params = yaml.safe_load((project.root / "params.yaml").read_text())
    params["evaluate"]["fraud"] |= {"repeats": 100, "budget": 3, "difference": 0.4}
    (project.root / "params.yaml").write_text(yaml.safe_dump(params))
    save_choice(project.root, "fraud", Choice(source="paysim", raw="data/raw/paysim", set=KEY.set))
    monkeypatch.chdir(project.root)
    Path("dvc.yaml").touch()  # what makes a folder a project
    return project


def run(*words: str):
    result = CliRunner().invoke(app, list(words), catch_exceptions=True)
    if isinstance(result.exception, VouchError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_stages_own_question_is_free_to_read_again(asking):
    content = asking.evaluate(budget=3)
    said = run("ask", "fraud", "--json", "answer.json")
    reply = read_json(asking.root / "answer.json")
    assert reply["question"] == content["holdout"]["question"]
    assert reply["answer"]["truth"] == content["holdout"]["truth"]
    assert "average_precision out of fold" in said
    assert "average_precision against truth on the holdout, rounded: " in said
    assert "beats the rule by average_precision" in said
    assert len(Keeper(asking.state).log()) == 1


@pytest.mark.parametrize("metric", ["accuracy", "recall", "brier", "precision_at_capacity", "cost"])
@pytest.mark.parametrize("kind", ["truth", "rule"])
def test_a_mean_is_answered_and_repeats_word_for_word(asking, metric, kind):
    first = ask(asking.root, "fraud", metric, kind, asking.params)
    assert 0 <= first.answer["value"] <= 1
    assert ask(asking.root, "fraud", metric, kind, asking.params) == first
    assert len(Keeper(asking.state).log()) == 1


def spent(asking) -> int:
    return Keeper(asking.state).status()[0]["spent"]


def test_a_fitting_training_estimate_hides_the_holdout_and_is_free(asking):
    """Rows as in training: the very number of the training rows comes back, not the holdout's."""
    asking.seal(payments(3000, 1))
    answer = ask(asking.root, "fraud", "accuracy", "truth", asking.params).answer
    assert (answer["from"], answer["value"]) == ("training", answer["training"])
    assert answer["guarantee"] == "certified"
    assert 0 < answer["bound"] < 0.2
    assert spent(asking) == 0


def test_an_overfitted_training_estimate_is_exposed_in_whole_steps_and_charged(asking):
    held = payments(4000, 5)
    asking.seal(held.assign(truth=1 - held["truth"]))
    answer = ask(asking.root, "fraud", "accuracy", "truth", asking.params).answer
    assert answer["from"] == "holdout"
    assert answer["training"] - answer["value"] > 0.5
    steps = answer["value"] / Thresholdout(4000, 150).step
    assert steps == pytest.approx(round(steps), abs=1e-6) or answer["value"] in {0, 1}
    assert spent(asking) == 1


def test_gaussian_noise_proves_nothing_and_says_so(asking):
    said = run("ask", "fraud", "--metric", "accuracy", "--mechanism", "gaussian")
    assert "guarantee: heuristic" in said
    assert "of the truth, but for a chance of" in run("ask", "fraud", "--metric", "accuracy")
    unproved = run("ask", "fraud", "--metric", "precision_at_capacity")
    assert "guarantee: heuristic" in unproved  # a day's cases depend on all its rows


def test_questions_run_out(asking):
    held = payments(4000, 5)
    asking.seal(held.assign(truth=1 - held["truth"], rule=1 - held["rule"]))
    for metric, kind in (("accuracy", "truth"), ("accuracy", "rule"), ("brier", "truth")):
        run("ask", "fraud", "--metric", metric, "--against", kind)
    assert "refused" in run("ask", "fraud")
    assert "spent" in run("status", "--json", "s.json")
    assert read_json(asking.root / "s.json")[0]["left"] == 0
    assert "accuracy" in run("log", "--json", "log.json")
    assert [e["kind"] for e in read_json(asking.root / "log.json")] == ["mean"] * 3


def test_unknown_metrics_suggest_the_near_one(asking):
    with pytest.raises(VouchError) as caught:
        run("ask", "fraud", "--metric", "acuracy")
    assert "accuracy" in caught.value.hint


def test_no_ledger_yet_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()  # what makes a folder a project
    with pytest.raises(VouchError, match="no ledger yet"):
        run("status")


def test_rotating_needs_newer_rows(asking):
    with pytest.raises(VouchError, match="asked about or learned from already") as caught:
        rotate(asking.root, "fraud", 20, force=True)
    assert "--add" in caught.value.hint
    assert load_inputs(INPUTS).choice("fraud").generation == 1


def test_rotating_on_too_few_newer_rows_must_be_forced(asking):
    asking.seal(payments(2000, 2), reserved=100)
    with pytest.raises(VouchError, match="100 newer rows are kept"):
        run("rotate", "fraud")
    assert "Generation 2" in run("rotate", "fraud", "--force")
    assert load_inputs(INPUTS).choice("fraud").generation == 2


def test_rotating_opens_the_next_generation_once(asking):
    asking.seal(payments(2000, 2), reserved=5000)
    said = run("rotate", "fraud", "--json", "r.json")
    assert "5,000 newer rows" in said
    assert read_json(asking.root / "r.json")["generation"] == 2
    with pytest.raises(VouchError, match="generation 2") as caught:
        run("rotate", "fraud")  # the pipeline has not run on it yet
    assert "vouch run fraud" in caught.value.hint


def test_a_rotation_that_was_killed_or_undone_asks_nothing_more_and_is_finished(asking):
    asking.seal(payments(2000, 2), reserved=5000)
    before = INPUTS.read_bytes()
    run("rotate", "fraud")
    INPUTS.write_bytes(before)
    refused = run("ask", "fraud")
    assert "is retired" in refused and "vouch holdout rotate fraud" in refused
    asking.path("extracted").unlink()  # of whichever generation it was
    assert "Generation 2" in run("rotate", "fraud")
    assert load_inputs(INPUTS).choice("fraud").generation == 2
    INPUTS.write_bytes(before)
    assert renew(asking.root, asking.root / ".vouch", "fraud").status == "rotated"
    assert load_inputs(INPUTS).choice("fraud").generation == 2


def test_rotating_without_times_ends_when_no_parties_are_kept(asking):
    content = read_json(asking.path("extracted")) | {"until": None, "boundary": None}
    content["rows"]["reserved"] = 100
    from vouch.core.files import write_json

    write_json(asking.path("extracted"), content)
    assert rotate(asking.root, "fraud", 20).generation == 2
    content["rows"]["reserved"] = 0
    write_json(asking.path("extracted"), content | {"generation": 2})
    with pytest.raises(VouchError, match="kept for another holdout") as caught:
        rotate(asking.root, "fraud", 20)
    assert "--holdout FILE" in caught.value.hint


def test_nothing_but_the_keeper_can_read_the_sealed_file(asking):
    import pandas as pd

    sealed = asking.path("holdout").read_bytes()
    with pytest.raises(Exception):
        pd.read_parquet(io.BytesIO(sealed))
    assert np.frombuffer(sealed, dtype="uint8").std() > 60  # noise, not a table
