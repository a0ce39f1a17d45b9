"""The project's key is made once: neither another nor a new one takes its place unseen."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.holdout import blind, witness
from vouch.holdout.sealed import (
    BLOCK,
    HEADER,
    KEY,
    encrypt,
    fingerprint,
    make_key,
    padded,
    seal_bytes,
    unseal,
)
from vouch.results.holdouts import LOST, Holdouts


@pytest.fixture
def state(tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/inputs.yaml").touch()
    return tmp_path / ".vouch"


def noted(state: Path) -> str | None:
    return Holdouts.read(state.parent / witness.TRACKED).key


def test_a_fresh_project_makes_its_key_once_and_notes_its_fingerprint(state):
    key = make_key(state)
    assert key == make_key(state) and noted(state) == fingerprint(key)
    assert key.hex()[:16] not in (state.parent / witness.TRACKED).read_text()


def test_neither_a_new_key_nor_another_takes_the_place_of_one_that_is_gone(state):
    key, path = make_key(state), state / KEY
    path.unlink()
    with pytest.raises(VouchError, match=rf"{KEY}: no such file, but .*json names it") as caught:
        make_key(state)
    assert "bring the key back" in caught.value.hint and not path.exists()
    path.write_bytes(bytes(64))
    with pytest.raises(VouchError, match="is another key"):
        make_key(state)
    path.write_bytes(key)
    assert make_key(state) == key


@pytest.mark.parametrize(
    "name", ["data/bronze/fraud/labels.sealed", "data/gold/fraud/holdout.sealed", "decisions"]
)
def test_what_an_earlier_release_sealed_names_no_key_but_needs_it(state, name):
    path = state.parent / name
    if name == "decisions":
        path = state.parent / "data/labels/fraud/reviews/a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"sealed": pa.array([None, b"box"])}), path)
    with pytest.raises(VouchError, match=rf"{path.name} was sealed with it") as caught:
        make_key(state)
    assert ("--decisions" in caught.value.hint) == (name == "decisions")
    pq.write_table(pa.table({"sealed": pa.array([None], pa.binary())}), path)
    if name == "decisions":  # none of them is sealed
        make_key(state)


def test_whoever_forgets_the_holdouts_or_gives_the_key_up_for_lost_gets_another(state):
    first = make_key(state)
    (state / KEY).unlink()
    witness.forget(state, "2024-01-01", "ada")
    second = make_key(state)
    assert second != first
    blind.begin(state, "fraud", seen=False)
    (state / KEY).unlink()
    assert blind.abandon(state, "fraud") and noted(state) == LOST
    (state.parent / "data/gold/fraud").mkdir(parents=True)
    (state.parent / "data/gold/fraud/holdout.sealed").touch()  # extract seals it again
    third = make_key(state)
    assert third not in (first, second) and noted(state) == fingerprint(third)


@given(st.integers(1, 2**31))
def test_a_sealed_content_takes_one_of_a_few_lengths(length):
    room = padded(length)
    assert length <= room <= max(length * 1.12, length + BLOCK) and room % BLOCK == 0
    assert padded(room) == room
    assert length < 2 * BLOCK or padded(length - 1) in (room, length - 1)
    sizes = {padded(length * k // 999) for k in range(999, 2 * 999)}
    assert len(sizes) <= 2 * (2 * length).bit_length()


def test_what_was_sealed_opens_again_with_its_own_length(state):
    key, path = make_key(state), state / "a.sealed"
    sizes = set()
    for content in (b"", b"\0", b"rows\0", b"x" * 400, bytes(range(256))):
        seal_bytes(key, content, path)
        assert unseal(key, path) == content
        sizes.add(path.stat().st_size)
    assert len(sizes) == 1


def test_what_an_earlier_release_sealed_opens(state):
    key, path = make_key(state), state / "a.sealed"
    path.write_bytes(HEADER + encrypt(key, b"rows", []))
    assert unseal(key, path) == b"rows"
