import json

import numpy as np
import pandas as pd
import pytest

from tests.usecases.sentiment.conftest import text_rows, write_gold
from tests.usecases.sentiment.tiny_encoder import install
from vouch.core.errors import VouchError
from vouch.engine import encoders
from vouch.holdout import blind
from vouch.metrics.classes import macro_recall
from vouch.stages.tune import tune
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS
from vouch.usecases.sentiment.spark.models import SparkFitted, fit
from vouch.usecases.sentiment.spark.tune import search_data
from vouch.usecases.sentiment.spark.words import export

pytestmark = pytest.mark.slow
PARAMS = TextTuneParams.model_validate({"threads": 2, "spark": {"epochs": 3}})


def on_spark(folder, frame=None):
    gold = write_gold(folder, text_rows(600) if frame is None else frame)
    path = folder / "extract.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"engine": "spark"}))
    return gold


@pytest.fixture(scope="module")
def tuned(spark_nlp, tmp_path_factory):
    gold, told = on_spark(tmp_path_factory.mktemp("tuned")), []
    summary = tune(**gold.files(), params=PARAMS, progress=lambda *state: told.append(state))
    return gold, summary, told


def test_the_leaderboard_tells_each_algorithm_and_its_cost(tuned):
    gold, summary, told = tuned
    board = gold.leaderboard()
    assert (board["engine"], board["metric"]) == ("spark", "macro_recall")
    assert [trial["algorithm"] for trial in board["trials"][:-1]] == list(ALGORITHMS)
    assert {trial["state"] for trial in board["trials"]} == {"complete"}
    for name, one in board["best_by_algorithm"].items():
        assert one["candidate"]["algorithm"] == name
        assert one["interval"][0] <= one["value"] <= one["interval"][1]
        assert one["seconds"] >= one["fit_seconds"] > 0
        assert one["peak_mb"] > 100
    assert set(board["best_by_algorithm"]) == set(ALGORITHMS)
    best = max(trial["value"] for trial in board["trials"])
    assert summary["macro_recall"] == pytest.approx(best)
    assert summary["macro_recall"] > 0.75
    assert told[-1][:2] == (6, 6)
    assert sum("make encoders" in warning for warning in board["warnings"]) == 1
    assert not any("spent before" in line for line in board["warnings"])


def test_predictions_are_out_of_the_one_fold(tuned):
    gold, summary, _ = tuned
    found = pd.read_parquet(gold.folder / "predictions.parquet")
    scores = ["score_0", "score_1", "score_2"]
    given = ["label", "rule", "truth"]
    assert list(found.columns) == ["id", "time", "text", "group", "fold", *scores, *given]
    measured = macro_recall(found.label, found[scores].to_numpy().argmax(axis=1))
    assert measured == pytest.approx(summary["macro_recall"], abs=1e-9)
    (fold,) = gold.leaderboard()["folds"]
    assert len(found) == fold["rows"] < 300
    assert found.time.min() >= pd.Timestamp(fold["from"])
    merged = found.merge(gold.train(), on="id", suffixes=("", "_there"))
    assert (merged.text == merged.text_there).all()
    np.testing.assert_allclose(found[scores].sum(axis=1), 1, rtol=1e-9)


def test_the_model_is_the_best_candidate_and_its_words_can_be_read(tuned):
    gold, summary, _ = tuned
    model, board = load(gold.folder / "model"), gold.leaderboard()
    assert isinstance(model, SparkFitted)
    assert model.candidate.model_dump(mode="json") == board["trials"][board["best"]]["candidate"]
    assert model.predict_one("great news!!!, i love it 😍").argmax() == 2
    words = json.loads((gold.folder / "tree" / "words.json").read_text())
    assert words["macro_recall"] == pytest.approx(summary["macro_recall"])
    assert set(words["strongest"]) == {"negative", "neutral", "positive"}
    assert "words: hate" in [one["feature"] for one in words["strongest"]["negative"]]
    assert (gold.folder / "tree" / "words.svg").stat().st_size > 1000


def test_again_nothing_is_searched(tuned, monkeypatch):
    gold, summary, _ = tuned
    before = gold.leaderboard(), (gold.folder / "predictions.parquet").read_bytes()
    fits = []
    monkeypatch.setattr(
        "vouch.usecases.sentiment.spark.tune.fit", lambda *given: fits.append(given) or fit(*given)
    )
    assert tune(**gold.files(), params=PARAMS) == summary
    assert len(fits) == 1  # the final one, on all rows
    assert (gold.leaderboard(), (gold.folder / "predictions.parquet").read_bytes()) == before


