"""Use cases are found by name, and the rest of the code knows none of them."""

import re
from pathlib import Path

import pytest

from vouch.core.errors import VouchError
from vouch.core.settings import locate
from vouch.usecases import USECASES, find

SOURCE = Path(__file__).parents[2] / "src/vouch"
OWN = ("text/", "sources/", "usecases/", "studies/market/")
KNOWS = re.compile(
    r"sentiment|tweet|vader|lexicon|negative[\s\S]{0,60}neutral|vouch\.text", re.IGNORECASE
)
EXCEPTIONS = {
    "cli/collect.py": "an example in its help is of either use case",
    "cli/enqueue.py": "an example in its help is of either use case",
    "cli/run.py": "an example in its help runs either use case",
    "cli/score.py": "the help names the columns of either use case",
    "review/simulate.py": "an example in its help is of either use case",
    "report/templates/label.html": "puts into words a rule that a declaration may give",
}


def test_a_use_case_is_found_by_its_name_and_a_wrong_one_gets_a_hint():
    assert {name: find(name) for name in USECASES} == USECASES
    with pytest.raises(VouchError, match="no use case 'sentimnet'") as caught:
        find("sentimnet")
    assert "sentiment" in caught.value.hint


@pytest.mark.parametrize("usecase", USECASES)
def test_every_part_is_there(usecase):
    for place in find(usecase).PARTS.values():
        assert callable(locate(place))


def test_only_its_own_folders_know_the_use_case_of_texts():
    files = [path for path in SOURCE.rglob("*") if path.suffix in {".py", ".html", ".css", ".xml"}]
    names = {path: path.relative_to(SOURCE) for path in files}
    others = [path for path, name in names.items() if not str(name).startswith(OWN)]
    assert len(others) > 100
    knowing = {str(names[path]) for path in others if KNOWS.search(path.read_text())}
    assert knowing == EXCEPTIONS.keys()
    assert KNOWS.search((SOURCE / "usecases/sentiment.py").read_text())
