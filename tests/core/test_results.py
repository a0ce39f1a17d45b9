"""A stage's result as a file: what was written is read, anything else is named."""

from typing import Any, ClassVar

import pytest

from vouch.core.errors import VouchError
from vouch.core.files import read_json, write_json
from vouch.core.results import Result


class Counted(Result):
    """Format 1 called ``rows`` ``lines``; format 0 had no number."""

    FORMAT: ClassVar[int] = 2
    rows: int
    share: float | None = None

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        return {"rows": content["lines"]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "count.json"


def test_what_was_written_is_read(path):
    Counted(rows=3, share=0.5).write(path)
    assert Counted.read(path) == Counted(rows=3, share=0.5)
    assert read_json(path) == {"format": 2, "rows": 3, "share": 0.5}


@pytest.mark.parametrize("earlier", [{"lines": 4}, {"lines": 4, "format": 1}])
def test_an_earlier_format_is_migrated(path, earlier):
    write_json(path, earlier)
    assert Counted.read(path).rows == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format": 2}, "rows: Field required"),
        ({"format": 2, "row": 3}, "row: Extra inputs"),
        ({"format": 2, "rows": "many"}, "rows: .*got 'many'"),
        ({"format": 1}, "rows: Field required"),
        ({"format": 3, "rows": 3}, "format: this release reads up to 2 .got 3."),
        ({"format": "x"}, "format: "),
        ([1], "must be fields and values"),
    ],
)
def test_any_other_file_is_an_error_that_names_file_and_field(path, content, message):
    write_json(path, content)
    with pytest.raises(VouchError, match=f"^{path}: (.*; )?{message}") as caught:
        Counted.read(path)
    assert "run its stage again" in caught.value.hint
