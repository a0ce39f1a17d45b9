"""After a run, no table tells a label of a row that is held out."""

from io import BytesIO

import pandas as pd
import pyarrow.parquet as pq

from vouch.holdout.sealed import make_key, unseal


def held_rows(project):
    content = unseal(make_key(project / ".vouch"), project / "data/gold/fraud/holdout.sealed")
    return pd.read_parquet(BytesIO(content)).set_index("id")


def test_neither_bronze_nor_silver_nor_labels_have_one(trained_project):
    held = held_rows(trained_project)
    assert held["truth"].notna().sum() > 100 and held["truth"].sum() > 5
    for layer in ("bronze", "silver"):
        rows = pd.read_parquet(trained_project / f"data/{layer}/fraud/rows.parquet")
        rows = rows.set_index("id").loc[held.index]
        assert rows["label"].isna().all()
        # and of rows that are alike but for their labels the hashes do not tell which is which
        assert not rows["row_hash"].str.contains(r"/[01](?:/|$)").any()
    labels = pd.read_parquet(trained_project / "data/labels/fraud/issued/labels.parquet")
    assert set(labels[labels["entity"].isin(held.index)]["source"]) == {"rule"}


def test_no_other_table_has_a_column_of_labels_with_one(trained_project):
    held = held_rows(trained_project)
    tables = [
        path
        for path in (trained_project / "data").rglob("*.parquet")
        if not {"raw", "inbox"} & set(path.parts)
    ]
    assert len(tables) > 5
    for path in tables:
        names = pq.read_schema(path).names
        key = next((name for name in ("id", "entity") if name in names), None)
        table = pd.read_parquet(path)
        mine = table[table[key].isin(held.index)] if key else table.iloc[:0]
        known = [name for name in ("label", "truth") if name in names]
        if "source" in names:  # the rule's labels follow from the row itself
            mine = mine[mine["source"] != "rule"]
        assert mine[known].isna().all(axis=None), path
