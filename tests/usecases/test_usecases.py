"""Use cases are found by name, and the rest of the code knows none of them."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from vouch.core.errors import VouchError
from vouch.core.settings import Params
from vouch.usecases import find, names

SOURCE = Path(__file__).parents[2] / "src/vouch"
OWN = ("text/", "sources/", "usecases/sentiment/", "studies/market/")
KNOWS = re.compile(
    r"sentiment|tweet|vader|lexicon|negative[\s\S]{0,60}neutral|usecases\.sentiment", re.IGNORECASE
)
EXCEPTIONS = {
    "usecases/fraud/__init__.py": "tells a rule of texts that it cannot read payments",
    "cli/collect.py": "an example in its help is of either use case",
    "cli/enqueue.py": "an example in its help is of either use case",
    "cli/run.py": "an example in its help runs either use case",
    "cli/spurious.py": "an example in its help is of either use case",
    "cli/score.py": "the help names the columns of either use case",
    "review/simulate.py": "an example in its help is of either use case",
    "results/label.py": "holds a rule that a declaration may give",
    "stages/report/templates/label.html": "puts into words a rule that a declaration may give",
}


def test_a_use_case_is_found_by_its_name_and_a_wrong_one_gets_a_hint():
    assert names() == ("fraud", "sentiment")
    assert [find(name).name for name in names()] == list(names())
    with pytest.raises(VouchError, match="no use case 'sentimnet'") as caught:
        find("sentimnet")
    assert "sentiment" in caught.value.hint


@pytest.mark.parametrize("usecase", names())
def test_a_use_case_is_frozen_and_declares_its_own_parameters(usecase):
    case = find(usecase)
    with pytest.raises(FrozenInstanceError):
        case.name = "another"
    for params in (case.extract_params(), case.tune_params(), case.explain_params()):
        assert issubclass(params, Params)
        assert params()


def test_only_its_own_folders_know_the_use_case_of_texts():
    files = [path for path in SOURCE.rglob("*") if path.suffix in {".py", ".html", ".css", ".xml"}]
    places = {path: path.relative_to(SOURCE) for path in files}
    others = [path for path, place in places.items() if not str(place).startswith(OWN)]
    assert len(others) > 100
    knowing = {str(places[path]) for path in others if KNOWS.search(path.read_text())}
    assert knowing == EXCEPTIONS.keys()
    assert KNOWS.search((SOURCE / "usecases/sentiment/__init__.py").read_text())
