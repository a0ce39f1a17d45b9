import hashlib

import pytest

from vouch.core.errors import VouchError
from vouch.review.guidelines import guideline
from vouch.usecases import find, names


@pytest.mark.parametrize("usecase", names())
def test_every_use_case_ships_a_guideline_that_names_its_classes(usecase, tmp_path):
    text, version = guideline(tmp_path, usecase)
    assert all(f"**{name}**:" in text for name in find(usecase).classes)
    assert "## When to skip" in text
    assert version == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_a_teams_own_takes_its_place_and_has_another_version(tmp_path):
    shipped = guideline(tmp_path, "fraud")
    own = tmp_path / "data/guidelines/fraud.md"
    own.parent.mkdir(parents=True)
    own.write_text("# Ours\nÄsk twice.\n", "utf-8")
    text, version = guideline(tmp_path, "fraud")
    assert text == "# Ours\nÄsk twice.\n" and version != shipped.version and len(version) == 12
    assert guideline(tmp_path, "sentiment").text != text


def test_a_guideline_that_is_no_text_is_named(tmp_path):
    own = tmp_path / "data/guidelines/fraud.md"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VouchError, match=r"fraud\.md: cannot be read"):
        guideline(tmp_path, "fraud")
