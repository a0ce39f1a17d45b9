"""Raw files kept under their content's name."""

import os

import pytest

from vouch.core.errors import VouchError
from vouch.sources.manifest import forget, keep, load_manifest


def test_a_name_that_is_no_text_leaves_the_folder_as_it_is(tmp_path):
    file = tmp_path / os.fsdecode(b"\xffn.csv")
    file.write_text("a\n1\n")
    with pytest.raises(VouchError, match="its name is no UTF-8 text"):
        keep(tmp_path / "raw/shop", file)
    assert not (tmp_path / "raw").exists()


def test_a_name_like_those_of_dvcs_own_files_is_refused(tmp_path):
    file = tmp_path / "payments.dvc"
    file.write_text("a\n1\n")
    with pytest.raises(VouchError, match=r"payments\.dvc: its name ends in \.dvc") as caught:
        keep(tmp_path / "raw/shop", file)
    assert "payments.csv" in caught.value.hint and not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    "name", ["a" * 250 + ".csv", "ü" * 120 + ".csv.gz", "." + "x" * 240, "b." + "c" * 251]
)
def test_a_long_name_is_cut(tmp_path, name):
    file = tmp_path / name
    file.write_text("a\n1\n")
    key = keep(tmp_path / "raw", file)
    kept = load_manifest(tmp_path / "raw")[key].name
    assert kept.startswith(f"{key}-")
    assert len(kept.encode()) <= 240
    assert (tmp_path / "raw" / kept).read_text() == "a\n1\n"


def test_a_file_is_forgotten_with_its_entry_and_no_other(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    folder = tmp_path / "raw/shop"
    first, second = (keep(folder, tmp_path / name) for name in ("a.csv", "b.csv"))
    assert forget(folder, [first, "0" * 12]) and not forget(folder, [first])
    assert list(load_manifest(folder)) == [second]
    assert [path.name for path in folder.glob("*.csv")] == [f"{second}-b.csv"]
    assert not forget(tmp_path / "none", [first]) and not (tmp_path / "none").exists()
