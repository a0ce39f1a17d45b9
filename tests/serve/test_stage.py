import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.registry.versions import CHAMPION, find
from vouch.serve import Request, score
from vouch.serve.stage import numbered
from vouch.usecases.fraud import models

from .conftest import payments


def run(shop: Path, rows: pd.DataFrame | Path, out: Path, **options: str) -> pd.DataFrame:
    path = rows
    if isinstance(rows, pd.DataFrame):
        path = out.with_name("new.csv")
        rows.to_csv(path, index=False)
    score(shop, shop / ".vouch", Request("fraud", path, out, **options))
    return pd.read_csv(out, float_precision="round_trip")


def test_rows_of_training_score_as_in_training(shop, tmp_path):
    """The proof that features are the same: windows, habits and risk included."""
    scores = run(shop, shop / "payments.csv", tmp_path / "s.csv").set_index("id")
    train = pd.read_parquet(shop / "gold/train.parquet").set_index("id")
    expected = models.load(shop / "model").score(train)
    assert len(train) > 400 and expected.std() > 0.01
    np.testing.assert_array_equal(scores.loc[train.index, "score_1"], expected)


def test_every_row_in_input_order_with_scores_of_each_class(shop, tmp_path):
    rows = payments(50, seed=5, first=1000).sample(frac=1, random_state=1)
    scores = run(shop, rows, tmp_path / "s.csv")
    assert list(scores.columns) == ["id", "prediction", "score_0", "score_1", "reason"]
    assert list(scores["id"]) == list(rows["number"])
    np.testing.assert_allclose(scores["score_0"] + scores["score_1"], 1)
    np.testing.assert_array_equal(scores["prediction"], scores["score_1"] >= 0.5)
    assert scores["prediction"].nunique() == 2


def test_new_rows_see_the_history_that_silver_holds(shop, tmp_path):
    """A row alone scores as it does in one file with all rows before it."""
    known = pd.read_csv(shop / "payments.csv")
    row = payments(1, first=2000).assign(at="2024-03-10 23:59:59", buyer="b3", seller="s1")
    alone = run(shop, row, tmp_path / "alone.csv")
    together = run(shop, pd.concat([known, row]), tmp_path / "together.csv")
    assert alone["score_1"].iloc[0] == together["score_1"].iloc[-1]


def test_the_scores_never_replace_the_file(shop, tmp_path):
    path = tmp_path / "new.csv"
    payments(5, first=1000).to_csv(path, index=False)
    before = path.read_bytes()
    with pytest.raises(VouchError, match="is the file to score"):
        score(shop, shop / ".vouch", Request("fraud", path, path))
    assert path.read_bytes() == before


def test_the_label_column_may_be_absent(shop, tmp_path):
    rows = payments(20, seed=6, first=1000)
    labelled = run(shop, rows, tmp_path / "with.csv")
    without = run(shop, rows.drop(columns="fraud"), tmp_path / "without.csv")
    pd.testing.assert_frame_equal(labelled, without)


def test_a_row_that_cannot_be_read_keeps_its_place(shop, tmp_path):
    rows = payments(10, seed=7, first=1000).astype({"price": str})
    rows.loc[3, "price"] = "plenty"
    path = tmp_path / "new.csv"
    rows.to_csv(path, index=False)
    out = tmp_path / "s.csv"
    result = score(shop, shop / ".vouch", Request("fraud", path, out))
    scores = pd.read_csv(out)
    assert (result["rows"], result["scored"], result["unreadable"]) == (10, 9, 1)
    assert "line 4: price: 'plenty'" in result["warnings"][-1]
    assert scores["id"].iloc[3] == "P1003" and scores.iloc[3, 1:-1].isna().all()
    assert scores.drop(index=3, columns="reason").notna().all(axis=None)


def test_one_id_twice_in_the_file_is_two_rows(shop, tmp_path):
    rows = payments(6, seed=8, first=1000)
    rows.loc[4, "number"] = "P1000"
    scores = run(shop, rows, tmp_path / "s.csv")
    assert list(scores["id"]) == list(rows["number"]) and scores["score_1"].notna().all()


