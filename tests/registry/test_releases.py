"""What earlier releases registered is scored, compared, rolled back and loaded by MLflow.

``releases/before_rooms.tar.xz`` is a small project's state after two runs of fraud, one of
sentiment and two promotions by hand, made when use cases were no folders yet (commit f7e6351).
"""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.project import copy_checkout, shrink, vouch
from vouch.core.files import read_json
from vouch.registry.versions import find

STATE = Path(__file__).parent / "releases/before_rooms.tar.xz"
LOAD = """
import sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(f"models:/{sys.argv[2]}/1")
print(model.metadata.flavors["python_function"]["loader_module"])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of this code with the state that the earlier release left."""
    project = copy_checkout(tmp_path_factory.mktemp("release") / "project")
    shrink(project, usecases=("fraud", "sentiment"))
    with tarfile.open(STATE) as archive:
        archive.extractall(project, filter="data")
    return project


def run(project, *words):
    done = vouch(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_registered_model_scores(project):
    run(project, "simulate", "payments", "--rows", "10000", "--out", "new.csv")
    run(project, "score", "fraud", "--path", "new.csv", "--out", "scores.csv", "--json", "s.json")
    told = read_json(project / "s.json")
    assert told["model"] == "fraud-simulated:2"
    assert told["scored"] == told["rows"] == 10_000
    assert (project / "scores.csv").read_text().count("\n") == 10_001


@pytest.mark.slow
def test_what_its_label_listed_is_read_from_its_declaration(project):
    run(project, "lineage", "sentiment")  # mends the artifacts' absolute places
    version = find(project / ".vouch", "sentiment-tweets", "1")
    assert version.extracted.listed == ["negative", "neutral", "positive"]


@pytest.mark.slow
def test_versions_are_compared_traced_and_rolled_back(project):
    compared = run(project, "compare", "fraud-simulated:1", "fraud-simulated:2")
    assert "algorithm" in compared
    assert "another trial" in run(project, "lineage", "fraud")
    assert "champion is version 1" in run(project, "rollback", "fraud", "--why", "it was better")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("fraud-simulated", "vouch.register.served"),
        ("sentiment-tweets", "vouch.text.packaging"),
    ],
)
def test_mlflow_loads_it_by_the_name_it_was_registered_with(project, name, loader):
    state = project / ".vouch"
    # the artifacts' absolute places are mended when the project is opened
    run(project, "lineage", name.partition("-")[0])
    command = [sys.executable, "-c", LOAD, f"sqlite:///{state}/mlflow.db", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == loader
