import json

import numpy as np
import pandas as pd
import pytest

from tests.project import ROOT
from tests.usecases.gold import Gold
from tests.usecases.sentiment.conftest import text_rows, write_gold
from tests.usecases.sentiment.tiny_encoder import install, write_encoder
from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.settings import load_params
from vouch.engine import encoders
from vouch.engine.encoders import Reading
from vouch.metrics.blinding import Blinding, Periods
from vouch.metrics.classes import macro_recall
from vouch.models.leaderboard import Best
from vouch.models.params import Budget
from vouch.models.space import RULE_START
from vouch.models.veil import Veil
from vouch.results.tune import Leaderboard
from vouch.stages.tune import tune
from vouch.usecases import find
from vouch.usecases.sentiment.candidate import Candidate
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.rows import SearchRows, lay_out
from vouch.usecases.sentiment.tune import search_data

PARAMS = TextTuneParams(budget=Budget(trials=5), threads=1)
QUICK = TextTuneParams(
    budget=Budget(trials=2), samplers=("tpe",), algorithms=("naive_bayes",), threads=1
)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    gold, told = write_gold(tmp_path_factory.mktemp("tuned")), []
    summary = tune(**gold.files(), params=PARAMS, progress=lambda *state: told.append(state))
    return gold, summary, told


def test_the_leaderboard_tells_every_trial_and_the_best(tuned):
    gold, summary, told = tuned
    board = gold.leaderboard()
    trials = board["trials"]
    assert board["metric"] == "macro_recall"
    assert [t["sampler"] for t in trials] == ["random"] * 5 + ["tpe"] * 5
    assert {t["state"] for t in trials} == {"complete"}
    best = max(t["value"] for t in trials)
    assert best == trials[board["best"]]["value"]
    assert summary["macro_recall"] == pytest.approx(best)
    assert len(board["best_by_algorithm"]) == 5
    for one in board["best_by_algorithm"].values():
        assert one["interval"][0] <= one["value"] <= one["interval"][1]
    trials = [(done, total) for done, total, message in told if "trial" in message]
    assert trials == [(done, 10) for done in range(1, 11)]
    compared = [(done, total) for done, total, message in told if "all times" in message]
    assert compared == [(0, 2), (1, 2)]


def test_predictions_are_out_of_fold_and_give_the_leaderboards_measure(tuned):
    gold, summary, _ = tuned
    found = pd.read_parquet(gold.folder / "predictions.parquet")
    scores = ["score_0", "score_1", "score_2"]
    mixed = ["mixed_0", "mixed_1", "mixed_2"]
    given = ["label", "rule", "truth"]
    assert list(found.columns) == ["id", "time", "text", "group", "fold", *scores, *mixed, *given]
    measured = macro_recall(found.label, found[scores].to_numpy().argmax(axis=1))
    assert measured == pytest.approx(summary["macro_recall"], abs=1e-9)
    merged = found.merge(gold.train(), on="id", suffixes=("", "_there"))
    assert (merged.label == merged.label_there).all()
    assert len(found) == sum(fold["rows"] for fold in gold.leaderboard()["folds"])


def test_the_model_is_the_best_candidate_and_its_words_can_be_read(tuned):
    gold, _, _ = tuned
    model, board = load(gold.folder / "model"), gold.leaderboard()
    assert model.candidate.model_dump(mode="json") == board["trials"][board["best"]]["candidate"]
    words = json.loads((gold.folder / "tree" / "words.json").read_text())
    assert words["algorithm"] == model.candidate.algorithm
    assert all(words["strongest"].values())
    assert (gold.folder / "tree" / "words.svg").stat().st_size > 1000


def test_every_trial_is_a_nested_run(tuned):
    gold, summary, _ = tuned
    client, parent = tracking.client(gold.state), gold.leaderboard()["run_id"]
    experiment = client.get_experiment_by_name("sentiment-tiny").experiment_id
    nested = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert len(nested) == 10
    best = max(run.data.metrics["macro_recall"] for run in nested)
    assert best == pytest.approx(summary["macro_recall"])


def test_again_nothing_is_searched_and_every_file_is_the_same(tuned):
    gold, summary, _ = tuned
    files = [p for p in gold.folder.rglob("*") if p.is_file() and "state" not in p.parts]
    before = {file: file.read_bytes() for file in files}
    assert tune(**gold.files(), params=PARAMS) == summary
    assert {file: file.read_bytes() for file in files} == before


@pytest.mark.slow
def test_interrupted_it_ends_as_if_undisturbed(tuned, tmp_path):
    gold = write_gold(tmp_path, state=tuned[0].state.with_name("other"))

    def stop(done, total, text):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(**gold.files(), params=PARAMS, progress=stop)
    assert tune(**gold.files(), params=PARAMS) == tuned[1]
    for name in ("predictions.parquet", "model/candidate.json", "tree/words.json"):
        assert (gold.folder / name).read_bytes() == (tuned[0].folder / name).read_bytes()


