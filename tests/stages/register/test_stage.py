from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.results import leaderboard
from vouch.core import tracking
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.registry.promotions import history, record_rollback
from vouch.registry.versions import versions
from vouch.results.register import Registration
from vouch.stages.register import champion
from vouch.usecases.fraud import models


def test_the_first_version_that_beats_the_rule_becomes_champion(project):
    result = project.register()
    assert result == dict(Registration.read(project.path("registration.json")))
    assert (result["name"], result["version"]) == ("fraud-shop", 1)
    assert result["gate"]["promoted"] and "beats the rule" in result["gate"]["reasons"][0]
    assert result["aliases"] == ["challenger", "champion"]
    assert result["as_of"] == "2024-02-01T00:00:00" and result["ledger_question"] == 7
    frame = pd.read_parquet(project.path("gold/train.parquet"))
    ours = models.load(project.path("tune/model")).score(frame)
    registered = models.load(champion(project.state, "fraud-shop")).score(frame)
    np.testing.assert_array_equal(ours, registered)


def test_registering_again_makes_no_second_version_and_no_second_promotion(project):
    first = project.register()
    again = project.register()
    assert again["version"] == 1 and again["run_id"] == first["run_id"]
    assert again["gate"]["promoted"]
    assert len(versions(project.state, "fraud-shop")) == 1
    assert len(history(project.state, "fraud-shop")) == 1


def test_a_raw_file_that_is_not_in_force_makes_no_second_version(project):
    first = project.register()
    (project.path("raw") / "other.csv").write_text("not in force")
    again = project.register()
    assert again["version"] == 1 and first["digests"]["raw"] != again["digests"]["raw"]


def test_other_costs_make_a_second_version_with_their_own_threshold(project):
    project.register()
    project.changes = {"threshold": {"value": 0.9}}
    assert project.register()["version"] == 2
    made = {version.number: version for version in versions(project.state, "fraud-shop")}
    assert [made[number].lineage.threshold for number in (1, 2)] == [0.5, 0.9]


def test_other_data_makes_a_second_version(project):
    project.register()
    other = project.with_seed(2)
    assert other.register()["version"] == 2


@pytest.mark.parametrize("algorithm", ["xgboost", "random_forest", "logistic_regression"])
def test_mlflow_gives_the_same_probabilities_and_holds_no_pickle(project, algorithm):
    import mlflow

    project.algorithm = algorithm
    project.build()
    project.register()
    version = versions(project.state, "fraud-shop")[0]
    files = [p for p in version.folder.rglob("*") if p.is_file()]
    assert not [p for p in files if p.suffix in {".pkl", ".pickle", ".joblib"}]
    assert not [p for p in files if p.read_bytes()[:1] == b"\x80"]  # pickle's first byte
    loaded = mlflow.pyfunc.load_model(str(version.folder))
    frame = pd.read_parquet(project.path("gold/train.parquet"))
    features = frame[["amount_log", "hour"]]
    expected = models.load(project.path("tune/model")).score(frame)
    np.testing.assert_array_equal(loaded.predict(features), expected)
    native = mlflow.xgboost if algorithm == "xgboost" else mlflow.sklearn
    assert native.load_model(str(version.folder)) is not None
    assert [c.name for c in loaded.metadata.signature.inputs] == ["amount_log", "hour"]
    assert (version.folder / "input_example.json").exists()
    pins = (version.folder / "requirements.txt").read_text().split()
    assert all("==" in pin for pin in pins) and not [p for p in pins if p.startswith("vouch")]


def test_dataset_inputs_carry_the_digests_of_dvc(project):
    result = project.register()
    run = tracking.client(project.state).get_run(result["run_id"])
    logged = {i.dataset.name: i.dataset.digest for i in run.inputs.dataset_inputs}
    assert set(result["digests"]) >= {"gold/train.parquet", "raw", "tune/model"}
    assert logged.items() >= result["digests"].items()
    assert "raw.csv" in logged
    assert run.data.metrics["holdout_truth_average_precision_low"] == pytest.approx(0.7)


def test_registers_in_the_run_that_tuned_it(project):

    mlflow = tracking.client(project.state)
    run = mlflow.create_run(tracking.experiment(project.state, "fraud-shop"))
    leaderboard(run_id=run.info.run_id).write(project.path("tune/leaderboard.json"))
    assert project.register()["run_id"] == run.info.run_id


HELD = HoldoutKey("fraud", "shop", "s", 1)


def seal(project, count):
    """Let the ledger know a holdout of rows that the present training table has, too."""
    keeper, chosen = Keeper(project.state), project.path("chosen.parquet")
    keeper.cut(HELD, lambda: None)
    pd.read_parquet(project.path("gold/train.parquet")).head(count).to_parquet(chosen)
    keeper.know(HELD, project.path("silver/rows.parquet"), chosen, 0.05, declared=False)


@pytest.mark.parametrize("count", [1, 400])
def test_a_model_that_learned_from_the_holdouts_rows_is_not_promoted(project, count):
    seal(project, count)
    gate = project.register()["gate"]
    assert not gate["promoted"] and not gate["better"]
    assert f"it learned from {count} of the {count} rows of the holdout" in gate["reasons"][-1]
    assert champion(project.state, "fraud-shop") is None


def test_nor_is_one_compared_with_a_champion_that_did(project):
    assert project.register()["gate"]["promoted"]
    seal(project, 7)
    gate = project.with_seed(2).register()["gate"]
    assert not gate["promoted"]
    assert "the champion, version 1, learned from 7 of the 7 rows" in gate["reasons"][-1]


@pytest.mark.parametrize("gate", ["dry_run", "disabled"])
def test_a_gate_that_may_not_promote_says_so(project, gate):
    result = project.register(gate)
    assert result["gate"]["promoted"] is False and result["gate"]["mode"] == gate
    assert gate in result["gate"]["reasons"][-1]
    assert champion(project.state, "fraud-shop") is None
    assert result["aliases"] == ["challenger"]


def test_a_version_people_rolled_back_stays_back(project):
    from .conftest import comparison

    project.register()
    second = project.with_seed(2)
    second.changes["champion"] = {"version": 1, "comparison": comparison(0.1)}
    assert second.register()["gate"]["promoted"]
    record_rollback(project.state, "fraud-shop", "too many complaints")
    gate = second.register()["gate"]
    assert not gate["promoted"] and "rolled it back" in gate["reasons"][-1]
    assert champion(project.state, "fraud-shop") == versions(project.state, "fraud-shop")[0].model


def test_a_run_killed_before_the_version_was_made_resumes(project, monkeypatch):
    from mlflow import MlflowClient

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", die)
        with pytest.raises(KeyboardInterrupt):
            project.register()
    assert project.register()["version"] == 1
    mlflow = tracking.client(project.state)
    experiment = tracking.experiment(project.state, "fraud-shop")
    assert len(mlflow.search_logged_models([experiment])) == 1
    assert len(mlflow.search_runs([experiment])) == 1


def test_champion_is_none_in_a_new_project(tmp_path: Path):
    assert champion(tmp_path / ".vouch", "fraud-shop") is None
    assert not (tmp_path / ".vouch").exists()
