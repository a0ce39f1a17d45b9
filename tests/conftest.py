"""Projects to run things in."""

import shutil
from pathlib import Path

import pytest

from tests.project import copy_checkout, shrink, vouch


@pytest.fixture
def fresh_project(tmp_path: Path) -> Path:
    """A small project in which nothing has run."""
    project = copy_checkout(tmp_path / "project")
    shrink(project)
    return project


@pytest.fixture(scope="session")
def trained_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project after one bare run: read it, or copy it before changing it."""
    project = copy_checkout(tmp_path_factory.mktemp("trained") / "project")
    shrink(project)
    done = vouch(project, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def project(trained_project: Path, tmp_path: Path) -> Path:
    """A copy of the trained project, to change as the test likes."""
    return Path(shutil.copytree(trained_project, tmp_path / "project", symlinks=True))
