"""People's decisions on rows of the holdout, as they are stored."""

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.holdout.decisions import OPENED, open_decisions, open_issues, seal_decisions
from vouch.holdout.sealed import KEY
from vouch.labels.issues import HELD
from vouch.labels.reviews import SCHEMA, DecisionWords

WORDS = DecisionWords({"genuine": 0, "fraud": 1, "stolen": 1}, ("genuine", "fraud"))


def decision(case="c1", label=1, stream=HELD, word="fraud", comment=None, confidence=None):
    return {
        "entity": f"row of {case}",
        "case": case,
        "actor": "ann",
        "source": "reviewer",
        "stream": stream,
        "label": label,
        "class_name": word,
        "comment": comment,
        "confidence": confidence,
        "issued_at": datetime(2024, 1, 1),
    }


def table(*rows):
    return pa.Table.from_pylist(list(rows), SCHEMA)


ROW = st.builds(
    decision,
    case=st.text(max_size=5),
    label=st.integers(0, 1),
    stream=st.sampled_from([HELD, "random", None]),
    word=st.sampled_from(["fraud", "genuine", None]),
    comment=st.none() | st.text(max_size=20),
    confidence=st.none() | st.floats(0, 1),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=6))
def test_what_is_sealed_opens_as_it_was_and_nothing_else_is_changed(tmp_path_factory, rows):
    state, plain = tmp_path_factory.mktemp("state"), table(*rows)
    sealed = seal_decisions(state, plain)
    assert open_decisions(state, sealed).drop_columns("sealed") == plain.drop_columns("sealed")
    assert seal_decisions(state, sealed) == sealed
    for before, after in zip(plain.to_pylist(), sealed.to_pylist(), strict=True):
        held = before["stream"] == HELD
        assert held == (after["sealed"] is not None)
        assert all(after[name] == (None if held else before[name]) for name in OPENED)


def test_equal_words_of_two_people_or_cases_look_different(tmp_path):
    rows = [decision(), decision("c2"), decision() | {"actor": "bob"}]
    sealed = seal_decisions(tmp_path, table(*rows))["sealed"].to_pylist()
    assert len({*sealed}) == 3
    assert sealed == seal_decisions(tmp_path, table(*rows))["sealed"].to_pylist()


def test_a_decision_cannot_be_moved_to_another_case(tmp_path):
    rows = seal_decisions(tmp_path, table(decision(), decision("c2", label=0))).to_pylist()
    rows[0]["sealed"], rows[1]["sealed"] = rows[1]["sealed"], rows[0]["sealed"]
    with pytest.raises(VouchError, match="case 'c1': the decision on a row of the holdout was"):
        open_decisions(tmp_path, table(*rows))


def test_a_missing_or_another_key_is_named(tmp_path):
    sealed = seal_decisions(tmp_path / "mine", table(decision()))
    with pytest.raises(VouchError, match=f"{KEY}: no such file"):
        open_decisions(tmp_path / "none", sealed)
    seal_decisions(tmp_path / "theirs", table(decision()))
    with pytest.raises(VouchError, match="sealed with another key"):
        open_decisions(tmp_path / "theirs", sealed)


def test_an_opened_decision_has_its_words_present_class(tmp_path):
    rows = seal_decisions(
        tmp_path, table(decision(word="stolen", label=7), decision("c2", 0, None))
    )
    opened = open_issues(tmp_path, rows.drop_columns("class_name"), WORDS)
    assert opened["label"].to_pylist() == [1, 0]
    dropped = DecisionWords({"stolen": None, "genuine": 0}, ("genuine", "fraud"))
    assert open_issues(tmp_path, rows.drop_columns("class_name"), dropped).num_rows == 1


@given(st.text(max_size=300), st.sampled_from(["legitimate", "fraud"]))
@settings(max_examples=40, deadline=None)
def test_its_length_tells_nothing(tmp_path_factory, comment, word):
    state = tmp_path_factory.getbasetemp() / "one"
    rows = [decision(word=word, label=label, confidence=label / 3) for label in (0, 1)]
    sealed = seal_decisions(state, table(*rows, decision(comment=comment[:40])))["sealed"]
    assert len({len(each) for each in sealed.to_pylist()}) == 1
