"""Sealed labels: the file tells nobody but the keeper what they are, nor how many there are."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.holdout.labels import open_labels, seal_labels
from vouch.holdout.ledger import Cut

LABELS = (
    ("label", pa.int8(), st.integers(0, 31)),
    ("label_time", pa.timestamp("us"), st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1))),
    ("label_confidence", pa.float64(), st.floats(allow_nan=False)),
)


@settings(max_examples=40)
@given(st.integers(0, 400), st.data())
def test_any_labels_of_the_same_rows_take_as_many_bytes(tmp_path_factory, rows, data):
    folder = tmp_path_factory.mktemp("labels")
    (folder / "data").mkdir()
    kept = [kind for kind in LABELS if kind[0] == "label" or data.draw(st.booleans())]
    place = {"file": ["a.csv"] * rows, "line": range(1, rows + 1)}
    sizes = set()
    for number in range(3):
        columns = {}
        for name, kind, values in kept:
            few = data.draw(st.lists(st.one_of(st.none(), values), min_size=1, max_size=5))
            columns[name] = pa.array([few[n % len(few)] for n in range(rows)], kind)
        table, path = pa.table(place | columns), folder / f"{number}.sealed"
        seal_labels(folder / ".vouch", table, Cut(None, None), path)
        assert open_labels(folder / ".vouch", path).table.equals(table)
        sizes.add(path.stat().st_size)
    assert len(sizes) == 1


def test_the_compressed_holdout_hides_how_many_of_its_rows_are_positive(tmp_path: Path):
    from vouch.holdout.sealed import make_key, seal

    (tmp_path / "data").mkdir()
    key, sizes = make_key(tmp_path / ".vouch"), set()
    for positives in (100, 101, 110, 150):
        table = pa.table(
            {
                "id": [f"{n * 7919 % 10007:016}" for n in range(5000)],
                "truth": pa.array([int(n * 31 % 5000 < positives) for n in range(5000)], pa.int8()),
            }
        )
        pq.write_table(table, tmp_path / "plain.parquet", compression="zstd")
        seal(key, tmp_path / "plain.parquet", tmp_path / "sealed")
        sizes.add((tmp_path / "sealed").stat().st_size)
    assert len(sizes) == 1