def test_parquet_in_and_out(shop, tmp_path):
    rows = payments(20, seed=9, first=1000)
    csv = run(shop, rows, tmp_path / "s.csv")
    rows.to_parquet(tmp_path / "new.parquet")
    request = Request("fraud", tmp_path / "new.parquet", tmp_path / "s.parquet", model="1")
    score(shop, shop / ".vouch", request)
    parquet = pd.read_parquet(tmp_path / "s.parquet")
    np.testing.assert_array_equal(parquet["score_1"], csv["score_1"])
    assert str(parquet["prediction"].dtype) == "int8"


@pytest.mark.parametrize("chunk", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_chunks_change_nothing(shop, tmp_path, monkeypatch, chunk):
    rows = payments(20, seed=9, first=1000)
    whole = run(shop, rows, tmp_path / "whole.csv")
    monkeypatch.setattr("vouch.serve.stage.CHUNK", chunk)
    pd.testing.assert_frame_equal(whole, run(shop, rows, tmp_path / "chunks.csv"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "shp"}, "no source 'shp'"),
        ({"source": "other"}, "no registered model 'fraud-other'"),
        ({"source": "other", "model": "fraud-shop:1"}, "'kind'"),
        ({"model": "challenger"}, "no version 'challenger'"),
        ({"model": "9"}, "no version '9'"),
        ({"model": "fraud-shp:1"}, "no registered model 'fraud-shp'"),
    ],
)
def test_a_wrong_choice_is_told(shop, tmp_path, options, message):
    with pytest.raises(VouchError, match=message):
        run(shop, payments(5), tmp_path / "s.csv", **options)
    assert not (tmp_path / "s.csv").exists()


def test_no_champion_yet_says_what_to_do(shop, tmp_path):
    root = copied(shop, tmp_path)
    tracking.client(root / ".vouch").delete_registered_model_alias("fraud-shop", CHAMPION)
    (root / ".vouch/vouch.db").unlink()
    with pytest.raises(VouchError, match="no champion yet") as told:
        run(root, payments(5), tmp_path / "s.csv")
    assert "vouch promote fraud" in told.value.hint and "--model challenger" in told.value.hint


def copied(shop: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shop, tmp_path / "project"))


def test_the_champion_is_the_logs_wherever_mlflows_alias_points(shop, tmp_path):
    root = copied(shop, tmp_path)
    mlflow = tracking.client(root / ".vouch")
    first = find(root / ".vouch", "fraud-shop", "1")
    mlflow.create_model_version("fraud-shop", source=first.source)
    mlflow.set_registered_model_alias("fraud-shop", CHAMPION, "2")
    rows, out = tmp_path / "new.csv", tmp_path / "s.csv"
    payments(5, first=1000).to_csv(rows, index=False)
    answer = score(root, root / ".vouch", Request("fraud", rows, out))
    assert answer["model"] == "fraud-shop:1"
    assert int(mlflow.get_registered_model("fraud-shop").aliases[CHAMPION]) == 1


def test_a_model_replaced_with_its_digests_is_refused_before_it_is_read(
    shop, tmp_path, monkeypatch
):
    root = copied(shop, tmp_path)
    model = find(root / ".vouch", "fraud-shop", "1").model
    frame = pd.read_parquet(root / "gold/train.parquet")
    features = json.loads((model / "candidate.json").read_text())["features"]
    candidate = models.Candidate(algorithm="random_forest", hyperparameters={"n_estimators": 5})
    models.save(models.fit(candidate, frame, features, "label", 7, 1), tmp_path / "other")
    shutil.rmtree(model)
    shutil.copytree(tmp_path / "other", model)
    models.load(model)  # whole by the digests that lie beside it
    monkeypatch.setattr("vouch.usecases.fraud.models.load", pytest.fail)
    with pytest.raises(VouchError, match=r"fraud-shop:1: .*candidate\.json is not as registered"):
        run(root, payments(5), tmp_path / "s.csv")
    assert not (tmp_path / "s.csv").exists()


def test_files_that_cannot_be_scored_are_told(shop, tmp_path):
    empty, header, lacking = (tmp_path / n for n in ("empty.csv", "header.csv", "lacking.csv"))
    empty.touch()
    header.write_text("number,at,buyer,seller,kind,price\n")
    payments(5).drop(columns="price").to_csv(lacking, index=False)
    for path, message in {
        empty: "empty",
        header: "no rows",
        lacking: "no column 'price'",
        tmp_path: "folder",
        tmp_path / "emty.csv": "no such file",
    }.items():
        with pytest.raises(VouchError, match=message):
            run(shop, path, tmp_path / "s.csv")


