"""The stage explain for texts, on a real model of a small table."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usecases.sentiment.conftest import text_rows
from tests.usecases.sentiment.tiny_encoder import write_encoder
from vouch.models.tokens import TOKEN
from vouch.results.explain import Explanations
from vouch.stages.explain import explain
from vouch.stages.report.stage import _environment
from vouch.usecases.sentiment import report
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.explain import SCHEMA, Remembered, TextExplainer, choose
from vouch.usecases.sentiment.learners import softmax
from vouch.usecases.sentiment.models import fit, load, save
from vouch.usecases.sentiment.params import TextExplainParams
from vouch.usecases.sentiment.shapley import TextTrees

SOURCES = Path(__file__).parents[3] / "data/sources"
QUICK = TextExplainParams(cases=2, samples=200, features=4, picks=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("explain")
    frame = text_rows(400)
    fitted = fit(
        Candidate(algorithm="naive_bayes", preparation=Preparation(words="1-1")), frame, 0, 1
    )
    save(fitted, root / "model")
    scores = pd.DataFrame(fitted.predict(frame), columns=["score_0", "score_1", "score_2"])
    rows = pd.concat([frame[["id", "text", "label", "rule", "truth"]], scores], axis=1)
    rows.loc[0, "text"] = None
    rows.loc[0, ["score_0", "score_1", "score_2"]] = [0.33, 0.34, 0.33]
    rows.sample(frac=1, random_state=0).to_parquet(root / "predictions.parquet", index=False)
    return root


def run(root, name="one", **changes):
    told = dict(
        explain(
            **{part: root / part for part in ("train", "extracted", "model")},
            declaration=SOURCES / "tweets.yaml",
            predictions=root / "predictions.parquet",
            explanations=root / f"{name}.parquet",
            summary=root / f"{name}.json",
            params=QUICK.model_copy(update=changes),
        )
    )
    return told, pq.read_table(root / f"{name}.parquet")


def page_of(explanations):
    """Return the part of the report on explanations."""
    place = Path(report.__file__).parent / "templates"
    page = _environment(place).from_string(
        '{% import "macros.html" as draw %}{% include "explain.html" %}'
    )
    return page.render(cases=report._cases(explanations), kinds=report.kinds(CLASSES))


def test_the_report_tells_which_texts_leave_nothing_to_chance(folder):
    run(folder)
    assert "a text of at most 12 leaves nothing to chance" in page_of(folder / "one.parquet")
    run(folder, exact=9)
    assert "a text of at most 9 leaves nothing to chance" in page_of(folder / "one.parquet")
    run(folder, cases=1, samples=100, mode="lime")
    assert "leaves nothing to chance" not in page_of(folder / "one.parquet")


def test_cases_come_with_their_words_and_fidelity(folder):
    told, table = run(folder)
    assert table.schema.equals(SCHEMA)
    assert told == dict(Explanations.read(folder / "one.json"))
    rows = table.to_pandas()
    cases = rows.groupby("id", sort=False).first()
    assert told["cases"] == len(cases) == 10
    assert list(cases["kind"].drop_duplicates()) == list(report.kinds(CLASSES))[:-1]
    model = load(folder / "model")
    given = pd.read_parquet(folder / "predictions.parquet").set_index("id")
    scores = model.predict(given.loc[cases.index].fillna({"text": ""}))
    np.testing.assert_allclose(cases["score"], scores.max(axis=1))
    assert list(cases["predicted"]) == [CLASSES[n] for n in scores.argmax(axis=1)]
    assert list(cases["label"]) == [CLASSES[n] for n in given.loc[cases.index, "label"]]
    np.testing.assert_allclose(rows["gap"], (rows["local_prediction"] - rows["score"]).abs())
    for _, words in rows[rows["token"].notna()].groupby("id"):
        assert list(words["rank"]) == list(range(1, len(words) + 1))
        assert len(words) <= 4
        assert (words["weight"].abs().diff().dropna() <= 0).all()
        for word in words.itertuples():
            assert word.text[int(word.start) :].startswith(word.token)


def test_a_text_that_is_missing_is_a_case_without_words(folder):
    row = run(folder)[1].to_pandas().set_index("id").loc["t00000"]
    assert (row["kind"], row["text"], row["token"]) == ("least_certain", "", None)
    assert (row["rank"], row["weight"], row["gap"]) == (1, 0, 0)


def test_a_sure_case_is_explained_by_a_word_that_says_so(folder):
    rows = run(folder)[1].to_pandas()
    first = rows[(rows["rank"] == 1) & (rows["kind"] == "surest_positive")]
    assert (first["weight"] > 0).all()
    assert (first["predicted"] == "positive").all()


def test_the_same_input_gives_the_same_bytes_and_a_smaller_batch_the_same_rows(folder):
    run(folder, "one")
    run(folder, "two")
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()
    many = run(folder)[1].to_pandas().set_index("id")
    few = run(folder, "few", cases=1)[1].to_pandas().set_index("id")
    first = few.index[0]
    pd.testing.assert_frame_equal(many.loc[[first]], few.loc[[first]])


@pytest.mark.parametrize("algorithm", ["random_forest", "xgboost"])
def test_trees_are_explained_by_treeshap_too(folder, tmp_path, algorithm):
    frame = text_rows(400)
    settings = {"random_forest": {"n_estimators": 15, "max_depth": 20, "min_samples_leaf": 1}}
    boosted = {"n_estimators": 15, "max_depth": 3, "learning_rate": 0.3}
    candidate = Candidate(
        algorithm=algorithm,
        preparation=Preparation(words="1-2", vader=True),
        hyperparameters=settings.get(algorithm, boosted),
    )
    fitted = fit(candidate, frame, 0, 1)
    trees = TextTrees.of(fitted)
    for text in frame["text"].head(20):
        row = pd.DataFrame({"text": [text]})
        likely = fitted.predict(row)[0]
        found = [trees.explain(text, number) for number in fitted.classes]
        margins = np.array([each.contributions.margins[0] for each in found])
        told = margins if algorithm == "random_forest" else softmax(margins)
        np.testing.assert_allclose(told, likely[list(fitted.classes)], atol=1e-5)
        for each in found:  # the words' parts are those of the word n-grams that stand in the text
            values, names = each.contributions.values[0], each.names
            expected = sum(values[c] for c in each.present if names[c].startswith("words: "))
            assert sum(part.weight for part in each.words) == pytest.approx(expected, abs=1e-9)
    for name in ("predictions.parquet",):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    save(fitted, tmp_path / "model")
    result, table = run(tmp_path)
    rows = table.to_pandas()
    assert set(rows["method"]) == {"lime", "treeshap"}
    explained = [case for case in result["explained"] if case["data"]["text"]]
    assert all(case["treeshap"] and case["comparison"] for case in explained)
    assert result["agreement"] > 0.4


def test_a_text_that_leaves_nothing_to_chance_has_no_stability_to_tell(folder):
    _, table = run(folder, runs=3)
    cases = table.to_pandas().groupby("id").first()
    short = cases["text"].map(lambda text: len(TOKEN.findall(text)) <= 12)
    assert short.any()
    assert cases.loc[short, "stability"].isna().all()
    assert cases.loc[~short, "stability"].notna().all()


def test_texts_that_cover_the_model_come_last(folder):
    result, table = run(folder, picks=3, picked_from=40)
    rows = table.to_pandas()
    picks = result["picks"]
    assert picks["candidates"] == 40
    picked = rows[rows["kind"] == "covering"]
    assert list(picked["id"].drop_duplicates()) == [case["id"] for case in picks["cases"]]
    assert 1 <= len(picks["cases"]) <= 3
    assert result["cases"] == 10 == len(result["explained"]) - len(picks["cases"])
    covers = [case["covers"] for case in picks["cases"]]
    assert covers == sorted(covers) and 0 < covers[-1] <= 1
    weights = [one["importance"] for one in picks["importance"]]
    assert weights == sorted(weights, reverse=True)
    again, _ = run(folder, picks=3, picked_from=40)
    assert again == result


def test_poor_explanations_are_flagged_and_counted(folder):
    told, table = run(folder, "poor", poor_r2=1.0)
    rows = table.to_pandas().groupby("id").first()
    poor = ~((rows["r2"] >= 1) & (rows["gap"] <= QUICK.poor_gap))
    assert (rows["poor"] == poor).all()
    assert told["poor"] == poor.sum() >= 5
    assert told["warnings"] == [f"{told['poor']} of 10 explanations follow the model poorly"]
    told, table = run(folder, "good", poor_r2=0.0, poor_gap=1.0)
    assert (told["poor"], told["warnings"]) == (0, [])


def rows_of(scores, truth):
    frame = pd.DataFrame(scores, columns=["score_0", "score_1", "score_2"])
    frame = frame.assign(id=[f"r{n}" for n in range(len(frame))], text="gm")
    return frame.assign(truth=pd.array(truth, dtype="Int8"), label=pd.array(truth, dtype="Int8"))


def test_cases_are_the_surest_the_wrong_and_the_unsure_none_twice_and_ties_go_to_the_smaller_id():
    sure, less, even = [0.9, 0.05, 0.05], [0.7, 0.2, 0.1], [0.34, 0.33, 0.33]
    rows = rows_of([even, sure, sure, sure, less, even, even], [0, 0, 0, 1, 2, 0, 0])
    found = [(case.kind, case.id) for case in choose(rows.iloc[::-1], 2)]
    assert found == [
        ("surest_negative", "r1"),
        ("surest_negative", "r2"),
        ("mistake", "r3"),
        ("mistake", "r4"),
        ("least_certain", "r0"),
        ("least_certain", "r5"),
    ]


def test_without_truth_no_case_is_a_mistake():
    cases = list(choose(rows_of([[0.8, 0.1, 0.1]] * 4, [None] * 4), 2))
    assert {case.kind for case in cases} == {"surest_negative", "least_certain"}
    assert {case.label for case in cases} == {None}


def test_a_model_with_an_encoder_is_asked_seldom_and_once_a_text(folder, tmp_path, monkeypatch):
    encoder = Encoder(write_encoder(tmp_path / "tiny"))
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.1)
    candidate = Candidate(algorithm="logistic_regression", preparation=prepared)
    shutil.copytree(folder, tmp_path / "root", ignore=shutil.ignore_patterns("model"))
    save(fit(candidate, text_rows(400), 0, 1, {encoder.identity: encoder}), tmp_path / "root/model")
    embedded, embed = list[str](), Encoder._embed

    def counted(self, text):
        embedded.append(text)
        return embed(self, text)

    monkeypatch.setattr(Encoder, "_embed", counted)
    result, table = run(tmp_path / "root", embedded_samples=64, picks=2, picked_from=10)
    assert (result["samples"], result["runs"]) == (64, 2)
    assert "a text of at most 6 leaves nothing to chance" in page_of(tmp_path / "root/one.parquet")
    texts = [text for text in embedded if text != "text"]  # it asks how many numbers there are
    assert len(texts) == len(set(texts)) <= 2 * 10 * 64 + 10 * 64 / 3
    assert (table.to_pandas()["r2"] <= 1).all()


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6), max_size=12))
def test_only_the_texts_last_asked_about_are_remembered(calls):
    asked, last = [], []

    def predict(texts):
        asked.append(list(texts))
        return np.array([[ord(text), 0.0] for text in texts])

    remembered = Remembered(predict, most=3)
    for texts in calls:
        asked.clear()
        rows = remembered(texts)
        assert rows[:, 0].tolist() == [ord(text) for text in texts]
        fresh = [text for text in dict.fromkeys(texts) if text not in last]
        assert asked == ([fresh] if fresh else [])
        again = [text for text in dict.fromkeys(texts) if text in last]
        last = [*(text for text in last if text not in texts), *again, *fresh][-3:]
        assert len(remembered._kept) <= 3


def test_a_model_without_an_encoder_is_asked_anew(folder):
    explainer = TextExplainer(folder / "train", folder / "model", QUICK)
    assert not isinstance(explainer._predict, Remembered)


def test_fewer_masks_are_all_there_are_of_a_shorter_text():
    params = TextExplainParams(embedded_samples=200, embedded_runs=4, runs=5).embedded()
    assert (params.samples, params.exact, params.runs) == (200, 7, 4)
    assert TextExplainParams(embedded_samples=10_000).embedded().exact == 12
