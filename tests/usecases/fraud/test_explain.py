import pandas as pd
import pytest

from vouch.results.explain import Explanations


def test_explanations_come_with_their_fidelity(files, fitted):
    result, rows = files.run()
    assert result == dict(Explanations.read(files.root / "explain.json"))
    assert result["cases"] == rows["id"].nunique() == 10
    assert set(rows["kind"]) == {"riskiest", "least_certain"}
    assert (rows["gap"] == (rows["local_prediction"] - rows["score"]).abs()).all()
    train = pd.read_parquet(files.root / "train.parquet").set_index("id")
    first = rows.groupby("id").first()
    assert fitted.score(train.loc[first.index]) == pytest.approx(first["score"])
    assert rows.groupby("id")["rank"].apply(list).map(lambda r: r == [1, 2, 3, 4, 5, 6, 7]).all()


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
