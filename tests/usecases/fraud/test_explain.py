import json
from math import exp

import numpy as np
import pandas as pd
import pytest

from tests.usecases.fraud.conftest import FEATURES, make_rows
from tests.usecases.fraud.test_models import SMALL
from vouch.results.explain import Explanations
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.cases import candidates
from vouch.usecases.fraud.models import deflate, fit, save


def test_explanations_come_with_their_fidelity(files, fitted):
    result, rows = files.run()
    assert result == dict(Explanations.read(files.root / "explain.json"))
    assert result["cases"] == rows["id"].nunique() == 10
    assert set(rows["kind"]) == {"riskiest", "least_certain"}
    assert (rows["gap"] == (rows["local_prediction"] - rows["score"]).abs()).all()
    train = pd.read_parquet(files.root / "train.parquet").set_index("id")
    first = rows.groupby("id").first()
    assert fitted.score(train.loc[first.index]) == pytest.approx(first["score"])
    ranks = rows[rows["method"] == "lime"].groupby("id")["rank"].apply(list)
    assert ranks.map(lambda r: r == [1, 2, 3, 4, 5, 6, 7]).all()


@pytest.mark.parametrize("imbalance", ["none", "weights"])
@pytest.mark.parametrize("algorithm", SMALL)
def test_treeshap_adds_up_to_the_models_answer(files, algorithm, imbalance):
    candidate = Candidate(
        algorithm=algorithm, hyperparameters=SMALL[algorithm], imbalance=imbalance
    )
    fitted = fit(candidate, make_rows(), FEATURES, "label", seed=0, threads=1)
    save(fitted, files.root / "model")
    result, rows = files.run(features=7)
    assert (imbalance == "none") == (fitted.inflation == 1)
    for case in result["explained"]:
        if algorithm == "logistic_regression":
            assert case["treeshap"] is case["margin"] is case["agreement"] is None
            continue
        odds = algorithm == "xgboost"
        likely = 1 / (1 + exp(-case["margin"])) if odds else case["margin"]
        corrected = likely if odds else float(deflate(np.array(likely), fitted.inflation))
        assert corrected == pytest.approx(case["score"], abs=1e-4)
        parts = sum(reason["weight"] for reason in case["treeshap"])
        # all parts but those too light to be told
        lightest = 0.05 * max((abs(r["weight"]) for r in case["treeshap"]), default=0)
        assert case["base"] + parts == pytest.approx(case["margin"], abs=7 * lightest + 1e-9)
    methods = {"lime"} if algorithm == "logistic_regression" else {"lime", "treeshap"}
    assert set(rows["method"]) == methods


def test_a_case_is_recorded_with_its_data_and_both_methods(files):
    result, rows = files.run()
    case = result["explained"][0]
    train = pd.read_parquet(files.root / "train.parquet").set_index("id")
    for name, value in case["data"].items():
        expected = train.loc[case["id"], name]
        assert value is None if np.isnan(expected) else value == pytest.approx(expected)
    own = rows[rows["id"] == case["id"]]
    for method in ("lime", "treeshap"):
        listed = own[own["method"] == method]
        assert [r["what"] for r in case[method]] == listed["condition"].tolist()
        assert [r["weight"] for r in case[method]] == listed["weight"].tolist()
    assert case["agreement"] == own["agreement"].iloc[0] > 0.5
    assert case["comparison"].startswith("LIME and TreeSHAP share")
    assert result["agreement"] == pytest.approx(rows.groupby("id")["agreement"].first().median())


def test_what_changes_from_run_to_run_is_marked(files):
    result, rows = files.run(runs=4, unstable=1.0, disagree=1.0)
    cases = rows.groupby("id").first()
    assert (cases["unstable"] == (cases["stability"] < 1)).all()
    assert (cases["disagree"] == (cases["agreement"] < 1)).all()
    assert result["unstable"] == cases["unstable"].sum() > 0
    assert f"{result['unstable']} of 10 explanations change from run to run" in result["warnings"]
    result, rows = files.run(runs=1)
    assert rows["stability"].isna().all()
    assert result["stability"] is None
    assert result["unstable"] == 0


