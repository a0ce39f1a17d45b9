import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usecases.fraud.conftest import FEATURES, make_rows
from vouch.core.errors import VouchError
from vouch.usecases.fraud.cases import choose, rows_of, sample
from vouch.usecases.fraud.params import ExplainParams

SCORES = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1)), max_size=30
)


@given(SCORES, st.integers(1, 6), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_cases_are_those_a_sort_would_choose(tmp_path_factory, scores, cases, boundary):
    path = tmp_path_factory.mktemp("p") / "predictions.parquet"
    frame = pd.DataFrame({"id": [f"{i:02d}" for i in range(len(scores))], "score_1": scores})
    frame.astype({"id": "string", "score_1": "float64"}).to_parquet(path)
    chosen = choose(path, ExplainParams(cases=cases, boundary=boundary))
    known = [(i, s) for i, s in zip(frame["id"], scores, strict=True) if s is not None]
    risky = sorted(known, key=lambda r: (-r[1], r[0]))[:cases]
    rest = [row for row in known if row not in risky]
    unsure = sorted(rest, key=lambda r: (abs(r[1] - boundary), r[0]))[:cases]
    assert [(c.id, c.out_of_fold) for c in chosen if c.kind == "riskiest"] == risky
    assert [(c.id, c.out_of_fold) for c in chosen if c.kind == "least_certain"] == unsure


def test_rows_keep_what_is_undefined(tmp_path):
    rows = make_rows(50)
    rows.to_parquet(tmp_path / "train.parquet")
    found = rows_of(tmp_path / "train.parquet", ["row-00007", "row-00003"], FEATURES)
    expected = rows.set_index("id").loc["row-00007", list(FEATURES)].to_numpy(float)
    pd.testing.assert_series_equal(pd.Series(found["row-00007"]), pd.Series(expected))


def test_a_sample_does_not_depend_on_the_order_of_rows(tmp_path):
    rows = make_rows(500)
    rows.to_parquet(tmp_path / "a.parquet")
    rows.iloc[::-1].to_parquet(tmp_path / "b.parquet")
    one, two = (sample(tmp_path / f"{n}.parquet", 100, ("amount",)) for n in "ab")
    assert one.shape == (100, 1)
    assert (one == two).all()
    assert len(sample(tmp_path / "a.parquet", 10_000, FEATURES)) == 500


def test_a_row_or_feature_that_is_missing_is_named(tmp_path):
    make_rows(50).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(VouchError, match="no row 'gone'"):
        rows_of(tmp_path / "train.parquet", ["gone"], FEATURES)
    with pytest.raises(VouchError, match="velocity"):
        sample(tmp_path / "train.parquet", 10, ("velocity",))
