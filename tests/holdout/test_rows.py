"""A row is the same row before its labels are sealed and after."""

from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.holdout.rows import CORE, EVERY, among, identities
from vouch.sources.declaration import LABELLING, Role

SECRET = b"key"
OTHERS = ("time", "amount", "payer", "author", "text", "kind")


def identities_of(frame: pd.DataFrame, folder: Path) -> dict[str, list[int]]:
    path = folder / "rows.parquet"
    frame.to_parquet(path)
    return {k: v.tolist() for k, v in identities(path, path, SECRET, declared=True).items()}


def sealed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows as the door lets them in: no labels, another hash."""
    return frame.assign(**dict.fromkeys(set(LABELLING) & set(frame), None), row_hash="keyed")


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(OTHERS)),
    st.sets(st.sampled_from(LABELLING)),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=6),
)
def test_sealing_any_columns_of_a_label_leaves_each_row_what_it_is(
    tmp_path_factory, others, labels, values
):
    rows, told = zip(*values, strict=True)
    frame = pd.DataFrame({"id": [f"id {n}" for n in range(len(rows))], "row_hash": "plain"})
    frame = frame.assign(**{name: [f"{name} {value}" for value in rows] for name in others})
    frame = frame.assign(**{name: list(told) for name in labels})
    folder = tmp_path_factory.mktemp("rows")
    before = identities_of(frame, folder)
    assert before == identities_of(sealed(frame), folder)
    assert len(before["content"]) == len(rows) and set(before) == set(EVERY)


@pytest.mark.parametrize("role", sorted({*get_args(Role)} - {*CORE, *LABELLING}))
def test_every_other_role_says_what_a_row_is_where_little_else_does(role, tmp_path):
    if role in ("id", "arrival", "text", "ignore"):
        return
    frame = pd.DataFrame({"id": ["a"], role: ["first"]})
    other = frame.assign(**{role: "second"})
    assert identities_of(frame, tmp_path) != identities_of(other, tmp_path)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=6))
@settings(max_examples=25, deadline=None)
def test_all_rows_that_repeat_a_held_one_are_among_them(tmp_path_factory, held, other):
    folder = tmp_path_factory.mktemp("rows")
    frames = {}
    for name, texts in (("held", held), ("other", other)):
        rows = pd.DataFrame({"id": [f"{name} {n}" for n in range(len(texts))]}, dtype="string")
        frames[name] = rows.assign(text=[f"text {n}, which is long enough" for n in texts])
        frames[name].astype("string").to_parquet(folder / f"{name}.parquet")
    theirs = identities(folder / "held.parquet", folder / "held.parquet", SECRET, declared=True)
    repeats = among(folder / "other.parquet", [theirs], SECRET, declared=True)
    expected = frames["other"]["id"][[n in held for n in other]].tolist()
    assert sorted(repeats) == sorted(expected)