def test_what_an_earlier_release_wrote_is_read(files):
    files.run()
    path = files.root / "explain.json"
    kept = ("cases", "poor", "samples", "mode", "r2", "gap", "warnings")
    written = json.loads(path.read_text())
    path.write_text(json.dumps({"format": 1, **{name: written[name] for name in kept}}))
    result = Explanations.read(path)
    assert (result.cases, result.unstable, result.explained) == (10, 0, [])


def test_the_riskiest_case_comes_first_and_its_reason_is_right(files):
    _, rows = files.run()
    assert rows["kind"].tolist() == sorted(rows["kind"], reverse=True)
    assert rows["out_of_fold"].iloc[0] == rows["out_of_fold"].max()
    assert rows.loc[rows["rank"] == 1, "feature"].isin(["amount", "night"]).all()
    amounts = rows.loc[rows["feature"] == "amount", "condition"]
    assert amounts.str.startswith("the payment's amount is ").all()


def test_the_same_case_is_explained_alike_in_a_smaller_batch(files):
    _, many = files.run(cases=5)
    _, one = files.run(cases=1)
    same = many[many["id"] == one["id"].iloc[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, one[one["id"] == one["id"].iloc[0]].reset_index(drop=True))


def test_the_same_input_gives_the_same_bytes(files):
    files.run()
    first = (files.root / "explanations.parquet").read_bytes()
    files.run()
    assert (files.root / "explanations.parquet").read_bytes() == first


def test_poor_explanations_are_flagged(files):
    result, rows = files.run(poor_r2=1.0)
    assert rows["poor"].all()
    assert result["poor"] == 10
    assert "10 of 10 explanations follow the model poorly" in result["warnings"]
    _, rows = files.run(poor_r2=0.0, poor_gap=1.0)
    assert not rows["poor"].any()


@pytest.mark.parametrize("mode", ["quartile", "lime", "around"])
def test_other_modes_write_the_same_table(files, mode):
    _, usual = files.run()
    _, rows = files.run(mode=mode)
    assert rows.columns.tolist() == usual.columns.tolist()
    assert set(rows["mode"]) == {mode}
    assert rows["r2"].notna().all()


def test_undefined_values_stay_undefined(files):
    _, rows = files.run()
    unknown = rows[rows["condition"].str.endswith("is unknown")]
    assert len(unknown)
    assert unknown["value"].isna().all()


def test_fewer_cases_than_asked_for_are_told(files):
    few = pd.read_parquet(files.root / "predictions.parquet").head(3)
    few.to_parquet(files.root / "predictions.parquet")
    result, rows = files.run()
    assert rows["id"].nunique() == 3
    assert "only 3 cases to explain, 10 were asked for" in result["warnings"]


def test_no_predictions_give_an_empty_table(files):
    pd.read_parquet(files.root / "predictions.parquet").head(0).to_parquet(
        files.root / "predictions.parquet"
    )
    result, rows = files.run()
    assert rows.empty
    assert result["cases"] == 0
    assert result["r2"] is None


def test_cases_that_cover_the_model_come_last(files):
    result, rows = files.run(picks=3, picked_from=60)
    picks = result["picks"]
    picked = rows[rows["kind"] == "covering"]
    assert picks["candidates"] == 60
    assert picked["id"].drop_duplicates().tolist() == [case["id"] for case in picks["cases"]]
    assert picked.groupby("id")["covers"].first().to_dict() == {
        case["id"]: pytest.approx(case["covers"]) for case in picks["cases"]
    }
    assert {one["feature"] for one in picks["importance"][:2]} == {"amount", "night"}
    named = picked[picked["method"] == "lime"]
    assert {"amount", "night"} <= set(named.loc[named["rank"] <= 3, "feature"])
    assert result["cases"] == 10 == len(result["explained"]) - len(picks["cases"])
    assert rows["kind"].iloc[-1] == "covering"


def test_half_of_the_candidates_are_the_likelier_the_riskier_they_are(files):
    predictions = pd.read_parquet(files.root / "predictions.parquet")
    drawn = candidates(files.root / "predictions.parquet", 100)
    assert len({case.id for case in drawn}) == 100
    scores = predictions.set_index("id")["score_1"]
    assert all(case.out_of_fold == scores[case.id] for case in drawn)
    risky = np.mean([case.out_of_fold > 0.5 for case in drawn])
    assert 0.4 < risky < 0.75 and (scores > 0.5).mean() < 0.3
    assert len(candidates(files.root / "predictions.parquet", 10_000)) == len(predictions)
