import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from vouch.core.errors import VouchError
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.sources.declaration import load_declaration
from vouch.studies.backtest.protocol import parse_folds
from vouch.studies.backtest.run import DEFAULT, SEEDS, Settings, backtest
from vouch.usecases.fraud.candidate import Candidate

SMALL = Candidate(algorithm="xgboost", hyperparameters={"n_estimators": 10, "max_depth": 3})
ONE = Settings(SMALL, (0,), None, threads=1)
FOLDS = parse_folds("2018-04-12,2018-04-05")


def keep(path, out):
    """Keep rows as the backtest reads them; none of them is held out."""
    shutil.copyfile(path, out)
    return []


def run(source, path, folds=FOLDS, seeds=(0,), history=None):
    return backtest(source, path, folds, Settings(SMALL, seeds, history, threads=1))


def test_folds_come_in_their_order_with_their_mean(shop, file):
    result = run(shop, file)
    assert [fold["start"] for fold in result["folds"]] == ["2018-04-12", "2018-04-05"]
    assert result["mean"]["ap"] == pytest.approx(sum(f["ap"] for f in result["folds"]) / 2)
    assert all(fold["auc"] > 0.7 for fold in result["folds"])
    assert result["folds"][0]["rows"]["train"] > result["folds"][1]["rows"]["train"]
    json.dumps(result)


def test_it_repeats_and_seven_days_are_fewer_rows(shop, file):
    assert run(shop, file) == run(shop, file)
    week = run(shop, file, history=7)
    assert [fold["rows"]["train"] for fold in week["folds"]] == [7 * 80, 7 * 80]


def test_rows_of_the_projects_holdout_are_neither_learned_from_nor_assessed(
    shop, payments, tmp_path
):
    fold, keeper = FOLDS[1], Keeper(tmp_path / ".vouch")
    every, key = tmp_path / "every.parquet", HoldoutKey("fraud", "shop", "a", 1)
    payments.to_parquet(every)
    plain = backtest(shop, every, [fold], ONE, lambda path: keep(path, tmp_path / "rows.parquet"))
    rows = pd.read_parquet(tmp_path / "rows.parquet")
    held = rows[rows["time"].dt.hour < 12]
    held.to_parquet(tmp_path / "held.parquet")
    keeper.cut(key, lambda: None)
    keeper.know(key, tmp_path / "rows.parquet", tmp_path / "held.parquet", 0.05, declared=True)

    def held_out(path):
        return keeper.held_out("fraud", path, declared=True)

    before = backtest(shop, every, [fold], ONE, held_out)
    other = payments.assign(bad=payments["bad"].mask(payments["when"].dt.hour < 12, 1))
    other.to_parquet(every)
    after = backtest(shop, every, [fold], ONE, held_out)
    assert before == after and before["held_out"] == len(held)
    part = before["folds"][0]["rows"]["train"]
    assert plain["held_out"] == 0 and 0 < part < plain["folds"][0]["rows"]["train"]


def test_what_came_after_the_fold_changes_nothing(shop, payments, tmp_path):
    """Labels the model could not know, and all later rows, may be anything."""
    fold = FOLDS[1]
    kept = payments[payments["when"] < fold.end]
    results = []
    for name, frame in (("all", payments), ("kept", kept)):
        frame.to_parquet(tmp_path / name)
        results.append(run(shop, tmp_path / name, [fold])["folds"][0])
    assert results[0] == results[1]


def test_labels_that_had_not_arrived_do_not_move_a_score(shop, payments, tmp_path, monkeypatch):
    fold, seen = FOLDS[1], []
    monkeypatch.setattr(
        "vouch.studies.backtest.run.measure",
        lambda rows: seen.append(rows) or {"auc": 0, "ap": 0, "cp100": 0},
    )
    # of the assessed days' own labels nothing may be used; turning the last day's shows it
    turned = payments.assign(bad=payments["bad"].where(payments["when"] < "2018-04-25", 1))
    for name, frame in (("as_is", payments), ("turned", turned)):
        frame.to_parquet(tmp_path / name)
        run(shop, tmp_path / name, [fold])
    before, after = (rows.set_index("id")["score"] for rows in seen)
    pd.testing.assert_series_equal(before, after)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="card"), "no column 'card'"),
        (lambda f: f.drop(columns="bad"), "no row has a label"),
        (lambda f: f.assign(bad=0), "all of one class"),
        (lambda f: pd.concat([f, f]), "repeat an id"),
        (lambda f: f.head(1000), "too late"),
    ],
)
def test_a_file_it_cannot_use_is_told(shop, payments, tmp_path, change, message):
    change(payments).to_parquet(tmp_path / "shop.parquet")
    with pytest.raises(VouchError, match=message):
        run(shop, tmp_path / "shop.parquet")


def test_a_missing_file_and_a_source_without_parties_are_told(shop, file):
    with pytest.raises(VouchError, match="no such file"):
        run(shop, Path("nowhere.parquet"))
    columns = {name: c for name, c in shop.columns.items() if c.role != "payer"}
    with pytest.raises(VouchError, match="no column in role 'payer'"):
        run(shop.model_copy(update={"columns": columns}), file)


def test_the_command_writes_json(shop, file, tmp_path, monkeypatch):
    import yaml
    from typer.testing import CliRunner

    from vouch.cli import app
    from vouch.studies.backtest import run as module

    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()  # what makes a folder a project
    monkeypatch.setattr(module, "DEFAULT", SMALL)
    text = shop.model_dump(mode="json", exclude_none=True)
    text |= {"windows": ["1d", "7d"], "truth": {"delay": {"mean": "7d"}}}
    (tmp_path / "data/sources").mkdir(parents=True)
    (tmp_path / "data/sources/shop.yaml").write_text(yaml.safe_dump(text))
    words = ["backtest", "shop", "--path", str(file), "--folds", "2018-04-12", "--json", "o.json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "mean" in done.output
    result = json.loads(Path("o.json").read_text())
    assert set(result["folds"][0]) >= {"start", "auc", "ap", "cp100"}
    assert set(result["mean"]) == {"auc", "ap", "cp100"}


@pytest.mark.slow
def test_the_defaults_reach_the_measured_figures():
    real = os.environ.get("VOUCH_REAL_DATA")
    if not real:
        pytest.skip("VOUCH_REAL_DATA is not set: no card payments to backtest on")
    folds = parse_folds("2018-07-11,2018-07-04,2018-06-27,2018-06-20")
    source = load_declaration(Path("data/sources/cards.yaml"))
    path = Path(real) / "fraud/card_transactions.parquet"
    mean = backtest(source, path, folds, Settings(DEFAULT, SEEDS, None))["mean"]
    assert mean["auc"] >= 0.888
    assert mean["ap"] >= 0.75
    assert mean["cp100"] >= 0.292
