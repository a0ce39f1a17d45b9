import numpy as np
import pandas as pd
import pytest

from tests.usecases.sentiment.conftest import text_rows
from vouch.core.errors import VouchError
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS, SparkCandidate
from vouch.usecases.sentiment.spark.models import fit, save

pytestmark = pytest.mark.slow  # Spark's start and its fits take a minute in all

SMALL = {
    "logistic_regression": {"C": 1.0},
    "naive_bayes": {"alpha": 0.3},
    "classifier_dl": {"dimensions": 20, "epochs": 40, "learning_rate": 0.01},
}
ODD = ["", " ", "😍", "@bob http://t.co/x", "never seen zzz", "i love it 😍 " * 400, "\ud83d"]


def candidate(algorithm, **changes):
    return SparkCandidate(algorithm=algorithm, hyperparameters=SMALL[algorithm], **changes)


@pytest.fixture(scope="module")
def frame():
    return text_rows(500)


@pytest.fixture(scope="module")
def fitted(spark_nlp, frame):
    return {name: fit(candidate(name), frame, seed=1) for name in ALGORITHMS}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_saved_model_predicts_the_same_and_has_learned(algorithm, fitted, frame, tmp_path):
    model = fitted[algorithm]
    scores = model.predict(frame)
    assert scores.shape == (500, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-9)
    least = 0.7 if algorithm == "classifier_dl" else 0.85
    assert (scores.argmax(axis=1) == frame.label).mean() > least
    save(model, tmp_path)
    loaded = load(tmp_path)
    assert (loaded.candidate, loaded.classes) == (model.candidate, model.classes)
    np.testing.assert_allclose(loaded.shares, np.bincount(frame.label) / 500)
    np.testing.assert_allclose(loaded.predict(frame), scores, rtol=0, atol=1e-12)
    save(loaded, tmp_path)  # over itself
    np.testing.assert_allclose(load(tmp_path).predict(frame), scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_text_gets_the_batchs_scores(algorithm, fitted, frame):
    texts = [*frame.text[:10], *ODD]
    batch = fitted[algorithm].predict(pd.DataFrame({"text": texts}))
    alone = [fitted[algorithm].predict_one(text) for text in texts]
    np.testing.assert_allclose(alone, batch, rtol=0, atol=1e-6)


def test_rows_keep_their_order_and_missing_texts_are_empty_ones(fitted, frame):
    model = fitted["naive_bayes"]
    scores = model.predict(frame)
    turned = frame.iloc[::-1].assign(other=1)
    np.testing.assert_allclose(model.predict(turned)[::-1], scores, rtol=0, atol=1e-12)
    one, two = model.predict(pd.DataFrame({"text": [None, ""]}))
    np.testing.assert_array_equal(one, two)
    assert model.predict(pd.DataFrame({"text": []})).shape == (0, 3)


@pytest.mark.parametrize("algorithm", ["logistic_regression", "naive_bayes"])
def test_a_fit_can_be_repeated(algorithm, fitted, frame):
    again = fit(candidate(algorithm), frame, seed=1)
    scores = fitted[algorithm].predict(frame)
    np.testing.assert_allclose(again.predict(frame), scores, rtol=0, atol=1e-9)


def test_signs_of_sentiment_are_words_of_their_own(fitted):
    grams = set(fitted["logistic_regression"].weighed.place)
    assert {"😍", "!!!", "#btc", "love it", "it 😍"} <= grams
    assert not any("@bob" in gram or "t.co" in gram or "&amp" in gram for gram in grams)


def test_balanced_classes_help_the_rare_ones(spark_nlp):
    frame = text_rows(400)
    rare = pd.concat([frame[frame.label == 0].head(8), frame[frame.label != 0]])
    found = [
        fit(candidate("naive_bayes", imbalance=imbalance), rare, 0).predict(rare)[:, 0].mean()
        for imbalance in ("none", "weights")
    ]
    assert found[1] > 1.5 * found[0]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_class_never_seen_has_no_chance(algorithm, frame, spark_nlp):
    two = frame[frame.label != 1].head(60)
    model = fit(candidate(algorithm), two, 0)
    scores = model.predict(frame.head(20))
    assert (scores[:, 1] == 0).all()
    np.testing.assert_allclose(model.predict_one(frame.text[0]), scores[0], atol=1e-6)


def test_unsound_input_is_told(fitted, frame):
    with pytest.raises(VouchError, match="no column 'text'"):
        fitted["naive_bayes"].predict(pd.DataFrame({"texts": ["a"]}))
    with pytest.raises(VouchError, match="no column 'label'"):
        fit(candidate("naive_bayes"), frame[["text"]], 0)
    with pytest.raises(VouchError, match="same label"):
        fit(candidate("naive_bayes"), frame.assign(label=np.int8(1)), 0)
    with pytest.raises(VouchError, match="no n-gram stands in 1000 texts"):
        fit(candidate("naive_bayes", min_df=1000), frame, 0)
    with pytest.raises(VouchError, match="no n-gram stands in 1000 texts"):
        fit(candidate("classifier_dl", min_df=1000), frame, 0)


def test_stop_words_and_stems(spark_nlp, frame):
    model = fit(candidate("naive_bayes", stop_words=True, stem=True), frame, 0)
    grams = set(model.weighed.place)
    assert "the" not in grams
    assert "terribl" in grams
