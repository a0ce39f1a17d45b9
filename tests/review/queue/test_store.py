import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from tests.review.enqueue.conftest import case  # noqa: F401
from vouch.review.queue import Queue

NOW = datetime(2026, 1, 1)


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path, "fraud", "simulated")


def test_cases_come_back_as_they_went_in(queue, case):  # noqa: F811
    around = {"headline": [{"label": "Amount", "value": "1"}]}
    cases = [case(1), case(2, propensity=0.25, stream="random", context=around)]
    queue.put(cases, NOW)
    given = [replace(one, reasons=[list(part) for part in one.reasons]) for one in cases]
    assert queue.all() == given


def test_a_queue_of_an_older_release_has_cases_without_a_context(tmp_path, case):  # noqa: F811
    Queue(tmp_path, "fraud", "simulated").put([case(1)], NOW)
    with closing(sqlite3.connect(tmp_path / "vouch.db")) as connection:
        connection.execute("ALTER TABLE cases DROP COLUMN context")
    queue = Queue(tmp_path, "fraud", "simulated")
    queue.put([case(2, context={"amount": 1.0})], NOW)
    assert [one.context for one in queue.all()] == [None, {"amount": 1.0}]


def test_all_or_none_are_kept(queue, case):  # noqa: F811
    queue.put([case(1)], NOW)
    with pytest.raises(IntegrityError):
        queue.put([case(2), case(3, entity="row-2")], NOW)
    assert [one.entity for one in queue.all()] == ["row-1"]


def test_a_case_goes_before_one_more_reviewer(queue, case):  # noqa: F811
    queue.put([case(1), case(2)], NOW)
    queue.put([case(1), case(3)], NOW + timedelta(days=1))
    assert [one.entity for one in queue.all()] == ["row-1", "row-2", "row-3"]
    assert list(queue.asked().values()) == [2, 1, 1]
    assert queue.count_since(NOW + timedelta(days=1)) == 1
    queue.withdraw(["fraud-000000000001"])
    assert list(queue.asked().values()) == [1, 1]


def test_sources_do_not_mix(queue, case, tmp_path):  # noqa: F811
    queue.put([case(1)], NOW)
    assert Queue(tmp_path, "fraud", "paysim").all() == []


def test_it_counts_since_a_moment(queue, case):  # noqa: F811
    start = datetime(2026, 1, 1)
    queue.put([case(n, out_at=start + timedelta(days=n)) for n in range(5)], start)
    assert queue.count_since(start + timedelta(days=3)) == 2


def test_what_is_withdrawn_is_gone(queue, case):  # noqa: F811
    queue.put([case(1), case(2)], NOW)
    queue.withdraw(["fraud-000000000001"])
    assert [one.entity for one in queue.all()] == ["row-2"]


@pytest.mark.parametrize(
    ("classes", "names", "likely", "predicted"),
    [
        (["joy", "fear"], ["joy", "fear"], [0.9, 0.1], "joy"),
        (["joy", "fear"], ["fear", "joy"], [0.1, 0.9], "joy"),
        (["joy", "fear"], ["joy", "calm"], [0.5, 0.5], ""),
        (["joy", "fear"], ["joy", "fear", "calm", "anger"], [0.25] * 4, ""),
        (None, ["fear", "joy"], [0.9, 0.1], "fear"),
        (None, ["joy", "fear", "calm", "anger"], [0.25] * 4, ""),
    ],
)
def test_a_cases_scores_are_those_of_its_models_classes(
    case,  # noqa: F811
    classes,
    names,
    likely,
    predicted,
):
    one = case(1, scores=[0.9, 0.1], prediction=0, classes=classes)
    assert (one.likely(names), one.predicted(names)) == (likely, predicted)
