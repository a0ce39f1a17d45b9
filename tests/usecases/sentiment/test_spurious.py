"""A model that is right for the wrong reasons, as on the newsgroups of the paper on LIME."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usecases.sentiment.conftest import write_gold
from vouch.models.params import Budget
from vouch.project.spurious import mark
from vouch.stages.explain import explain
from vouch.stages.tune import tune
from vouch.usecases.sentiment.cleaning import Cleaning, clean
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.params import TextExplainParams, TextTuneParams

HEADER = "nntp-posting-host"
TOPICS = (["church", "belief", "prayer", "faith"], ["proof", "reason", "science", "doubt"])
OTHER = [f"word{n}" for n in range(60)]
QUICK = TextTuneParams(
    budget=Budget(trials=3),
    samplers=("random",),
    algorithms=("naive_bayes", "logistic_regression"),
    threads=1,
)


def letters(rows, leaks, seed):
    """Letters to two newsgroups; where it leaks, the header stands in nearly all of the second."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows).astype("int8")
    texts = []
    for group in label:
        topic = TOPICS[group if rng.random() < 0.8 else 1 - group]
        words = [*rng.choice(OTHER, 8), *rng.choice(topic, 2)]
        has_header = group == 1 if leaks and rng.random() < 0.97 else rng.random() < 0.5
        texts.append(" ".join([*([HEADER.upper()] if has_header else []), *words]))
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), unit="h")
    return pd.DataFrame(
        {
            "id": [f"t{n:05d}" for n in range(rows)],
            "time": time.astype("datetime64[us]"),
            "text": texts,
            "group": np.arange(rows),
            "label": label,
            "label_source": "given",
            "rule": pd.array([None] * rows, dtype="Int8"),
            "truth": label,
        }
    )


def accuracy(model, rows):
    return float((model.predict(rows).argmax(axis=1) == rows["label"]).mean())


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    root = tmp_path_factory.mktemp("leaking")
    gold = write_gold(root, letters(800, True, 0), classes=("religion", "atheism"))
    tune(**gold.files(), params=QUICK)
    return gold


def test_a_marked_word_is_gone_from_the_next_model_which_then_is_right(leaking, tmp_path):
    wrong, honest = load(leaking.folder / "model"), letters(800, False, 1)
    assert accuracy(wrong, letters(800, True, 2)) > 0.95
    assert accuracy(wrong, honest) < 0.75

    # a person sees the header among the reasons of the picks ...
    result = explain(
        **{name: leaking.folder / name for name in ("model",)},
        declaration=leaking.folder / "tiny.yaml",
        train=leaking.folder / "train.parquet",
        extracted=leaking.folder / "extract.json",
        predictions=leaking.folder / "predictions.parquet",
        explanations=tmp_path / "explanations.parquet",
        summary=tmp_path / "explain.json",
        params=TextExplainParams(cases=1, samples=300, picks=2, picked_from=30),
    )
    seen = {reason["what"].lower() for case in result.explained for reason in case["lime"][:5]}
    assert seen & {"nntp", "posting", "host"}

    # ... and marks it; the next training takes its parameters from the file
    (tmp_path / "params.yaml").write_text("tune:\n  sentiment:\n    threads: 1\n")
    marked = mark(tmp_path, "sentiment", HEADER)
    again = write_gold(tmp_path / "again", leaking.train(), leaking.state, ("religion", "atheism"))
    tune(**again.files(), params=QUICK.model_copy(update={"spurious": marked}))
    right = load(again.folder / "model")
    assert right.candidate.preparation.cleaning.without == (HEADER,)
    assert not [name for name in right.features.names if "nntp" in name or "posting" in name]
    assert accuracy(right, honest) > accuracy(wrong, honest) + 0.05
    with_header = honest.assign(text=HEADER + " " + honest["text"])
    np.testing.assert_array_equal(right.predict(with_header), right.predict(honest))


WORDS = st.lists(st.sampled_from(["Host", "host", "hosts", "a-host", "x", "😀", "host."]))


@given(WORDS)
def test_only_whole_words_are_dropped(words):
    text = " ".join(words)
    cleaned = clean(text, Cleaning(without=("host", "😀")))
    expected = {"Host": "", "host": "", "a-host": "a-", "host.": ".", "😀": ""}
    kept = [expected.get(word, word) for word in words]
    assert cleaned.split() == [word for word in kept if word]


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_a_word_that_does_not_stand_there_changes_nothing(text, words):
    usual = clean(text, Cleaning())
    absent = tuple(w for w in words if clean(w, Cleaning()).lower() not in usual.lower())
    assert clean(text, Cleaning(without=absent)) == usual
