"""Decisions in time: what holds as of a moment, whatever the clocks said."""

from datetime import datetime, timedelta

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.labels.resolve import resolve
from vouch.labels.reviews import CONSENSUS, SCHEMA, read_batches, reviews
from vouch.review.collect.batch import latest, recorded
from vouch.review.collect.params import CollectParams
from vouch.review.collect.read import Answer
from vouch.review.collect.stage import AFTER, _intake, take
from vouch.review.queue import Case
from vouch.sources.declaration import load_declaration

LATER = ["decided_at", "collected_at", "sequence", "superseded", "annotation", "unique_id"]
OUT = datetime(2026, 1, 1)


def hour(number):
    return OUT + timedelta(hours=number)


@pytest.fixture(scope="module")
def source(request):
    return load_declaration(request.config.rootpath / "data/sources/simulated.yaml")


def cases():
    about = {"usecase": "fraud", "origin": "simulated", "stream": "margin", "propensity": None}
    about |= {"model": "fraud-simulated:1", "scores": [0.4, 0.6], "prediction": 1, "facts": {}}
    about |= {"classes": ["genuine", "fraud"], "reasons": [], "poor": False, "out_at": OUT}
    made = [Case(case=f"fraud-{n}", entity=f"row-{n}", **about) for n in range(2)]
    return {one.case: one for one in made}


ENGINE = ibis.duckdb.connect()
CASES = cases()
NAMES = sorted(CASES)
answer = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(["genuine", "fraud"]),
    st.sampled_from(["ann", "bob", "cy"]),
    st.one_of(st.none(), st.integers(0, 20)),
)
batch = st.lists(answer, min_size=1, max_size=3, unique_by=lambda a: (a[0], a[2]))
collects = st.lists(
    st.tuples(st.integers(0, 30), batch),
    min_size=1,
    max_size=4,
)


def taken(source, folder, clock, rows):
    """Collect a batch by a clock; returns when it became known."""
    intake = _intake(source, folder, CASES, CollectParams(), clock)
    answers = [
        Answer(1, name, label, who, decided_at="" if at is None else hour(at).isoformat())
        for name, label, who, at in rows
    ]
    table = take(intake, answers, recorded(folder, source.name)).table
    if table.num_rows:
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / f"{len(list(folder.iterdir()))}.parquet")
    return intake.moment, table.num_rows


def held(folder, source, as_of):
    issued = reviews(folder, source.name).mutate(in_force=True)
    rows = ENGINE.to_pandas(resolve(issued, as_of))
    return dict(zip(rows["entity"], rows["label"], strict=True))


def oracle(batches):
    """The last decision of each person, then the majority, of equals the model's class."""
    last, given = {}, {}
    for moment, rows in batches:
        for name, word, who, at in rows:
            label, when = int(word == "fraud"), moment if at is None else hour(at)
            before = given.get((name, who, label))
            if before is not None and (at is None or when <= before):
                continue
            given[name, who, label] = when
            if (name, who) not in last or last[name, who][0] <= when:
                last[name, who] = (when, label)
    found = {}
    for name in {name for name, _ in last}:
        votes = [label for (case, _), (_, label) in last.items() if case == name]
        counts = [votes.count(n) + CASES[name].scores[n] / 2 for n in (0, 1)]
        found[CASES[name].entity] = int(np.argmax(counts)) if len(votes) > 1 else votes[0]
    return found


@settings(deadline=None, max_examples=25)
@given(collects)
def test_what_holds_is_what_was_decided_last_whatever_the_clocks(tmp_path_factory, source, batches):
    folder = tmp_path_factory.mktemp("reviews") / "reviews"
    done, expected = [], {}
    for clock, drawn in batches:
        begun = _intake(source, folder, CASES, CollectParams(), hour(clock)).moment
        rows = [row for row in drawn if row[3] is None or hour(row[3]) <= begun]  # as the suite
        moment, count = taken(source, folder, hour(clock), rows)
        done.append((moment, rows))
        if count:  # a collect of nothing new leaves no moment that a clock set back could not pass
            expected[moment] = dict(expected.get("now", {}))
        expected["now"] = oracle(done)
        assert held(folder, source, None) == expected["now"]
        assert moment >= hour(clock)
        if count:
            numbers = read_batches(folder)["sequence"].to_pylist()
            assert len(set(numbers)) == len(numbers)
    for as_of, labels in expected.items():
        if as_of != "now":
            assert held(folder, source, as_of - AFTER) == labels


def test_with_the_clock_set_back_the_newer_answer_holds(tmp_path, source):
    name = NAMES[0]
    first, _ = taken(source, tmp_path / "r", hour(50), [(name, "genuine", "ann", None)])
    second, _ = taken(source, tmp_path / "r", hour(2), [(name, "fraud", "ann", None)])
    assert second > first
    entity = CASES[name].entity
    assert held(tmp_path / "r", source, None) == {entity: 1}
    assert held(tmp_path / "r", source, first) == {entity: 0}


def old_batch(path, **changes):
    """Write a batch as the release before decisions were numbered wrote it."""
    one = CASES[NAMES[0]]
    row = dict.fromkeys(SCHEMA.names) | {
        "entity": one.entity,
        "label": 0,
        "source": "reviewer",
        "actor": "Ann",
        "issued_at": hour(1),
        "case": one.case,
        "model_version": one.model,
        "origin": one.origin,
        "stream": one.stream,
        "final": False,
    }
    schema = pa.schema([field for field in SCHEMA if field.name not in LATER])
    pq.write_table(pa.Table.from_pylist([row | changes], schema), path)


def test_a_batch_of_the_earlier_release_still_holds(tmp_path, source):
    old_batch(tmp_path / "old.parquet")
    assert held(tmp_path, source, None) == {CASES[NAMES[0]].entity: 0}
    (row,) = recorded(tmp_path, source.name).to_dict("records")
    assert (row["decided_at"], row["sequence"], row["superseded"]) == (hour(1), 0, False)
    assert latest(tmp_path) == (hour(1), 0)
    taken(source, tmp_path, hour(0), [(NAMES[0], "fraud", "ann ", None)])
    assert held(tmp_path, source, None) == {CASES[NAMES[0]].entity: 1}
    assert held(tmp_path, source, hour(1)) == {CASES[NAMES[0]].entity: 0}
    assert set(recorded(tmp_path, source.name)["actor"]) == {"Ann", "ann "}


def test_what_several_say_is_kept_in_their_word(source, tmp_path):
    folder, name = tmp_path / "reviews", NAMES[0]
    taken(source, folder, hour(1), [(name, "1", "ann", None), (name, "1", "bob", None)])
    rows = read_batches(folder).to_pylist()
    assert [row["class_name"] for row in rows if row["actor"] == CONSENSUS] == ["1"]
