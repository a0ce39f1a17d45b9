import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from tests.usecases.sentiment.conftest import text_rows
from tests.usecases.sentiment.tiny_encoder import write_encoder
from vouch.core.errors import VouchError
from vouch.core.files import read_json, write_json
from vouch.models.tokens import TOKEN
from vouch.usecases.sentiment import USECASE
from vouch.usecases.sentiment.candidate import (
    ALGORITHMS,
    LINEAR,
    TOGETHER,
    Candidate,
    Preparation,
)
from vouch.usecases.sentiment.combining import follow, stack, vote
from vouch.usecases.sentiment.embeddings import BATCH, Encoder
from vouch.usecases.sentiment.features import Corpus
from vouch.usecases.sentiment.models import fit, fit_rows, load, predict_rows, save

SMALL = {
    "naive_bayes": {"alpha": 0.3},
    "logistic_regression": {"C": 1.0},
    "linear_svm": {"C": 0.1},
    "random_forest": {"n_estimators": 10, "max_depth": 10},
    "xgboost": {"n_estimators": 10, "max_depth": 3},
    "voting": {"C": 1.0, "partner": "naive_bayes", "share": 0.6},
    "stacking": {"C": 1.0, "partner": "linear_svm", "final_C": 1.0},
}
PIECES = ["i", "love", "hate", "not", "good", "😍", "😡", "#btc", "@bob", "&amp;", "10:30", "!!"]
BOTH = Preparation(words="1-2", characters="3-5")


def candidate(algorithm, preparation=BOTH, **changes):
    told = {"hyperparameters": SMALL[algorithm], "preparation": preparation} | changes
    if algorithm in TOGETHER:
        partner = SMALL[algorithm]["partner"]
        narrow = preparation.model_copy(update={"encoders": (), "embedding_weight": None})
        shared = {k: v for k, v in changes.items() if k != "hyperparameters"}
        read = narrow if partner == "naive_bayes" else preparation
        pairs = (("logistic_regression", preparation), (partner, read))
        told["members"] = tuple(candidate(*pair, **shared) for pair in pairs)
    return Candidate(algorithm=algorithm, **told)


@pytest.fixture(scope="module")
def frame():
    return text_rows(500)


@pytest.fixture(scope="module")
def linear(frame):
    return {name: fit(candidate(name), frame, 0, 1) for name in sorted(LINEAR)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_saved_model_predicts_the_same_and_has_learned(algorithm, frame, tmp_path):
    fitted = fit(candidate(algorithm), frame, 1, 2)
    scores = fitted.predict(frame)
    assert (scores.argmax(axis=1) == frame.label).mean() > 0.8
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)
    for name in ("a", "b"):
        save(fit(candidate(algorithm), frame, 1, 2), tmp_path / name)
    place = tmp_path / "a"
    files = sorted(file.relative_to(place) for file in place.rglob("*") if file.is_file())
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    loaded = load(tmp_path / "a")
    assert loaded.candidate == fitted.candidate
    np.testing.assert_array_equal(loaded.predict(frame), scores)
    np.testing.assert_allclose(loaded.predict_one(frame.text[7]), scores[7], rtol=0, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "i",
                "love",
                "hate",
                "not",
                "good",
                "😍",
                "😡",
                "#btc",
                "@bob",
                "&amp;",
                "10:30",
                "to",
                "the",
                "moon",
                "!!",
            ]
        )
    ).map(" ".join)
)
def test_one_text_gets_the_batchs_scores(linear, text):
    batch = pd.DataFrame({"text": ["i love it", text, "never again"]})
    for fitted in linear.values():
        alone = fitted.predict_one(text)
        assert alone.shape == (3,)
        np.testing.assert_allclose(alone, fitted.predict(batch)[1], rtol=0, atol=1e-12)


