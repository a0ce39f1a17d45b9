import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from tests.results import extracted
from tests.usecases.fraud.gold import FEATURES, gold_rows, write_gold
from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.metrics.blinding import Blinding, Periods
from vouch.models.params import Budget
from vouch.models.space import RULE_START
from vouch.models.veil import Veil
from vouch.stages.tune import tune
from vouch.usecases import find
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.models import load
from vouch.usecases.fraud.params import TuneParams
from vouch.usecases.fraud.space import STARTS

PARAMS = TuneParams(budget=Budget(trials=5), threads=1)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    gold, told = write_gold(tmp_path_factory.mktemp("tuned")), []
    summary = tune(**gold.files(), params=PARAMS, progress=lambda *state: told.append(state))
    return gold, summary, told


@pytest.fixture
def state(tuned):
    """A state folder that is there already: making MLflow's tables takes seconds."""
    return tuned[0].state


def test_the_leaderboard_tells_every_trial_and_the_best(tuned):
    gold, summary, told = tuned
    board = gold.leaderboard()
    trials = board["trials"]
    assert [t["number"] for t in trials] == list(range(10))
    assert [t["sampler"] for t in trials] == ["random"] * 5 + ["tpe"] * 5
    best = max(trials, key=lambda t: t["value"])
    assert best["value"] == trials[board["best"]]["value"]
    assert summary["average_precision"] == pytest.approx(best["value"])
    assert len(board["best_by_algorithm"]) == 4
    for one in board["best_by_algorithm"].values():
        low, high = trials[one["number"]]["interval"]
        assert low <= one["value"] <= high
    assert sum(t["interval"] is not None for t in trials) == 4
    assert {name: b["trials"] for name, b in board["best_by_sampler"].items()} == {
        "random": 5,
        "tpe": 5,
    }
    assert told[-1][:2] == (10, 10)
    assert "best" in told[-1][2]


def test_predictions_are_out_of_fold_and_give_the_leaderboards_measure(tuned):
    gold, summary, _ = tuned
    found = pd.read_parquet(gold.folder / "predictions.parquet")
    assert list(found.columns) == [
        "id", "time", "amount", "payer", "fold", "score_0", "score_1", "label", "rule", "truth",
    ]  # fmt: skip
    train = gold.train()
    board = gold.leaderboard()
    assert len(found) == sum(fold["rows"] for fold in board["folds"])
    assert found[["time", "id"]].equals(
        found[["time", "id"]].sort_values(["time", "id"], ignore_index=True)
    )
    merged = found.merge(train, on="id", suffixes=("", "_there"))
    assert (merged.label == merged.label_there).all()
    measured = average_precision_score(found.label, found.score_1)
    assert measured == pytest.approx(summary["average_precision"], abs=1e-9)


def test_the_model_is_the_best_candidate_fitted_on_all_rows(tuned):
    gold, summary, _ = tuned
    model, train = load(gold.folder / "model"), gold.train()
    board = gold.leaderboard()
    assert model.candidate.model_dump(mode="json") == board["trials"][board["best"]]["candidate"]
    assert set(model.features) <= {name for name, *_ in FEATURES}
    fresh = average_precision_score(train.label, model.score(train))
    assert fresh > summary["average_precision"] * 0.8


def test_the_trees_sql_gives_every_training_row_its_probability(tuned):
    gold, _, _ = tuned
    text = (gold.folder / "tree" / "tree.sql").read_text()
    source = gold.folder / "train.parquet"
    found = duckdb.sql(f"SELECT id, (\n{text}) AS score FROM '{source}' ORDER BY id").df()
    assert found.score.nunique() > 3
    by_model = _tree(gold).score(gold.train().sort_values("id"))
    np.testing.assert_array_equal(found.score, by_model)


def _tree(gold):
    from vouch.usecases.fraud.candidate import Candidate
    from vouch.usecases.fraud.models import fit
    from vouch.usecases.fraud.space import Offer

    told = gold.leaderboard()["best_by_algorithm"]["decision_tree"]["candidate"]
    candidate = Candidate.model_validate(told)
    columns = Offer(tuple(FEATURES)).columns(candidate)
    return fit(candidate, gold.train(), columns, "label", PARAMS.seed, 1)


