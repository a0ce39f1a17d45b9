import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.report.conftest import DECLARATION
from vouch.metrics import totals as facts
from vouch.sources.declaration import Declaration

ROW = st.tuples(
    st.sampled_from(["a", "b", "c", 'd"; --', None]),
    st.integers(0, 100),
    st.sampled_from([0, 1, None]),
    st.sampled_from([0, 1, None]),
    st.floats(0, 1),
    st.booleans(),
)


def expected(rows, name, threshold):
    column = {
        "rule": rows["rule"],
        "truth": rows["truth"],
        "model": (rows["score"] >= threshold).astype(float).where(rows["scored"]),
    }[name]
    known = rows[column.notna() & rows["scored"]]
    flag = column[known.index] == 1
    money = known["amount"].sum()
    return {
        "known": len(known),
        "rows": pytest.approx(flag.mean()) if len(known) else None,
        "money": pytest.approx(known["amount"][flag].sum() / money) if money else None,
    }


@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_shares_are_those_pandas_finds(tmp_path_factory, drawn, most):
    folder = tmp_path_factory.mktemp("facts")
    columns = ["type", "amount", "rule", "truth", "score", "scored"]
    rows = pd.DataFrame(drawn, columns=columns)
    rows["id"] = [str(i) for i in range(len(rows))]
    rows = rows.astype({"type": "string", "rule": "float64", "truth": "float64"})
    rows[["id", "type", "amount"]].to_parquet(folder / "rows.parquet")
    scored = rows[rows["scored"]]
    scored[["id", "amount", "score", "rule", "truth"]].rename(
        columns={"score": "score_1"}
    ).to_parquet(folder / "predictions.parquet")

    source = Declaration.model_validate(DECLARATION)
    paths = folder / "rows.parquet", folder / "predictions.parquet"
    (table,) = facts.by_category(*paths, source, threshold=0.5, most=most)
    assert sum(line["rows"] for line in table["lines"]) == len(rows)
    assert sum(line["amount"] for line in table["lines"]) == rows["amount"].sum()
    assert len(table["lines"]) == min(rows["type"].nunique(dropna=False), most + 1)
    for line in table["lines"][:most]:
        same = rows["type"].isna() if line["value"] is None else rows["type"] == line["value"]
        part = rows[same.fillna(False)]
        assert line["rows"] == len(part)
        for name in facts.FLAGS:
            assert line[name] == expected(part, name, 0.5)
    whole = facts.flagged(paths[1], 0.5)
    for name in facts.FLAGS:
        assert whole[name] == expected(rows, name, 0.5)


def test_superseded_rows_do_not_count(tmp_path):
    rows = pd.DataFrame({"id": ["a", "a"], "amount": [5.0, 7.0]})
    rows["superseded_at"] = pd.to_datetime(["2024-01-02", None])
    rows.to_parquet(tmp_path / "rows.parquet")
    found = facts.totals(tmp_path / "rows.parquet")
    assert found == {"rows": 1, "amount": 7.0, "first": None, "last": None}