def test_numbers_are_scikit_learns(frame):
    prepared = Preparation(words="1-2", characters="3-5", vader=False)
    fitted = fit(candidate("naive_bayes", prepared), frame, 0, 1)
    cleaned = Corpus.of(frame).cleaned(prepared.cleaning)
    words = TfidfVectorizer(
        tokenizer=TOKEN.findall,
        token_pattern=None,
        ngram_range=(1, 2),
        min_df=2,
        sublinear_tf=True,
    )
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True)
    wanted = np.hstack([v.fit_transform(cleaned).toarray() for v in (words, letters)])
    found = fitted.features.transform(Corpus.of(frame)).toarray()
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("words", ["none", "1-1", "1-3"])
@pytest.mark.parametrize("characters", ["none", "2-4"])
def test_a_shared_corpus_changes_nothing(words, characters, frame):
    prepared = Preparation(words=words, characters=characters, select=200)
    corpus, labels = Corpus.of(frame), frame.label.to_numpy()
    train, rest = np.arange(0, 400), np.arange(400, 500)
    wanted = candidate("logistic_regression", prepared)
    groups = np.arange(len(frame))
    fitted, columns = fit_rows(wanted, corpus, train, labels, groups, 0, 1)
    alone = fit(wanted, frame.iloc[:400].drop(columns="group"), 0, 1)
    assert fitted.features.names == alone.features.names
    shared = predict_rows(fitted, corpus, rest, columns)
    np.testing.assert_allclose(shared, alone.predict(frame.iloc[400:]), atol=1e-12)


def test_what_is_assessed_is_never_learned_from(frame):
    corpus, labels = Corpus.of(frame), frame.label.to_numpy()
    other = frame.copy()
    other.loc[400:, "text"] = "unheard of words everywhere"
    other = other.drop(columns=["vader_neg"])
    rows, groups = np.arange(400), np.arange(len(frame))
    one = fit_rows(candidate("naive_bayes"), corpus, rows, labels, groups, 0, 1)[0]
    two = fit_rows(candidate("naive_bayes"), Corpus.of(other), rows, labels, groups, 0, 1)[0]
    assert one.features.names == two.features.names
    np.testing.assert_allclose(one.estimator.weights, two.estimator.weights, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_class_never_seen_has_no_chance(algorithm, frame, tmp_path):
    two = frame[frame.label != 1]
    fitted = fit(candidate(algorithm), two, 0, 1)
    save(fitted, tmp_path)
    scores = load(tmp_path).predict(frame)
    assert scores.shape == (len(frame), 3)
    assert (scores[:, 1] == 0).all()
    np.testing.assert_allclose(fitted.predict_one(frame.text[0]), scores[0], atol=1e-12)


def test_empty_and_missing_texts_are_scored(linear):
    fitted = linear["logistic_regression"]
    scores = fitted.predict(pd.DataFrame({"text": ["", None, "😀", "a" * 10_000]}))
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores[0], scores[1])
    assert fitted.predict(pd.DataFrame({"text": []})).shape == (0, 3)


def test_the_feature_index_can_be_read(linear, tmp_path):
    save(linear["logistic_regression"], tmp_path)
    lines = (tmp_path / "features.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert {group for group, *_ in found} == {"words", "characters"}
    assert "words: 😍" in linear["logistic_regression"].features.names
    assert np.load(tmp_path / "weights.npy", allow_pickle=False).shape == (len(found) + 5 + 1, 3)


def test_unsound_input_is_told(linear, frame, tmp_path):
    with pytest.raises(VouchError, match="no column 'text'"):
        linear["naive_bayes"].predict(pd.DataFrame({"texts": ["a"]}))
    with pytest.raises(VouchError, match="same label"):
        fit(candidate("naive_bayes"), frame.assign(label=np.int8(1)), 0, 1)
    with pytest.raises(VouchError, match="no n-gram"):
        fit(candidate("naive_bayes", Preparation(words_min_df=1000, vader=False)), frame, 0, 1)
    with pytest.raises(VouchError, match="the encoder one@0, which is not given"):
        fit(candidate("logistic_regression", Preparation(encoders=("one@0",))), frame, 0, 1)
    save(linear["naive_bayes"], tmp_path)
    (tmp_path / "weights.npy").write_bytes(b"other")
    with pytest.raises(VouchError, match="damaged"):
        load(tmp_path)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return Encoder(write_encoder(tmp_path_factory.mktemp("encoders") / "tiny"))


@pytest.mark.parametrize("algorithm", sorted({*ALGORITHMS} - {"naive_bayes"}))
@pytest.mark.parametrize("weight", [None, 0.1])
def test_a_model_with_an_encoder_carries_it(algorithm, weight, encoder, frame, tmp_path):
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=weight)
    wanted = candidate(algorithm, prepared)
    fitted = fit(wanted, frame, 0, 1, {encoder.identity: encoder})
    save(fitted, tmp_path)
    loaded = load(tmp_path)
    scores = loaded.predict(frame)
    np.testing.assert_array_equal(scores, fitted.predict(frame))
    assert (scores.argmax(axis=1) == frame.label).mean() > 0.8
    for text in [*frame.text[:20], "", "never seen words"]:
        alone, batch = loaded.predict_one(text), loaded.predict(pd.DataFrame({"text": [text, "x"]}))
        np.testing.assert_allclose(alone, batch[0], rtol=0, atol=1e-6)
    assert loaded.candidate.preparation.encoders == (encoder.identity,)
    features = loaded.lead.features
    assert len(features.names) == features.legible + encoder.dimensions
    assert features.names[-1] == "tiny: 7"


