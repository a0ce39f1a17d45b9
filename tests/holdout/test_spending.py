"""A budget belongs to rows: whatever a holdout is called, what its rows were asked counts."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.holdout.ledger import HoldoutKey, Ledger, RefusedError
from vouch.holdout.mechanisms.limits import FREE
from vouch.holdout.rows import count_shared, identities

from .conftest import CUT, inquiry
from .test_chain import tamper

SECRET = b"key"


def hashes(rows) -> dict[str, np.ndarray]:
    return {"content": np.array(sorted(rows), "<u8"), "id": np.array([], "<u8")}


def holdout(ledger: Ledger, name: str, rows, overlap: float = 0.05) -> HoldoutKey:
    key = HoldoutKey("fraud", name, "0123456789ab", 1)
    ledger.cut(key, lambda: CUT)
    ledger.know(key, hashes(rows), overlap)
    return key


def ask(ledger: Ledger, key: HoldoutKey, count: int, budget: int = 20) -> int:
    """Return how many of new questions were charged."""
    charged, first = 0, len(ledger.log())
    for number in range(count):
        try:
            question = inquiry(f"{first + number}", content=f"sealed {key}")
            ledger.charge(key, question, budget, 10, 2)
            charged += 1
        except RefusedError:
            break
    return charged


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / ".vouch")


@pytest.mark.parametrize("rows", [range(100), range(50, 100), range(105), range(4, 104)], ids=str)
def test_a_copy_a_part_and_a_longer_one_begin_with_what_their_rows_answered(ledger, rows):
    first = holdout(ledger, "first", range(100))
    assert ask(ledger, first, 15) == 15
    second = holdout(ledger, "second", rows)
    status = ledger.find(second)
    assert status["spent"] == status["inherited"] == 15
    assert "fraud first" in status["inherited_from"][0]
    assert ask(ledger, second, 10) == 5
    with pytest.raises(RefusedError, match=r"20 of 20.*15 of them of rows it shares with fraud fi"):
        ledger.charge(second, inquiry("more"), 20, 10, 2)
    assert ask(ledger, first, 1) == 0  # most of its rows answered these too


def test_few_common_rows_spend_no_fresh_holdout_and_no_parameter_loosens_that(ledger):
    first = holdout(ledger, "first", range(100))
    ask(ledger, first, 20)
    assert ask(ledger, holdout(ledger, "second", range(95, 195)), 30) == 20
    key = holdout(ledger, "third", range(94, 194))
    ledger.know(key, hashes(range(94, 194)), 0.1)  # the first one declared stands
    assert ask(ledger, key, 30) == 0


def test_a_union_of_parts_inherits_what_each_part_was_asked(ledger):
    for number in range(10):
        part = holdout(ledger, f"part {number}", range(number * 10, number * 10 + 10))
        assert ask(ledger, part, 7 + number) == 7 + number
    assert ledger.find(holdout(ledger, "union", range(100)))["spent"] == 16


def test_free_answers_spend_nothing_under_any_name_but_all_count_for_the_history(ledger):
    first = holdout(ledger, "first", range(100))
    for number in range(3):
        question = inquiry(f"{number}", content="sealed first")
        charge = ledger.charge(first, question, 20, 10, 2)
        origin = {"from": "training"} if number < 2 else {}
        ledger.answer(charge.question, {"value": number} | origin, free=number < 2)
    second = holdout(ledger, "second", range(100))
    assert ledger.find(first)["spent"] == ledger.find(second)["spent"] == 1
    free = {"from": "training"}
    given = [{"value": 0} | free, {"value": 1} | free, {"value": 2}]
    assert ledger.answers(first, "sealed first") == given
    assert ledger.answers(second, "sealed second") == given
    assert ledger.answers(holdout(ledger, "third", range(98, 198)), "sealed third") == []


def test_free_questions_of_the_same_rows_run_out_under_any_name(ledger):
    keys = [holdout(ledger, name, range(10)) for name in ("first", "second")]
    free = {"from": "training"}
    for number in range(FREE):
        key = keys[number % 2]
        question = inquiry(f"{number}", content=f"sealed {key}")
        ledger.answer(ledger.charge(key, question, 1, 10, 2).question, free, free=True)
    for key in keys:
        with pytest.raises(RefusedError, match="free ones included, 25 of them of rows it shares"):
            ledger.charge(key, inquiry("more", content=f"sealed {key}"), 1, 10, 2)


LIMIT = st.sampled_from([0.0, 0.05, 0.1])
HOLDOUTS = st.lists(
    st.tuples(st.sets(st.integers(0, 40), min_size=1), st.integers(0, 4), LIMIT),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(HOLDOUTS)
def test_no_more_than_the_limit_of_rows_was_ever_asked_more_than_the_budget(holdouts):
    """Counted row by row, which is what a budget is about."""
    with tempfile.TemporaryDirectory() as folder:
        ledger, asked = Ledger(Path(folder) / ".vouch"), Counter()
        for number, (rows, count, limit) in enumerate(holdouts):
            key = holdout(ledger, f"s{number}", rows, limit)
            for row in rows:
                asked[row] += 0
            charged = ask(ledger, key, count, budget=4)
            before = sorted((asked[row] for row in rows), reverse=True)
            worst = before[int(limit * len(rows))]
            assert charged == min(count, max(4 - worst, 0))
            for row in rows:
                asked[row] += charged


def test_hashes_that_were_changed_are_noticed(ledger, tmp_path):
    key = holdout(ledger, "first", range(10))
    ask(ledger, key, 1)
    other = holdout(ledger, "second", range(10))
    tamper(tmp_path / ".vouch", "UPDATE rows SET hashes = x'0000000000000000' WHERE id = 1")
    assert {fault.kind for fault in ledger.verify().faults} == {"changed row"}
    with pytest.raises(VouchError, match="rows \\[1\\]"):
        ledger.charge(other, inquiry("new"), 20, 10, 2)


def silver(folder: Path, name: str, **columns) -> Path:
    path = folder / f"{name}.parquet"
    frame = pd.DataFrame(columns)
    frame.assign(superseded_at=pd.NaT, file=name, source=name, line=range(len(frame))).to_parquet(
        path
    )
    return path


TIMES = pd.date_range("2024-01-01", periods=6, freq="h")


def of(path: Path, *, declared: bool = True) -> dict[str, np.ndarray]:
    return identities(path, path, SECRET, declared=declared)


def test_rows_match_by_id_or_by_content_whatever_they_are_called(tmp_path):
    rows = {"time": TIMES, "amount": np.arange(6.0), "payer": list("aabbcc")}
    first = of(silver(tmp_path, "a", id=[f"p{n}" for n in range(6)], **rows))
    undeclared = of(silver(tmp_path, "b", id=list("uvwxyz"), **rows), declared=False)
    assert count_shared(first, undeclared) == 6
    corrected = rows | {"amount": np.arange(6.0) + 1}
    again = of(silver(tmp_path, "c", id=[f"p{n}" for n in range(6)], **corrected))
    assert count_shared(first, again) == 6
    later = rows | {"time": TIMES + pd.Timedelta(days=31)}
    others = of(silver(tmp_path, "d", id=[f"p{n}" for n in range(6)], **later))
    assert count_shared(first, others) == 0
    assert (
        count_shared(
            first,
            identities(tmp_path / "a.parquet", tmp_path / "a.parquet", b"other", declared=True),
        )
        == 0
    )


def test_texts_are_their_words_and_row_numbers_are_no_ids(tmp_path):
    texts = ["Great  gains", "awful loss", "a meeting"]
    first = of(silver(tmp_path, "a", id=["1", "2", "3"], text=texts))
    assert (
        count_shared(
            first, of(silver(tmp_path, "b", id=list("xyz"), text=["great gains ", "b", "c"]))
        )
        == 1
    )
    assert count_shared(first, of(silver(tmp_path, "c", id=["1", "2", "3"], text=list("def")))) == 0
    long = [f"56992000000000000{n}" for n in range(3)]
    tweets = of(silver(tmp_path, "d", id=long, text=texts))
    assert count_shared(tweets, of(silver(tmp_path, "e", id=long, text=list("def")))) == 3


def test_equal_rows_are_told_apart_by_their_number_and_old_versions_do_not_count(tmp_path):
    path = silver(tmp_path, "a", id=list("abc"), text=["same", "same", "other"])
    assert {kind: len(part) for kind, part in of(path).items()} == {
        "content": 3,
        "id": 3,
        "unnumbered": 2,
    }
    frame = pd.read_parquet(path)
    frame.loc[0, "superseded_at"] = pd.Timestamp("2024-01-01")
    frame.to_parquet(path)
    assert len(of(path)["content"]) == 2
