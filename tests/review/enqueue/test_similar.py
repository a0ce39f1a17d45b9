import numpy as np
import pandas as pd

from vouch.review.enqueue.similar import similar


def gold(path):
    """Payments of which people decided some: amounts of about 1,000 are the fraud."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"id": [f"r{i:04}" for i in range(1200)], "label": np.int8(0)})
    rows["amount"] = random.normal(10, 2, 1200)
    rows["hour"] = random.integers(0, 24, 1200).astype(float)
    rows["label_source"], rows["label_known_at"] = "rule", pd.Timestamp("2024-01-01")
    rows.loc[:29, ["label_source", "label_known_at"]] = ["reviewer", pd.Timestamp("2024-02-01")]
    rows.loc[:9, "label"] = 1
    rows.loc[[*range(10), *range(1190, 1200)], "amount"] = random.normal(1000, 50, 20)
    rows.to_parquet(path)
    return rows


def test_rows_like_what_people_found_are_told_from_gold_alone(tmp_path):
    rows = gold(tmp_path / "train.parquet")
    ids = rows["id"][600:].sample(frac=1, random_state=1)
    values = similar(tmp_path / "train.parquet", ["amount", "hour"], ids)
    assert values.index.equals(ids.index)
    assert set(values.nlargest(10).index) == set(range(1190, 1200))
    assert values.between(0, 1).all()
    again = similar(tmp_path / "train.parquet", ["amount", "hour"], ids.sort_index())
    pd.testing.assert_series_equal(again.sort_index(), values.sort_index())


def test_before_anybody_decided_nothing_is_similar(tmp_path):
    rows = gold(tmp_path / "train.parquet").assign(label_source="rule")
    rows.to_parquet(tmp_path / "train.parquet")
    assert not similar(tmp_path / "train.parquet", ["amount", "hour"], rows["id"]).any()
    assert similar(tmp_path / "train.parquet", ["amount"], rows["id"][:0]).empty