def test_every_trial_is_a_nested_run(tuned):
    gold, summary, _ = tuned
    client, parent = tracking.client(gold.state), gold.leaderboard()["run_id"]
    experiment = client.get_experiment_by_name("fraud-tiny").experiment_id
    nested = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert len(nested) == 10
    best = max(run.data.metrics["average_precision"] for run in nested)
    assert best == pytest.approx(summary["average_precision"])
    assert {run.info.status for run in nested} == {"FINISHED"}
    assert {run.data.params["algorithm"] for run in nested} >= {"xgboost", "decision_tree"}
    whole = client.get_run(parent)
    assert whole.info.status == "FINISHED"
    assert whole.data.metrics["average_precision"] == pytest.approx(best)


def test_again_nothing_is_searched_and_every_file_is_the_same(tuned):
    gold, summary, _ = tuned
    before = _bytes(gold)
    assert tune(**gold.files(), params=PARAMS) == summary
    assert _bytes(gold) == before


def _bytes(gold):
    files = [p for p in gold.folder.rglob("*") if p.is_file() and "state" not in p.parts]
    return {file: file.read_bytes() for file in files}


RUN = """
import sys
sys.path.insert(0, {root!r})
from tests.usecases.fraud.gold import Gold
from tests.usecases.fraud.test_tune import PARAMS, Path, tune
tune(**Gold(Path(sys.argv[1]), Path(sys.argv[1]) / "state").files(), params=PARAMS,
     progress=lambda done, total, text: print(done, flush=True))
"""


@pytest.mark.slow
def test_killed_twice_the_stage_ends_as_if_undisturbed(tuned, tmp_path):
    gold = write_gold(tmp_path)
    script = RUN.format(root=str(Path(__file__).parents[3]))
    for lines in (2, 3):
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
            for _ in range(lines):
                one.stdout.readline()
            time.sleep(0.05)
            os.kill(one.pid, signal.SIGKILL)
        assert one.returncode == -signal.SIGKILL
    assert tune(**gold.files(), params=PARAMS) == tuned[1]
    for name in ("predictions.parquet", "model/candidate.json", "tree/tree.sql"):
        assert (gold.folder / name).read_bytes() == (tuned[0].folder / name).read_bytes()
    own, other = _without_seconds(gold.leaderboard()), _without_seconds(tuned[0].leaderboard())
    assert own == other
    client = tracking.client(gold.state)
    experiment = client.get_experiment_by_name("fraud-tiny").experiment_id
    assert len(client.search_runs([experiment])) == 11


def _without_seconds(board):
    told = {key: value for key, value in board.items() if key != "run_id"}
    for part in (*told["trials"], *told["best_by_sampler"].values()):
        part.pop("seconds")
    return told


def test_without_time_and_payer_and_trees_it_works_too(state, tmp_path):
    frame = gold_rows(rows=900, positives=0.1)
    frame = frame.drop(columns=["time", "payer", "label_known_at", "truth_known_at"])
    gold = write_gold(tmp_path, frame, FEATURES[:1], state)
    params = TuneParams(
        budget=Budget(trials=2), samplers=("tpe",), algorithms=("logistic_regression",)
    )
    tune(**gold.files(), params=params)
    found = pd.read_parquet(tmp_path / "predictions.parquet")
    assert sorted(found.id) == sorted(frame.id)
    assert (tmp_path / "tree" / "tree.svg").exists()
    assert set(gold.leaderboard()["best_by_algorithm"]) == {"logistic_regression"}


def test_many_rows_are_drawn_for_the_search_and_the_best_measured_on_all(state, tmp_path):
    gold = write_gold(tmp_path, gold_rows(rows=6000), state=state)
    params = TuneParams(
        budget=Budget(trials=3),
        samplers=("random",),
        algorithms=("decision_tree",),
        search_rows=1000,
        assess_rows=1000,
    )
    tune(**gold.files(), params=params)
    board = gold.leaderboard()
    found = pd.read_parquet(tmp_path / "predictions.parquet")
    assert len(found) == sum(fold["rows"] for fold in board["folds"]) > 4000
    best = board["best_by_algorithm"]["decision_tree"]
    assert best["value"] == pytest.approx(average_precision_score(found.label, found.score_1))
    drawn = board["trials"][best["number"]]["value"]
    assert drawn == pytest.approx(best["value"], rel=0.3)
    assert any("measured on about 1,000 rows" in w for w in board["warnings"])


