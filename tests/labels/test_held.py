"""Decisions on rows of the holdout: counted by reviewer."""

from datetime import datetime, timedelta

import ibis
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.labels.held import truth_arrives, votes

NOW = datetime(2026, 1, 1)
KINDS = {"entity": "string", "actor": "string", "label": "int8", "final": "bool"}
KINDS |= {"source": "string", "in_force": "bool", "issued_at": "datetime64[us]"}


def issues(*rows):
    """Make issues of entity, actor, label, final, source and whether they are in force."""
    timed = [(*row, NOW + timedelta(minutes=place)) for place, row in enumerate(rows)]
    return ibis.memtable(pd.DataFrame(timed, columns=list(KINDS)).astype(KINDS))


def held(entity, actor, label, *, final=False):
    return (entity, actor, label, final, "holdout", False)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 2)), max_size=9
    )
)
def test_each_reviewers_last_word_counts_once(said):
    table = votes(issues(*(held(*each) for each in said)).to_pandas(), 3)
    last = {(entity, actor): label for entity, actor, label in said}
    for entity in {entity for entity, *_ in said}:
        words = [label for (about, _), label in last.items() if about == entity]
        assert table.loc[entity].tolist() == [words.count(label) for label in range(3)]
    assert len(table) == len({entity for entity, _ in last})


def test_a_leads_word_counts_alone_and_a_consensus_not_at_all():
    table = votes(
        issues(
            held("a", "x", 1),
            held("a", "y", 1),
            held("a", "lead", 0, final=True),
            held("a", "consensus", 1),
            held("b", "x", 1),
        ).to_pandas(),
        2,
    )
    assert table.to_dict("index") == {"a": {0: 1, 1: 0}, "b": {0: 0, 1: 1}}


def test_a_row_decided_for_a_class_that_is_left_out_by_now_has_no_votes_but_is_there():
    table = votes(issues(held("b", "x", 1)).to_pandas(), 2, ["a", "b", "a"])
    assert table.to_dict("index") == {"a": {0: 0, 1: 0}, "b": {0: 0, 1: 1}}
    none = votes(issues(held("b", "x", 1)).to_pandas().iloc[:0], 2, ["a"])
    assert none.to_dict("index") == {"a": {0: 0, 1: 0}}


def test_truth_arrives_only_by_what_is_in_force():
    for source, in_force, arrives in (
        ("chargeback", True, True),
        ("given", True, True),
        ("chargeback", False, False),
        ("reviewer", True, False),
        ("rule", True, False),
    ):
        assert truth_arrives(issues(("a", "x", 1, False, source, in_force))) is arrives