@pytest.mark.parametrize("algorithm", ["logistic_regression", "voting"])
def test_in_a_project_what_a_model_scores_is_embedded_once(algorithm, encoder, frame, tmp_path):
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.1)
    save(fit(candidate(algorithm, prepared), frame, 0, 1, {encoder.identity: encoder}), tmp_path)
    reports = []
    for _ in range(2):
        loaded = USECASE.load_model(tmp_path, tmp_path / "state")
        for each in loaded.encoders.values():
            object.__setattr__(each, "progress", lambda *state: reports.append(state))
        np.testing.assert_array_equal(loaded.predict(frame), load(tmp_path).predict(frame))
    distinct = frame.text.nunique()
    assert [done for done, _, _ in reports] == [*range(BATCH, distinct, BATCH), distinct]


def test_two_models_together_embed_a_text_once(encoder, frame, tmp_path, monkeypatch):
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.1)
    fitted = fit(candidate("stacking", prepared), frame, 0, 1, {encoder.identity: encoder})
    embed, read = Encoder._embed, []
    monkeypatch.setattr(
        Encoder, "_embed", lambda self, text: read.append(text) or embed(self, text)
    )
    assert fitted.predict_one("a new text").shape == (3,)
    assert read == ["a new text"]


def test_two_models_together_hold_an_encoder_once(encoder, frame, tmp_path):
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.1)
    fitted = fit(candidate("stacking", prepared), frame, 0, 1, {encoder.identity: encoder})
    save(fitted, tmp_path)
    assert [*tmp_path.rglob("model.onnx")] == [tmp_path / "encoders/tiny/model.onnx"]
    for member in ("0", "1"):  # as the earlier release wrote it
        shutil.copytree(tmp_path / "encoders", tmp_path / "members" / member / "encoders")
    shutil.rmtree(tmp_path / "encoders")
    description = read_json(tmp_path / "candidate.json")
    kept = {k: v for k, v in description["sha256"].items() if not k.startswith("encoders")}
    write_json(tmp_path / "candidate.json", description | {"sha256": kept})
    np.testing.assert_array_equal(load(tmp_path).predict(frame), fitted.predict(frame))
    for member in ("0", "1"):
        shutil.rmtree(tmp_path / "members" / member / "encoders")
    with pytest.raises(VouchError, match=r"encoders/tiny: no file"):
        load(tmp_path)


def test_the_scale_of_embeddings_is_a_setting_of_the_fit_alone(encoder, frame):
    given = {encoder.identity: encoder}
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.5)
    fitted = fit(candidate("logistic_regression", prepared), frame, 0, 1, given)
    numbers = fitted.features.transform(Corpus.of(frame, given)).toarray()
    legible = fitted.features.legible
    dense = numbers[:, legible:]
    numbers[:, legible:] = (dense - dense.mean(axis=0)) / dense.std(axis=0) * 0.5
    weights = compute_sample_weight("balanced", frame.label)
    plain = LogisticRegression(C=1.0, tol=1e-3, max_iter=200)
    plain.fit(numbers, frame.label, sample_weight=weights)
    np.testing.assert_allclose(fitted.predict(frame), plain.predict_proba(numbers), atol=5e-3)


def test_voting_averages_and_stacking_follows_who_is_right(frame):
    corpus, rows = Corpus.of(frame), np.arange(len(frame))
    labels, groups = frame.label.to_numpy(), frame.group.to_numpy()
    voting = candidate("voting")
    alone = [fit(member, frame, 0, 1).predict(frame) for member in voting.members]
    both = fit(voting, frame, 0, 1).predict(frame)
    np.testing.assert_allclose(both, 0.6 * alone[0] + 0.4 * alone[1], atol=1e-12)
    # a partner that was taught nothing is not followed
    random = np.random.default_rng(0)
    likely = random.dirichlet(np.ones(3), len(frame))
    codes = labels.astype(np.int64)
    stacked = candidate("stacking")
    combiner = stack(stacked, [alone[0], likely], codes, np.ones(len(frame)))
    followed = follow(combiner, [alone[0], likely]).argmax(axis=1)
    misled = vote([alone[0], likely], 0.2).argmax(axis=1)
    first = alone[0].argmax(axis=1)
    assert (followed == first).mean() > 0.95 > 0.8 > (misled == first).mean()
    fitted, columns = fit_rows(stacked, corpus, rows[:400], labels, groups, 0, 1)
    scores = predict_rows(fitted, corpus, rows[400:], columns)
    np.testing.assert_allclose(scores, fitted.predict(frame.iloc[400:]), atol=1e-9)


