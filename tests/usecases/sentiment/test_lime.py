"""Explanations of texts by a model whose reasons are planted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.tokens import TOKEN
from vouch.usecases.sentiment.lime import explain, masks
from vouch.usecases.sentiment.params import TextExplainParams

QUICK = TextExplainParams(samples=300, features=5)


def planted(weights):
    """A model of three classes: the words' weights speak for the last and against the first."""

    def predict(texts):
        shift = np.array([sum(weights.get(t, 0.0) for t in TOKEN.findall(x)) for x in texts])
        high = np.clip(0.5 + shift, 0, 1)
        return np.column_stack([(1 - high) * 0.8, (1 - high) * 0.2, high])

    return predict


def test_the_heaviest_words_are_found_with_sign_and_place():
    text = "it was not good at all, but the price is great"
    explanation = explain(text, "a", planted({"great": 0.3, "not": -0.2, "good": 0.05}), QUICK)
    assert explanation.number == 2
    found = {token.text: token for token in explanation.tokens}
    assert [token.text for token in explanation.tokens[:3]] == ["great", "not", "good"]
    assert found["great"].weight == pytest.approx(0.3, abs=0.03)
    assert found["not"].weight == pytest.approx(-0.2, abs=0.03)
    assert all(text[t.start :].startswith(t.text) for t in explanation.tokens)
    assert explanation.surrogate.r2 > 0.95
    assert explanation.surrogate.gap < 0.02
    assert explanation.surrogate.prediction == pytest.approx(0.65)


def test_the_explained_class_is_the_models_choice():
    explanation = explain("this is awful", "a", planted({"awful": -0.4}), QUICK)
    assert explanation.number == 0
    assert (explanation.tokens[0].text, explanation.tokens[0].start) == ("awful", 8)
    assert explanation.tokens[0].weight == pytest.approx(0.32, abs=0.04)


def test_each_occurrence_of_a_word_counts_by_itself():
    def first_word(texts):
        high = np.array([0.9 if text.startswith("moon") else 0.4 for text in texts])
        return np.column_stack([1 - high, high * 0, high])

    explanation = explain("moon to the moon", "a", first_word, QUICK)
    assert explanation.number == 2
    weights = {token.start: token.weight for token in explanation.tokens}
    assert weights.keys() >= {0, 12}
    assert weights[0] > 0.3 > 0.1 > abs(weights[12])


def test_a_text_of_one_word():
    explanation = explain("great", "a", planted({"great": 0.4}), QUICK)
    assert [(t.text, t.start) for t in explanation.tokens] == [("great", 0)]
    assert explanation.tokens[0].weight == pytest.approx(0.4, abs=0.05)


def curved(weights):
    """A model in which words matter less the more there are."""
    straight = planted({})

    def predict(texts):
        high = np.tanh([sum(weights.get(t, 0.1) for t in TOKEN.findall(x)) for x in texts]) / 2
        return straight(texts) + np.column_stack([-high * 0.8, -high * 0.2, high])

    return predict


@pytest.mark.parametrize(
    "text", ["so great to see such a price", " ".join(f"w{n}" for n in range(20))]
)
def test_the_weights_are_the_packages_own_in_the_limit(text):
    model = curved({"great": 1.0, "w3": 1.2, "see": -0.5, "w7": -0.8})
    many = QUICK.model_copy(update={"features": 20, "samples": 20_000})
    package = explain(text, "a", model, many.model_copy(update={"mode": "lime"}))
    ours = explain(text, "a", model, many)
    assert ours.number == package.number
    theirs = {token.start: token.weight for token in package.tokens}
    assert {t.start: t.weight for t in ours.tokens} == {
        start: pytest.approx(weight, abs=0.01) for start, weight in theirs.items()
    }
    assert ours.surrogate.r2 == pytest.approx(package.surrogate.r2, abs=0.03)
    assert ours.surrogate.local_prediction == pytest.approx(
        package.surrogate.local_prediction, abs=0.01
    )
    assert ours.surrogate.prediction == package.surrogate.prediction


