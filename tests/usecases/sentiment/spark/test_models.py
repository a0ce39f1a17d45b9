import numpy as np
import pandas as pd
import pytest

from tests.usecases.sentiment.conftest import text_rows
from vouch.core.errors import VouchError
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.spark.candidate import ALGORITHMS, SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder
from vouch.usecases.sentiment.spark.models import fit, save

pytestmark = pytest.mark.slow  # Spark's start and its fits take a minute in all

SMALL = {
    "logistic_regression": {"C": 1.0},
    "naive_bayes": {"alpha": 0.3},
    "classifier_dl": {"dimensions": 20, "epochs": 40, "learning_rate": 0.01},
    "linear_svm": {"C": 0.5},
    "random_forest": {"n_estimators": 30, "max_depth": 10},
}
EMBEDDED = {
    "words": {"algorithm": "logistic_regression", "embedding_weight": 0.3},
    "alone": {"algorithm": "logistic_regression", "longest": 0, "embedding_weight": 1.0},
    "as they are": {"algorithm": "logistic_regression", "longest": 0},
    "svm": {"algorithm": "linear_svm", "embedding_weight": 0.3},
    "forest": {"algorithm": "random_forest", "longest": 0},
    "network": {"algorithm": "classifier_dl", "longest": 0},
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


@pytest.fixture(scope="module")
def encoders(spark_nlp, tiny_bert, tmp_path_factory):
    encoder = SparkEncoder(tiny_bert, tmp_path_factory.mktemp("cache") / "embeddings.db")
    return {encoder.identity: encoder}


@pytest.fixture(scope="module")
def embedded(encoders, frame):
    (identity,) = encoders
    models = {}
    for name, content in EMBEDDED.items():
        own = {k: v for k, v in SMALL[content["algorithm"]].items() if k != "dimensions"}
        one = SparkCandidate(hyperparameters=own, encoder=identity, **content)
        models[name] = fit(one, frame, seed=1, encoders=encoders)
    return models


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_pipeline_embeds_as_the_vectors_that_were_kept(name, embedded, encoders, frame):
    model = embedded[name]
    texts = pd.DataFrame({"text": [*frame.text[:60], *ODD]})
    kept = model.predict(texts, encoders)
    # vectors are the same to the bit; TensorFlow's threads round
    atol = 1e-6 if name == "network" else 1e-12
    np.testing.assert_allclose(model.predict(texts), kept, rtol=0, atol=atol)
    assert (kept[:60].argmax(axis=1) == frame.label[:60]).mean() > 0.7
    alone = [model.predict_one(text) for text in texts.text[-3:]]
    np.testing.assert_allclose(alone, kept[-3:], rtol=0, atol=atol)


@pytest.mark.parametrize("name", ["words", "network"])
def test_a_saved_model_carries_its_encoder(name, embedded, frame, tmp_path, monkeypatch):
    model = embedded[name]
    save(model, tmp_path / "model")
    monkeypatch.setenv("VOUCH_ENCODERS", str(tmp_path / "none"))
    loaded = load(tmp_path / "model")
    assert loaded.encoders == model.encoders == (model.candidate.encoder,)
    assert loaded.candidate.encoder.startswith("e5-small-v2@")
    texts = frame.head(20)
    np.testing.assert_allclose(loaded.predict(texts), model.predict(texts), rtol=0, atol=1e-6)
    (file,) = (tmp_path / "model").rglob("*UAE_onnx")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(VouchError, match="UAE_onnx: damaged"):
        load(tmp_path / "model")
    file.unlink()
    with pytest.raises(VouchError, match="UAE_onnx"):
        load(tmp_path / "model")


def test_an_encoder_that_is_not_given_is_named(frame, spark_nlp):
    one = SparkCandidate(algorithm="logistic_regression", encoder="e5-small-v2@" + "0" * 64)
    with pytest.raises(VouchError, match="uses the encoder e5-small-v2@0000") as error:
        fit(one, frame, 0)
    assert "make encoders" in error.value.hint


@pytest.mark.parametrize("algorithm", ["logistic_regression", "naive_bayes", "random_forest"])
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
