from datetime import datetime
from pathlib import Path

import pytest

from vouch.core.errors import VouchError
from vouch.holdout.keeper import Cut, HoldoutKey, Keeper
from vouch.holdout.sealed import make_key, read_key, seal, unseal

KEY = HoldoutKey("fraud", "paysim", "paysim", 1)
MAY, JUNE, JULY = (datetime(2024, month, 1) for month in (5, 6, 7))


def test_a_holdout_is_cut_once(tmp_path: Path):
    keeper = Keeper(tmp_path)
    assert keeper.cut(KEY, lambda: (MAY, JUNE)) == Cut(MAY, JUNE)
    assert Keeper(tmp_path).cut(KEY, lambda: pytest.fail("asked again")) == Cut(MAY, JUNE)
    other = HoldoutKey("fraud", "paysim", "paysim", 2)
    assert keeper.cut(other, lambda: (JUNE, JULY)) == Cut(JUNE, JULY)
    assert keeper.cut(HoldoutKey("fraud", "timeless", "x", 1), lambda: None) == Cut(None, None)


def test_sealing_is_deterministic_and_opens_again(tmp_path: Path):
    plain, first, second = tmp_path / "plain", tmp_path / "a.sealed", tmp_path / "b.sealed"
    plain.write_bytes(b"secret rows" * 1000)
    ids = [Keeper(tmp_path).seal(plain, path) for path in (first, second)]
    assert ids[0] == ids[1]
    assert first.read_bytes() == second.read_bytes()
    assert b"secret" not in first.read_bytes()
    assert unseal(read_key(tmp_path), first) == plain.read_bytes()
    assert (tmp_path / "holdout.key").stat().st_mode & 0o777 == 0o600


def test_a_changed_byte_is_noticed(tmp_path: Path):
    plain, sealed = tmp_path / "plain", tmp_path / "a.sealed"
    plain.write_bytes(b"rows")
    key = make_key(tmp_path)
    seal(key, plain, sealed)
    for place in (0, 30, -1):
        content = bytearray(sealed.read_bytes())
        content[place] ^= 1
        sealed.write_bytes(content)
        with pytest.raises(VouchError, match=r"a\.sealed") as caught:
            unseal(key, sealed)
        assert "extract" in caught.value.hint
        content[place] ^= 1
        sealed.write_bytes(content)
    assert unseal(key, sealed) == b"rows"


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_missing_or_broken_key_says_the_way_out(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "holdout.key").write_bytes(content)
    with pytest.raises(VouchError, match=r"holdout\.key") as caught:
        read_key(tmp_path)
    assert caught.value.hint