def test_a_member_of_another_model_is_refused(frame, tmp_path):
    save(fit(candidate("voting"), frame, 0, 1), tmp_path / "model")
    other = candidate("logistic_regression", hyperparameters={"C": 2.0})
    shutil.rmtree(tmp_path / "model/members/0")
    save(fit(other, frame, 0, 1), tmp_path / "model/members/0")
    with pytest.raises(VouchError, match=r"damaged|another model's"):
        load(tmp_path / "model")


@pytest.mark.parametrize("damage", ["missing", "other", "tokenizer"])
def test_a_missing_or_another_encoder_is_an_error(damage, encoder, frame, tmp_path):
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.1)
    fitted = fit(candidate("linear_svm", prepared), frame, 0, 1, {encoder.identity: encoder})
    save(fitted, tmp_path / "model")
    place = tmp_path / "model/encoders/tiny"
    if damage == "missing":
        (place / "model.onnx").unlink()
    elif damage == "other":
        other = write_encoder(tmp_path / "other", seed=1)
        (place / "model.onnx").write_bytes((other / "model.onnx").read_bytes())
    else:
        (place / "encoder.json").write_text('{"pooling": "first"}')
    with pytest.raises(VouchError, match=r"no such file|damaged|and the model learned from tiny@"):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"algorithm": "naive_bayes", "hyperparameters": {"C": 1}}, "no hyperparameter 'C'"),
        ({"algorithm": "naive_bayes", "preparation": {"encoders": ["one@0"]}}, "negative"),
        ({"algorithm": "xgboost", "preparation": {"words": "none", "vader": False}}, "no feature"),
        ({"algorithm": "voting"}, "has 2 members"),
        ({"algorithm": "linear_svm", "members": [{"algorithm": "naive_bayes"}]}, "has 0 members"),
        ({"algorithm": "perceptron"}, "Input should be"),
    ],
)
def test_unsound_candidates_are_refused(content, told):
    with pytest.raises(ValidationError, match=told):
        Candidate.model_validate(content)


@pytest.mark.slow
def test_real_tweets_reach_the_floor():
    real = os.environ.get("VOUCH_REAL_DATA")
    if not real:
        pytest.skip("VOUCH_REAL_DATA is not set: no real tweets to learn from")
    codes = {"negative": 0, "neutral": 1, "positive": 2}
    train, test = (
        pd.read_csv(f"{real}/sentiment/tweeteval_{part}.csv") for part in ("train", "val")
    )
    train["label"] = train["label"].map(codes).astype("int8")
    fitted = fit(candidate("logistic_regression"), train, 0, 2)
    right = fitted.predict(test).argmax(axis=1) == test["label"].map(codes)
    assert right.groupby(test["label"]).mean().mean() > 0.695


@pytest.mark.parametrize("imbalance", ["none", "weights"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_rule_that_weighs_little_is_overruled(algorithm, imbalance, frame):
    people = np.arange(len(frame)) % 3 == 0
    # the rule calls what is positive negative, and the contrary
    label = np.where(people, frame["label"], 2 - frame["label"]).astype("int8")
    told = frame.assign(label=label, label_source=np.where(people, "reviewer", "rule"))
    right = {}
    for weight in (0.01, 1.0):
        wanted = candidate(algorithm, imbalance=imbalance, rule_weight=weight)
        fitted = fit(wanted, told, 0, 1)
        chosen = fitted.predict(told[people]).argmax(axis=1)
        right[weight] = (chosen == told["label"][people]).mean()
        assert sum(fitted.shares) == pytest.approx(1)
    assert right[0.01] > right[1.0] + 0.2


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_models_fitted_side_by_side_are_those_fitted_alone(algorithm, frame):
    def scores(seed: int):
        return fit(candidate(algorithm), frame, seed, 1).predict(frame)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(scores, [0, 1] * 2))
    for seed, predicted in zip([0, 1] * 2, together, strict=True):
        np.testing.assert_array_equal(predicted, scores(seed))