def test_while_blind_a_search_on_spark_shows_nothing_without_its_offset(spark_nlp, tmp_path):
    gold = on_spark(tmp_path / "gold", text_rows(300))
    files, words = gold.files(), tmp_path / "gold/tree/words.json"
    spark = {"algorithms": ["logistic_regression"], "budget": {"trials": 1}}
    params = TextTuneParams.model_validate({"spark": spark})

    def shown(period):
        told = [tune(**files, blind=period, params=params)["macro_recall"]]
        board = gold.leaderboard()
        told += [trial["value"] for trial in board["trials"]]
        told += [best["value"] for best in board["best_by_algorithm"].values()]
        return [*told, json.loads(words.read_text())["macro_recall"]]

    blind.begin(files["state"], "sentiment", seen=False)
    period = blind.periods(files["state"], "sentiment").now
    blinded = shown(period.period)
    stored = [path.read_text() for path in files["state"].glob("tune/*.journal")]
    assert gold.leaderboard()["blind"]["period"] == period.period
    blind.end(files["state"], "sentiment", "f" * 64, "none")
    true = shown(None)
    assert stored and 0 < true[0] < 1 and "blind" not in gold.leaderboard()
    offset = period.offset("macro_recall")
    assert blinded == pytest.approx([value + offset for value in true], abs=1e-9)
    assert not any(repr(true[0]) in text for text in stored)


def test_an_encoder_is_searched_and_embeds_each_text_once(
    spark_nlp, tiny_bert, tmp_path, monkeypatch
):
    install(monkeypatch, tiny_bert)
    gold, there, told = on_spark(tmp_path / "gold", text_rows(300)), encoders.installed(), []
    spark = {"algorithms": ["logistic_regression", "naive_bayes"], "budget": {"trials": 2}}
    params = TextTuneParams.model_validate({"spark": spark})

    def search(**changes):
        return tune(
            **gold.files(), params=params, progress=lambda *state: told.append(state), **changes
        )

    search(encoders=there)
    board = gold.leaderboard()
    first, second = (trial["candidate"] for trial in board["trials"])
    assert (first["encoder"], second["encoder"]) == (there[0], None)
    assert not any("make encoders" in warning for warning in board["warnings"])
    embedded = [state for state in told if "embedded" in state[2]]
    distinct = gold.train()["text"].nunique()
    assert [state[:2] for state in embedded] == [(distinct, distinct)]
    model = load(gold.folder / "model")
    assert model.predict_one("great news!!!, i love it 😍").argmax() == 2
    (tmp_path / "gold/leaderboard.json").unlink()
    search()  # the encoder is not noted: another search
    assert all(trial["candidate"]["encoder"] is None for trial in gold.leaderboard()["trials"])
    assert sum("none is noted" in line for line in gold.leaderboard()["warnings"]) == 1
    with pytest.raises(VouchError, match="is another encoder than e5-small-v2@000"):
        search(encoders=["e5-small-v2@" + "0" * 64])


def test_what_makes_other_vectors_makes_another_search(spark_nlp, tiny_bert, tmp_path, monkeypatch):
    install(monkeypatch, tiny_bert)
    files = on_spark(tmp_path / "gold", text_rows(300)).files()
    (identity,), reports = encoders.installed(), []

    def fingerprint(*algorithms):
        params = TextTuneParams.model_validate({"spark": {"algorithms": algorithms}})
        names, state = ("negative", "neutral", "positive"), tmp_path / "state"
        progress = lambda *report: reports.append(report)  # noqa: E731
        with search_data(files["train"], params, state, names, [identity], progress) as data:
            return data.fingerprint

    fingerprint("naive_bayes")
    assert reports == []  # it reads no embeddings
    before = fingerprint("linear_svm")
    assert len(reports) == 1  # before any trial
    assert fingerprint("linear_svm") == before
    monkeypatch.setattr("vouch.usecases.sentiment.spark.encoder.version", lambda name: "6.0.0")
    assert fingerprint("linear_svm") != before


def test_a_budget_that_ends_early_names_what_was_not_tried(spark_nlp, tmp_path):
    spark = {"algorithms": ["naive_bayes", "random_forest"], "budget": {"trials": 1}}
    gold = on_spark(tmp_path / "gold", text_rows(300))
    tune(**gold.files(), params=TextTuneParams.model_validate({"spark": spark}))
    (warning,) = [line for line in gold.leaderboard()["warnings"] if "spent before" in line]
    assert warning.endswith("any trial of random_forest")


def test_a_network_is_asked_about_common_words(spark_nlp, tmp_path):
    frame = text_rows(300)
    params = {"algorithms": ["classifier_dl"], "budget": {"trials": 1}, "epochs": 2}
    gold = on_spark(tmp_path / "gold", frame)
    tune(**gold.files(), params=TextTuneParams.model_validate({"spark": params}))
    words = json.loads((tmp_path / "gold" / "tree" / "words.json").read_text())
    assert words["algorithm"] == "classifier_dl"
    assert all(len(listed) == 30 for listed in words["strongest"].values())
    model = load(tmp_path / "gold" / "model")
    export(model, frame.text, tmp_path / "again", {})
    again = json.loads((tmp_path / "again" / "words.json").read_text())
    assert again["strongest"] == words["strongest"]
