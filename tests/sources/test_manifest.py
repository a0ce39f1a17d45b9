"""Raw files kept under their content's name."""

import os

import pytest

from vouch.core.errors import VouchError
from vouch.sources.manifest import keep, load_manifest


def test_a_name_that_is_no_text_leaves_the_folder_as_it_is(tmp_path):
    file = tmp_path / os.fsdecode(b"\xffn.csv")
    file.write_text("a\n1\n")
    with pytest.raises(VouchError, match="its name is no UTF-8 text"):
        keep(tmp_path / "raw/shop", file)
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("name", ["a" * 250 + ".csv", "ü" * 120 + ".csv.gz", "." + "x" * 240])
def test_a_long_name_is_cut(tmp_path, name):
    file = tmp_path / name
    file.write_text("a\n1\n")
    key = keep(tmp_path / "raw", file)
    kept = load_manifest(tmp_path / "raw")[key].name
    assert kept.startswith(f"{key}-")
    assert len(kept.encode()) <= 240
    assert (tmp_path / "raw" / kept).read_text() == "a\n1\n"