@given(st.integers(1, 40), st.integers(100, 3000), st.integers(0, 2**32 - 1), st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_masks_are_distinct_and_count_as_often_as_lime_draws_them(count, samples, seed, exact):
    kept, times = masks(count, samples, np.random.default_rng(seed), exact)
    assert len(np.unique(kept, axis=0)) == len(kept) == len(times)
    assert kept[0].all() and times[0] == 1
    assert times.sum() == pytest.approx(samples)
    assert (times > 0).all()
    dropped = count - kept.sum(axis=1)
    for size in range(1, count + 1):  # each size is as likely as another
        assert times[1:][dropped[1:] == size].sum() == pytest.approx((samples - 1) / count, abs=1)
    assert len(kept) == 2**count if count <= exact else len(kept) <= samples


def test_fewer_masks_shrink_no_weight():
    text, planned = " ".join(f"w{n}" for n in range(20)), {"w3": 0.2, "w7": -0.1}

    def mean(samples):
        params = TextExplainParams(samples=samples, features=20)
        runs = [explain(text, str(n), planted(planned), params).tokens for n in range(20)]
        weights = [{token.text: token.weight for token in run} for run in runs]
        return {word: np.mean([each[word] for each in weights]) for word in planned}

    few, many = mean(150), mean(3_000)
    assert few == {word: pytest.approx(weight, rel=0.01) for word, weight in many.items()}
    assert many == {word: pytest.approx(weight, rel=0.05) for word, weight in planned.items()}


def test_a_short_text_leaves_nothing_to_chance():
    model = curved({"great": 1.0})
    one, two = (explain("a great day", case, model, QUICK) for case in "ab")
    assert one.tokens == two.tokens


def test_the_package_explains_a_text_with_what_it_cannot_read():
    lime = QUICK.model_copy(update={"mode": "lime"})
    for text in ("oh\x00 so great", "👍🏽 great 👍🏽", ""):
        explanation = explain(text, "a", planted({"great": 0.4}), lime)
        assert [t.text for t in explanation.tokens][:1] == (["great"] if text else [])
        assert all(text[t.start :].startswith(t.text) for t in explanation.tokens)


def test_emoji_are_whole_tokens():
    family, thumb, rocket = "👩‍👩‍👧", "👍🏽", "🚀"
    text = f"{family}{thumb} {rocket}{rocket}"
    explanation = explain(text, "a", planted({thumb: 0.3, family: -0.1}), QUICK)
    assert {(t.text, t.start) for t in explanation.tokens} == {
        (family, 0),
        (thumb, len(family)),
        (rocket, len(family + thumb) + 1),
        (rocket, len(family + thumb) + 2),
    }
    assert [t.text for t in explanation.tokens[:2]] == [thumb, family]
    assert explanation.tokens[0].weight > 0.2 > 0 > explanation.tokens[1].weight


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_a_text_without_a_token_is_explained_as_it_is(text):
    explanation = explain(text, "a", planted({}), QUICK)
    assert explanation.tokens == ()
    assert (explanation.surrogate.prediction, explanation.surrogate.local_prediction) == (0.5, 0.5)
    assert explanation.surrogate.gap == 0


def test_a_character_without_a_shape_moves_no_token():
    text = "oh\x00 so great"
    explanation = explain(text, "a", planted({"great": 0.4}), QUICK)
    assert all(text[t.start :].startswith(t.text) for t in explanation.tokens)
    assert (explanation.tokens[0].text, explanation.tokens[0].start) == ("great", 7)


def test_a_long_text_names_only_so_many_words():
    words = [f"word{n}" for n in range(1_200)]
    text = " ".join([*words[:600], "great", *words[600:]]) + "."
    assert len(text) > 9_500
    explanation = explain(text, "a", planted({"great": 0.4}), QUICK)
    assert len(explanation.tokens) == 5
    assert (explanation.tokens[0].text, explanation.tokens[0].start) == (
        "great",
        text.index("great"),
    )
    assert explanation.tokens[0].weight > 0


def test_the_same_seed_gives_the_same_answer_and_another_case_another():
    text, model = "so great to see such a price", planted({"great": 0.2, "see": 0.1})
    first = explain(text, "a", model, QUICK)
    assert explain(text, "a", model, QUICK) == first
    assert explain(text, "b", model, QUICK).surrogate.seed != first.surrogate.seed
    other = QUICK.model_copy(update={"seed": 1})
    assert explain(text, "a", model, other).surrogate.seed != first.surrogate.seed