def test_a_file_of_which_nothing_can_be_read_is_told(shop, tmp_path):
    rows = payments(5).assign(price="?")
    with pytest.raises(VouchError, match="none of its 5 lines can be read"):
        run(shop, rows, tmp_path / "s.csv")


def optional(shop: Path, tmp_path: Path) -> Path:
    """A copy of the project whose source does not need its id."""
    root = copied(shop, tmp_path)
    place = root / "data/sources/shop.yaml"
    text = place.read_text().replace("number: {role: id}", "number: {role: id, optional: true}")
    place.write_text(text)
    return root


def test_a_class_whose_name_needs_quotes_has_its_column(shop, tmp_path):
    project = copied(shop, tmp_path)
    place = project / "data/sources/shop.yaml"
    label = "fraud: {role: label, optional: true"
    place.write_text(place.read_text().replace(label, f"{label}, values: [ok, 'a,\"b']"))
    rows = payments(20, seed=6, first=1000).drop(columns="fraud")
    scores = run(project, rows, tmp_path / "s.csv")
    assert list(scores.columns) == ["id", "prediction", "score_ok", 'score_a,"b', "reason"]
    whole = run(shop, rows, tmp_path / "whole.csv")
    np.testing.assert_array_equal(scores['score_a,"b'], whole["score_1"])
    assert (tmp_path / "whole.csv").read_text().startswith("id,prediction,score_0,score_1,reason")


def test_rows_without_an_id_score_as_with_it(shop, tmp_path):
    project, rows = optional(shop, tmp_path), payments(200, seed=11, first=1000)
    whole = run(project, rows, tmp_path / "whole.csv")
    absent = run(project, rows.drop(columns="number"), tmp_path / "absent.csv")
    blank = rows.copy()
    blank.loc[[3, 8], "number"] = None
    partly = run(project, blank, tmp_path / "partly.csv")
    assert whole["score_1"].nunique() > 10 and absent["id"].is_unique
    for other in (absent, partly):
        np.testing.assert_array_equal(whole["score_1"], other["score_1"])


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    again=st.lists(st.integers(0, 59), max_size=30),
    wrong=st.dictionaries(st.integers(0, 59), st.sampled_from([-5.0, 1e13]), max_size=8),
    seed=st.integers(0, 99),
)
def test_rows_set_aside_change_no_other_rows_score(shop, tmp_path, again, wrong, seed):
    """Repeats and rows that training would quarantine: the rest scores as if alone."""
    rows = payments(60, seed=seed, first=1000)
    clean = rows.drop(index=list(wrong))
    expected = run(shop, clean, tmp_path / "clean.csv").set_index("id")["score_1"]
    for place, price in wrong.items():
        rows.loc[place, "price"] = price
    doubled = pd.concat([rows, rows.iloc[again]])
    scores = run(shop, doubled, tmp_path / "s.csv")
    assert list(scores["id"]) == list(doubled["number"])
    amiss = doubled.index.isin(list(wrong))
    assert scores.loc[amiss, "score_1"].isna().all() and scores.loc[amiss, "reason"].notna().all()
    sound = scores[~amiss]
    np.testing.assert_array_equal(sound["score_1"], expected.loc[sound["id"]])


def test_a_correction_within_the_file_stands_for_its_id(shop, tmp_path):
    rows = payments(40, seed=8, first=1000)
    newer = rows.iloc[[7]].assign(price=99.5)
    scores = run(shop, pd.concat([rows, newer]), tmp_path / "s.csv")
    rows.loc[7, "price"] = 99.5
    expected = run(shop, rows, tmp_path / "expected.csv")
    np.testing.assert_array_equal(scores["score_1"][:40], expected["score_1"])
    assert scores["score_1"].iloc[40] == scores["score_1"].iloc[7]
    assert scores["reason"].iloc[7] == "superseded by line 41"


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("0", "1"), [0, 1]),
        (("100", "200"), [100, 200]),
        (("00", "01"), []),
        (("²", "3"), []),
        (("1", "no"), []),
        (("1", "9" * 19), []),
    ],
)
def test_predictions_are_numbers_where_the_classes_are_written_as_such(names, numbers):
    assert numbered(names) == numbers
