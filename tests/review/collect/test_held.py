"""Answers on rows of the holdout: what is shown of them does not depend on what anybody said."""

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.review.enqueue.conftest import make_case
from vouch.holdout.decisions import OPENED, seal_decisions
from vouch.labels.issues import HELD
from vouch.labels.reviews import CONSENSUS
from vouch.review.collect.batch import recorded
from vouch.review.collect.params import CollectParams
from vouch.review.collect.read import Answer
from vouch.review.collect.stage import _intake, take
from vouch.sources.declaration import load_declaration

OUT = datetime(2026, 1, 1)
WORDS = ("genuine", "fraud")


def hour(number: int) -> datetime:
    return OUT + timedelta(hours=number)


@pytest.fixture(scope="module")
def source(request):
    return load_declaration(request.config.rootpath / "data/sources/simulated.yaml")


def collect(source, folder, clock, rows, cases=None):
    """Collect a batch of case, reviewer, hour (None: not said) and word; it stays unsealed here."""
    cases = cases or CASES
    times = [(*row, "" if row[2] is None else hour(row[2]).isoformat()) for row in rows]
    answers = [Answer(1, case, word, who, decided_at=at) for case, who, _, word, at in times]
    intake = _intake(source, folder, cases, CollectParams(), hour(clock))
    taken = take(intake, answers, recorded(folder, source.name))
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(taken.table, folder / f"{clock}.parquet")
    return taken


PEOPLE = ("ann", "bob")
CASES = {one.case: one for one in (make_case(1, stream=HELD), make_case(2, stream=HELD))}
answer = st.tuples(
    st.sampled_from(sorted(CASES)),
    st.sampled_from(PEOPLE),
    st.one_of(st.none(), st.integers(0, 5)),
)
batches = st.lists(
    st.lists(answer, min_size=1, max_size=4, unique_by=lambda a: a[:2]), min_size=1, max_size=4
)


def shown(taken, state):
    """What anybody sees of a batch."""
    visible = seal_decisions(state, taken.table).drop_columns(["sealed", *OPENED])
    return taken.new, taken.conflicts, visible.to_pylist()


@settings(max_examples=25)
@given(batches, st.data())
def test_whether_a_guess_is_right_does_not_show(tmp_path_factory, source, drawn, data):
    folder = tmp_path_factory.mktemp("held")
    word = st.sampled_from(WORDS)
    first, second = ([[data.draw(word) for _ in batch] for batch in drawn] for _ in range(2))
    second[-1] = first[-1]  # the last file is a guess, the same whatever was said before
    seen = []
    for name, words in (("first", first), ("second", second)):
        done = [
            collect(
                source,
                folder / name,
                10 + number,
                [(*row, word) for row, word in zip(batch, said, strict=True)],
            )
            for number, (batch, said) in enumerate(zip(drawn, words, strict=True))
        ]
        assert all(each.new == 0 for each in done)
        seen.append([shown(each, folder / "state") for each in done])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("word", WORDS)
def test_an_older_answer_or_the_same_one_leaves_the_word_that_stands(source, tmp_path, word):
    case = sorted(CASES)[0]
    collect(source, tmp_path, 10, [(case, "ann", 5, "fraud")])
    older = collect(source, tmp_path, 11, [(case, "ann", 2, word)])
    assert older.table["superseded"].to_pylist() == [True]
    same = collect(source, tmp_path, 12, [(case, "ann", 5, word)])
    assert same.table.num_rows == 0
    assert older.votes.loc[case, "ann"] == same.votes.loc[case, "ann"] == 1
    newer = collect(source, tmp_path, 13, [(case, "ann", 6, word)])
    assert newer.votes.loc[case, "ann"] == WORDS.index(word)


def test_what_is_said_of_the_holdout_changes_no_consensus_that_trains(source, tmp_path):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 60)
    cases = [
        make_case(n, scores=[], stream=HELD)
        if n >= 40
        else make_case(n, scores=[0.7, 0.3] if truth[n] == 0 else [0.3, 0.7])
        for n in range(60)
    ]
    votes = np.array([np.where(rng.random(60) < 0.8, truth, 1 - truth) for _ in range(3)])
    results = []
    for flipped in range(40, 60, 4):
        said = votes.copy()
        said[0, flipped] = 1 - said[0, flipped]
        rows = [
            (case.case, who, number, WORDS[said[number, place]])
            for number, who in enumerate(("ann", "bob", "cy"))
            for place, case in enumerate(cases)
        ]
        named = {case.case: case for case in cases}
        taken = collect(source, tmp_path / str(flipped), 99, rows, named)
        issued = taken.table.to_pandas()
        agreed = issued[issued["actor"] == CONSENSUS].set_index("case")
        trains = agreed[agreed["stream"] != HELD]
        assert (len(trains), len(agreed)) == (40, 60) and "crowdlab" in set(trains["comment"])
        results.append((trains[["label", "confidence", "comment"]], taken.conflicts))
    for (one, shown_first), (other, shown_next) in pairwise(results):
        assert one.equals(other) and shown_first == shown_next
