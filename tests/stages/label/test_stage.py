from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.labels.conftest import declare, silver
from vouch.core.errors import VouchError
from vouch.core.settings import load_params
from vouch.engine import write_parquet
from vouch.labels.reviews import SCHEMA
from vouch.results.label import Labelled
from vouch.stages.label import label
from vouch.stages.label.params import LabelParams


def run(engine, tmp_path, where="amount > 100", name="labels"):
    declaration = declare(rule={"where": where}, truth={"delay": {"mean": "7d"}})
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump(declaration.model_dump(mode="json", exclude_none=True)))
    rows = silver([("a", 0, 500.0, 1), ("b", 1, 1.0, 0), ("c", 1, 2.0, 0)])
    engine.to_parquet(rows, tmp_path / "rows.parquet")
    return dict(
        label(
            declaration=path,
            rows=tmp_path / "rows.parquet",
            reviews=tmp_path / "reviews",
            labels=tmp_path / f"{name}.parquet",
            summary=tmp_path / "label.json",
            params=LabelParams(),
        )
    )


def test_counts_by_source_and_the_same_bytes_twice(engine, tmp_path):
    result = run(engine, tmp_path)
    assert result == dict(Labelled.read(tmp_path / "label.json"))
    assert result["issues"] == 6
    rule = result["by_source"]["rule"]
    assert rule["positives"] == rule["by_class"]["fraud"] == 1
    run(engine, tmp_path, name="again")
    assert (tmp_path / "labels.parquet").read_bytes() == (tmp_path / "again.parquet").read_bytes()


def test_a_rule_that_fails_on_the_values_is_told(engine, tmp_path):
    with pytest.raises(VouchError, match="rule"):
        run(engine, tmp_path, where="CAST(id AS INTEGER) > 3")


def test_decisions_are_labels_of_their_own_source_alone(engine, tmp_path):
    decision = {"source": "reviewer", "issued_at": datetime(2025, 1, 1), "label": 1}
    mine = decision | {"entity": "b", "actor": "ann", "origin": "shop", "case": "fraud-1"}
    rows = [mine, mine | {"entity": "c", "origin": "another"}]
    (tmp_path / "reviews").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / "reviews/0123.parquet")
    result = run(engine, tmp_path)
    assert result["reviews"] == ["0123"]
    assert result["by_source"]["reviewer"]["issues"] == 1
    labels = pd.read_parquet(tmp_path / "labels.parquet").set_index("source")
    assert labels.loc["reviewer", ["entity", "actor", "case"]].tolist() == ["b", "ann", "fraud-1"]


def test_params_refuse_an_unknown_source(tmp_path):
    (tmp_path / "params.yaml").write_text("label: {fraud: {use: [rumour]}}")
    with pytest.raises(VouchError, match=r"label\.fraud\.use"):
        load_params(tmp_path / "params.yaml", LabelParams, "label", "fraud")


def test_written_parquet_keeps_its_order(engine, tmp_path):
    rows = silver([(f"{n:05}", 0, 1.0, 0) for n in range(2000)])
    path = tmp_path / "rows.parquet"
    engine.create_table("unordered", rows, temp=True)
    write_parquet(engine.table("unordered").order_by("id"), path)
    assert list(engine.to_pandas(engine.read_parquet(path)).id) == [f"{n:05}" for n in range(2000)]