def test_many_rows_are_drawn_and_the_finalists_measured_on_all(tuned, tmp_path):
    gold = write_gold(tmp_path, text_rows(1500, time=False), tuned[0].state)
    tune(**gold.files(), params=QUICK.model_copy(update={"search_rows": 600}))
    found = pd.read_parquet(tmp_path / "predictions.parquet")
    assert sorted(found.id) == sorted(gold.train().id)
    assert "time" not in found
    assert any("of 1,500 rows" in warning for warning in gold.leaderboard()["warnings"])


def test_what_the_best_of_each_algorithm_predicted_is_not_predicted_again(tmp_path, monkeypatch):
    files = write_gold(tmp_path, text_rows(1500, time=False)).files()
    predict, predicted = SearchRows.predict, []

    def counted(rows, candidate):
        predicted.append((candidate.algorithm, len(rows.frame)))
        return predict(rows, candidate)

    monkeypatch.setattr(SearchRows, "predict", counted)
    names = ("naive_bayes", "logistic_regression")
    changes = {"search_rows": 600, "finalists": 1, "algorithms": names, "samplers": ("random",)}
    tune(**files, params=QUICK.model_copy(update=changes))
    assert [size == 1500 for _, size in predicted] == [False, False, True]
    board = Leaderboard.read(tmp_path / "leaderboard.json")
    final, other = board.best_by_algorithm[predicted[-1][0]], ({*names} - {predicted[-1][0]}).pop()
    assert final["number"] == board.best
    leader = board.best_by_algorithm[other]
    assert leader["value"] == board.trials[leader["number"]]["value"]


