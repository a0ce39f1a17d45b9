"""Decisions on rows of holdouts, learned from only when the holdout is an earlier one."""

from datetime import datetime
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vouch.engine import connect
from vouch.holdout.decisions import open_issues, seal_decisions
from vouch.labels.issues import COLUMNS
from vouch.labels.reviews import SCHEMA, DecisionWords
from vouch.stages.extract.released import open_earlier, released

WORDS = DecisionWords({"genuine": 0, "fraud": 1}, ("genuine", "fraud"))


def issue(entity, source, label=1):
    about = {"entity": entity, "case": entity, "actor": "ann", "source": source, "stream": source}
    return about | {"label": label, "class_name": "fraud", "issued_at": datetime(2024, 1, 1)}


@pytest.fixture
def labels(tmp_path):
    """Labels as the label stage writes them: two decisions on held-out rows, and one on another."""
    rows = [issue("now", "holdout"), issue("before", "holdout"), issue("r", "reviewer", 0)]
    sealed = seal_decisions(tmp_path, pa.Table.from_pylist(rows, SCHEMA)).select([*COLUMNS])
    in_force = pa.array([False, False, True])
    pq.write_table(sealed.append_column("in_force", in_force), tmp_path / "labels.parquet")
    return tmp_path / "labels.parquet"


@pytest.mark.parametrize("used", [True, False])
def test_those_on_the_present_holdout_are_left_out_and_older_ones_are_a_reviewers(labels, used):
    opened = labels.with_name("opened.parquet")
    open_earlier(labels, {"now"}, partial(open_issues, labels.parent, words=WORDS), opened)
    with connect() as engine:
        kept = released(engine, labels, opened, used=used).to_pandas().set_index("entity")
    assert kept["source"].to_dict() == {"before": "reviewer", "r": "reviewer"}
    assert kept["label"].to_dict() == {"before": 1, "r": 0}
    assert kept["in_force"].to_dict() == {"before": used, "r": True}


def test_nothing_is_opened_where_no_holdout_was_before(labels):
    opened = labels.with_name("opened.parquet")
    open_earlier(labels, {"now", "before"}, lambda _: pytest.fail("was opened"), opened)
    with connect() as engine:
        kept = released(engine, labels, opened, used=True).to_pandas()
    assert kept["entity"].tolist() == ["r"]
