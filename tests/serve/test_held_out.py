"""Rows of the holdout are not scored: beside their labels, scores would be the keeper's answer."""

import pandas as pd
import pytest

from tests.serve.conftest import payments
from tests.serve.test_stage import run
from vouch.serve import Request, score


@pytest.fixture
def file(shop):
    rows = pd.read_csv(shop / "payments.csv")
    train = pd.read_parquet(shop / "gold/train.parquet")
    return rows.assign(held=~rows["number"].isin(train["id"]))


def test_they_keep_their_place_without_a_score_and_the_others_have_theirs(shop, file, tmp_path):
    scores = run(shop, shop / "payments.csv", tmp_path / "s.csv")
    held = file["held"].to_numpy()
    assert 0 < held.sum() < len(file) and list(scores["id"]) == list(file["number"])
    assert scores["score_1"].isna().tolist() == held.tolist()
    assert (scores["reason"][held].str.startswith("in the holdout")).all()
    assert scores["reason"][~held].isna().all()
    done = score(shop, shop / ".vouch", Request("fraud", shop / "payments.csv", tmp_path / "s.csv"))
    assert done["held_out"] == held.sum() and done["scored"] == (~held).sum()
    assert done["warnings"][-1] == (
        f"{held.sum()} rows have no score: they are in the holdout, on which models are compared; "
        "only the keeper scores it"
    )


def test_another_file_name_other_rows_beside_them_or_other_ids_do_not_help(shop, file, tmp_path):
    held = file[file["held"]].drop(columns="held")
    new = payments(30, seed=9, first=9000)
    mixed = pd.concat([new, held.assign(number="X" + held["number"])])
    scores = run(shop, mixed, tmp_path / "s.csv")
    assert scores["score_1"].isna().tolist() == [False] * 30 + [True] * len(held)


def test_held_out_rows_are_history_of_others_all_the_same(shop, file, tmp_path):
    row = payments(1, first=2000).assign(at="2024-03-10 23:59:59", buyer="b3", seller="s1")
    alone = run(shop, row, tmp_path / "alone.csv")
    held = file[file["held"]].drop(columns="held")
    together = run(shop, pd.concat([held, row]), tmp_path / "together.csv")
    assert alone["score_1"].iloc[0] == together["score_1"].iloc[-1]