def test_vader_scores_of_other_texts_are_not_used(tuned, tmp_path):
    frame = text_rows(400)
    gold = write_gold(tmp_path, frame.assign(vader_compound=np.float32(0)), tuned[0].state)
    tune(**gold.files(), params=QUICK)
    assert any("computed again" in warning for warning in gold.leaderboard()["warnings"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.drop(columns="text"), "no column 'text'"),
        (lambda frame: frame.assign(label=np.int8(0)), "too few to learn from"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_told(tuned, tmp_path, change, told):
    gold = write_gold(tmp_path, change(text_rows(300)), tuned[0].state)
    with pytest.raises(VouchError, match=told):
        tune(**gold.files(), params=QUICK)


def test_an_extract_without_classes_is_refused(tuned, tmp_path):
    gold = write_gold(tmp_path, text_rows(300), tuned[0].state, classes=[])
    with pytest.raises(VouchError, match=r"classes: \[\] are no names of 2 classes"):
        tune(**gold.files(), params=QUICK)


def test_where_people_overrule_the_rule_its_weight_is_searched_for_and_told(tuned, tmp_path):
    frame = text_rows()
    people = np.random.default_rng(9).random(len(frame)) < 0.6
    label = np.where(people, frame["label"], frame["rule"]).astype("int8")
    source = np.where(people, "reviewer", "rule")
    truth = frame["truth"].where(people)
    frame = frame.assign(label=label, label_source=source, truth=truth)
    gold = write_gold(tmp_path / "mixed", frame, state=tuned[0].state)
    summary = tune(**gold.files(), params=QUICK)
    board = gold.leaderboard()
    assert board["trials"][0]["candidate"]["rule_weight"] == RULE_START
    assert any("measured on these alone" in warning for warning in board["warnings"])
    found = pd.read_parquet(gold.folder / "predictions.parquet")
    asked = found["id"].isin(frame["id"][people])
    chosen = found.loc[asked, ["score_0", "score_1", "score_2"]].to_numpy().argmax(axis=1)
    assert not asked.all()
    assert summary["macro_recall"] == pytest.approx(macro_recall(found["label"][asked], chosen))


def test_a_models_true_figure_is_never_written_while_blind(tuned, tmp_path):
    blinding = Blinding("sentiment", bytes(32))
    veil = Veil("macro_recall", Periods(blinding, {blinding.period: blinding}))
    files = tuned[0].files()
    usecase = find("sentiment")
    with usecase.search_data(files["train"], files["extracted"], QUICK, tuned[0].state) as data:
        candidate = data.space.read({"algorithm": "naive_bayes", "hyperparameters": {}})
        best = Best(0, candidate, 0.7, (0.6, 0.8), pd.DataFrame())
        folders = tmp_path / "model", tmp_path / "tree"
        data.write_model({"naive_bayes": best}, best, *folders, veil.best)
    (about,) = [json.loads(path.read_text()) for path in (tmp_path / "tree").glob("*.json")]
    assert about["macro_recall"] == 0.7 + blinding.offset("macro_recall")
    assert about["interval"] == list(veil.best(best).interval)


@pytest.mark.parametrize("by_time", [True, False])
def test_late_truth_measures_and_does_not_train(tmp_path, by_time):
    frame = text_rows()
    late = np.arange(len(frame)) % 3 == 0
    source = frame["label_source"].mask(late, None)
    frame = frame.assign(label=frame["label"].astype("Int8").mask(late), label_source=source)
    turned = frame.assign(truth=frame["truth"].mask(late, 2 - frame["truth"]))
    candidate, scores, values = Candidate(algorithm="naive_bayes"), [], []
    for name, rows in (("as_it_is", frame), ("turned", turned)):
        gold = write_gold(tmp_path / name, rows)
        params = QUICK.model_copy(update={"by_time": by_time})
        data = lay_out(gold.folder / "train.parquet", params)
        assert data.judged.all()
        assert any(late[fold.assess].any() for fold in data.folds)
        assert not any(late[fold.train].any() for fold in data.folds)
        scores.append(data.refit(candidate).predict(rows))
        values.append(data.outcome(data.predict(candidate)).value)
    assert np.array_equal(*scores)
    assert values[0] > values[1]


def test_encoders_of_the_environment_are_searched_and_carried(tmp_path, monkeypatch):
    place = write_encoder(tmp_path / "encoders/e5-small-v2", reading=Reading(cleaned=True))
    install(monkeypatch, place)
    there = tuple(encoders.installed())
    gold, reports = write_gold(tmp_path / "gold"), []
    params = QUICK.model_copy(update={"algorithms": ("logistic_regression",)})
    tune(
        **gold.files(),
        encoders=there,
        params=params,
        progress=lambda *state: reports.append(state),
    )
    board = gold.leaderboard()
    first = board["trials"][0]["candidate"]["preparation"]
    assert tuple(first["encoders"]) == there
    assert any("embedded by e5-small-v2" in message for *_, message in reports)
    assert not any("make encoders" in warning for warning in board["warnings"])
    assert load(gold.folder / "model").candidate.preparation.encoders in ((), there)
    assert (gold.state / "cache/embeddings.db").exists()
    again = Gold(gold.folder, tmp_path / "again")
    tune(**again.files(), params=params)
    board = again.leaderboard()
    assert board["trials"][0]["candidate"]["preparation"]["encoders"] == []
    assert sum("make encoders" in warning for warning in board["warnings"]) == 1


def test_voting_is_searched_where_there_are_encoders_or_where_it_is_named(tmp_path):
    five = ("naive_bayes", "logistic_regression", "linear_svm", "random_forest", "xgboost")
    project = load_params(ROOT / "params.yaml", TextTuneParams, "tune", "sentiment")
    assert project.algorithms == TextTuneParams().algorithms == five
    files = write_gold(tmp_path / "gold").files()
    place = write_encoder(tmp_path / "tiny")

    def algorithms(**changes):
        params = TextTuneParams.model_validate(changes)
        with search_data(files["train"], files["extracted"], params, tmp_path) as data:
            return data.search.algorithms

    assert algorithms() == five
    assert algorithms(embeddings=place) == (*five, "voting")
    assert algorithms(embeddings=place, algorithms=five[::-1]) == (*five[::-1], "voting")
    assert algorithms(embeddings=place, algorithms=five[:4]) == five[:4]
    assert algorithms(algorithms=["voting"]) == ("voting",)


def test_texts_are_embedded_before_the_first_trial(tmp_path, monkeypatch):
    files, place = write_gold(tmp_path / "gold").files(), write_encoder(tmp_path / "tiny")
    params = TextTuneParams(embeddings=place)
    with search_data(files["train"], files["extracted"], params, tmp_path) as data:
        (encoder,) = data.whole.encoders.values()
        monkeypatch.setattr(Encoder, "_embed", lambda self, text: pytest.fail("embedded late"))
        drawn = data.drawn.frame["text"].tolist()
        assert encoder.embed(drawn).shape == (len(drawn), 8)


def test_an_encoder_that_cannot_be_opened_is_an_error_before_the_first_trial(tmp_path):
    place = write_encoder(tmp_path / "tiny")
    (place / "model.onnx").write_text("no model")
    gold = write_gold(tmp_path / "gold")
    with pytest.raises(VouchError, match=r"model\.onnx: cannot embed texts"):
        tune(**gold.files(), params=QUICK.model_copy(update={"embeddings": place}))
    assert not list(gold.state.rglob("*.journal"))


def test_an_encoder_that_is_not_there_is_an_error(tmp_path):
    gold = write_gold(tmp_path / "gold")
    with pytest.raises(VouchError, match="no encoder 'e5-small-v2'"):
        tune(**gold.files(), encoders=["e5-small-v2@" + "0" * 64], params=QUICK)