def test_of_equal_candidates_the_ensemble_is_chosen(state, tmp_path):
    frame = gold_rows(rows=900, positives=0.1)
    frame["hour"] = frame["label"].astype("float32")
    gold = write_gold(tmp_path, frame, [FEATURES[3]], state)
    params = TuneParams(budget=Budget(trials=3), algorithms=("decision_tree", "xgboost"))
    assert tune(**gold.files(), params=params)["average_precision"] == 1.0
    assert load(tmp_path / "model").candidate.algorithm == "xgboost"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.drop(columns="hour"), "no column 'hour'"),
        (lambda frame: frame.assign(label=np.int8(0)), "0 of 300 rows are positive"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_told(state, tmp_path, change, told):
    gold = write_gold(tmp_path, change(gold_rows(rows=300)), state=state)
    with pytest.raises(VouchError, match=told):
        tune(**gold.files(), params=PARAMS)


def test_when_every_trial_fails_the_reason_is_told(state, tmp_path):
    # all positives at the end: the first blocks leave nothing to learn from
    frame = gold_rows(rows=400)
    frame["label"] = np.int8(0)
    frame.loc[398:, "label"] = np.int8(1)
    frame["time"] = frame["time"].iloc[0]
    frame["payer"] = "one"
    gold = write_gold(tmp_path, frame, state=state)
    with pytest.raises(VouchError, match="all 10 trials failed"):
        tune(**gold.files(), params=PARAMS)


def test_where_people_overrule_the_rule_its_weight_is_searched_for_and_told(state, tmp_path):
    frame = gold_rows()
    people = np.random.default_rng(9).random(len(frame)) < 0.5
    frame["label_source"] = np.where(people, "reviewer", "rule")
    frame["label"] = np.where(people, frame["truth"], frame["rule"]).astype("int8")
    frame["truth"] = frame["truth"].where(people)
    gold = write_gold(tmp_path / "mixed", frame, state=state)
    params = TuneParams(
        budget=Budget(trials=2), samplers=("random",), algorithms=("decision_tree",), threads=1
    )
    summary = tune(**gold.files(), params=params)
    board = gold.leaderboard()
    weights = [trial["candidate"]["rule_weight"] for trial in board["trials"]]
    assert weights[0] == RULE_START
    assert 0.01 <= weights[1] < 1
    assert any("measured on these alone" in warning for warning in summary["warnings"])
    assert load(gold.folder / "model").candidate.rule_weight in weights
    found = pd.read_parquet(gold.folder / "predictions.parquet")
    asked = found["id"].isin(frame["id"][people])
    assert not asked.all()
    measured = average_precision_score(found["label"][asked], found["score_1"][asked])
    assert summary["average_precision"] == pytest.approx(measured)


def test_what_is_marked_spurious_no_model_is_given(tmp_path, state):
    gold = write_gold(tmp_path, state=state)
    marked = ("amount", "long gone")
    params = PARAMS.model_copy(update={"spurious": marked, "budget": Budget(trials=1)})
    tune(**gold.files(), params=params)
    model = load(gold.folder / "model")
    assert "amount" not in model.features
    assert model.candidate.spurious == ("amount",)
    for trial in gold.leaderboard()["trials"]:
        assert trial["candidate"]["spurious"] == ["amount"]
    everything = params.model_copy(update={"spurious": tuple(name for name, *_ in FEATURES)})
    with pytest.raises(VouchError, match="no feature is left") as refused:
        tune(**gold.files(), params=everything)
    assert "--undo" in refused.value.hint


def waiting_gold(folder, state=None):
    """Gold whose holdout began on 29 January: truth of the last day or so has not come."""
    frame = gold_rows(delay_hours=24.0)
    late = frame["label_known_at"] > pd.Timestamp("2024-01-29")
    frame = frame[frame["time"] < pd.Timestamp("2024-01-29")]
    late = late[frame.index]
    frame.loc[late, "label"] = frame.loc[late, "rule"]
    frame.loc[late, "label_known_at"] = frame.loc[late, "time"]
    frame.loc[late, "label_source"] = "rule"
    return write_gold(folder, frame, state=state), int(late.sum())


def test_where_truth_may_still_come_the_search_chooses_what_becomes_of_the_rows(tmp_path, state):
    gold, late = waiting_gold(tmp_path / "waiting", state)
    described = extracted(features=[], as_of="2024-02-05", boundary="2024-01-29T00:00:00")
    listed = read_json(gold.folder / "extract.json")["features"]
    described.model_copy(update={"features": listed}).write(gold.folder / "extract.json")
    with find("fraud").search_data(
        gold.folder / "train.parquet", gold.folder / "extract.json", PARAMS, state
    ) as data:
        assert data.space.unripe and data.space.mixed
        shares = data.frame["ripeness"]
        assert 0 < (shares < 0.95).sum() <= late
        assert not data.space.one_sided
        (warning,) = [warning for warning in data.warnings if "the search chooses" in warning]
        assert "less than 95% of true labels would have come yet" in warning
        assert warning.endswith("count as they are or are left out")
        for part in data.objective.parts:
            assert (part.train["ripeness"] < 0.95).any()
        starts = [
            data.assess(Candidate(algorithm="decision_tree", rule_weight=1.0, unripe=choice)).value
            for choice in ("all", "weighted", "left_out")
        ]
        assert len(set(starts)) == 3
        prints = data.fingerprint
    # a month later these labels are as ripe as they get
    described.model_copy(
        update={"features": listed, "boundary": None, "as_of": "2024-03-05"}
    ).write(gold.folder / "extract.json")
    with find("fraud").search_data(
        gold.folder / "train.parquet", gold.folder / "extract.json", PARAMS, state
    ) as data:
        assert not data.space.unripe and "ripeness" not in data.frame
        assert data.fingerprint != prints


@pytest.mark.parametrize("searched", [True, False])
def test_a_trees_true_figure_is_never_written_while_blind(tuned, state, tmp_path, searched):
    blinding = Blinding("fraud", bytes(32))
    veil = Veil("average_precision", Periods(blinding, {blinding.period: blinding}))
    files = tuned[0].files()
    with find("fraud").search_data(files["train"], files["extracted"], PARAMS, state) as data:
        tree = Candidate(algorithm="decision_tree", hyperparameters=STARTS["decision_tree"])
        best = data.measure(tree, 0)
        bests = {"decision_tree": best} if searched else {}
        data.write_model(bests, best, tmp_path / "model", tmp_path / "tree", veil.best)
    about, shown = read_json(tmp_path / "tree/tree.json"), veil.best(best)
    assert (
        about["average_precision"]
        == shown.value
        == best.value + blinding.offset("average_precision")
    )
    assert about["interval"] == list(shown.interval)


def test_late_truth_measures_and_does_not_train(tmp_path, state):
    """What came after the holdout began chooses among candidates, and changes none of them."""
    frame = gold_rows()
    late = (frame["label_known_at"] > pd.Timestamp("2024-01-20")).to_numpy()
    silent = late & (np.arange(len(frame)) % 4 == 0)  # of these not even the rule said anything
    frame.loc[late, ["label", "label_known_at"]] = frame.loc[late, ["rule", "time"]].to_numpy()
    frame["label_source"] = frame["label_source"].mask(late, "rule").mask(silent, None)
    frame["label"] = frame["label"].astype("Int8").mask(silent)
    frame["rule"] = frame["rule"].astype("Int8").mask(silent)
    frame["label_known_at"] = pd.to_datetime(frame["label_known_at"]).mask(silent)
    turned = frame.assign(truth=frame["truth"].mask(late, 1 - frame["truth"]))
    candidate = Candidate(algorithm="decision_tree")
    models, values = [], []
    for name, rows in (("as_it_is", frame), ("turned", turned)):
        gold = write_gold(tmp_path / name, rows, state=state)
        with find("fraud").search_data(
            gold.folder / "train.parquet", gold.folder / "extract.json", PARAMS, state
        ) as data:
            assert data.judged.all()
            for fold, part in zip(data.folds, data.objective.parts, strict=True):
                assert (part.assess["label"] == rows["truth"].iloc[fold.assess]).all()
                assert not silent[fold.train].any()
            models.append(data.fit(candidate).score(data.frame))
            values.append(data.measure(candidate, None).value)
    assert np.array_equal(*models) and models[0].any()
    assert values[0] != values[1]
