import json
import os

import pytest

from vouch.core.cache import NOTE, Cache, key_of


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "made").write_bytes(os.urandom(100))
    cache = Cache(tmp_path / "cache")
    cache.put(key_of("a"), {"made": tmp_path / "made"}, {"rows": 3})
    return tmp_path


def test_what_was_kept_is_found_by_all_it_was_made_of(kept):
    entry = Cache(kept / "cache").get(key_of("a"))
    assert entry.facts == {"rows": 3}
    assert entry.file("made").read_bytes() == (kept / "made").read_bytes()
    assert Cache(kept / "cache").get(key_of("a", 1)) is None


def test_facts_named_by_numbers_are_found(tmp_path):
    Cache(tmp_path).put(key_of("a"), {}, {"counts": {n: n for n in range(-1, 20)}})
    facts = Cache(tmp_path).get(key_of("a")).facts
    assert facts == {"counts": {str(n): n for n in range(-1, 20)}}


@pytest.mark.parametrize("name", ["made", NOTE])
@pytest.mark.parametrize("how", ["cut", "changed", "gone", "emptied"])
def test_a_damaged_entry_is_none_and_goes(kept, name, how):
    place = kept / "cache" / key_of("a") / name
    content = bytearray(place.read_bytes())
    if how == "gone":
        place.unlink()
    else:
        content[len(content) // 2] ^= 1
        place.write_bytes({"cut": content[:-9], "changed": content, "emptied": b""}[how])
    assert Cache(kept / "cache").get(key_of("a")) is None
    assert not place.parent.exists()


def test_a_changed_fact_is_noticed(kept):
    note = kept / "cache" / key_of("a") / NOTE
    content = json.loads(note.read_text())
    content["facts"]["rows"] = 4
    note.write_text(json.dumps(content))
    assert Cache(kept / "cache").get(key_of("a")) is None


def test_what_a_run_did_not_use_is_swept_away(kept):
    cache = Cache(kept / "cache")
    cache.put(key_of("b"), {}, {})
    (kept / "cache" / f".{key_of('c')}.1").mkdir()
    cache.sweep()
    assert [path.name for path in (kept / "cache").iterdir()] == [key_of("b")]


def test_without_a_folder_nothing_is_kept(tmp_path):
    cache = Cache()
    cache.put(key_of("a"), {}, {})
    assert cache.get(key_of("a")) is None
    cache.sweep()


def test_a_disk_that_refuses_does_not_end_the_run(tmp_path):
    (tmp_path / "cache").write_text("no folder")
    cache = Cache(tmp_path / "cache")
    cache.put(key_of("a"), {}, {})
    assert cache.get(key_of("a")) is None
