"""Projects to run things in."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.project import INSTALLED, copy_checkout, shrink, vouch
from vouch.engine import encoders

# how long an example takes is the machine's: speed belongs in benchmarks/
settings.register_profile("vouch", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("vouch")  # another: pytest --hypothesis-profile thorough


@pytest.fixture(scope="session")
def installed_encoders() -> Path:
    """The folder of the real encoders: a test that asks for it is skipped where there are none."""
    if not (INSTALLED / encoders.ARTIFACTS[0].name).is_dir():
        pytest.skip(f"no encoders in {INSTALLED}: make encoders")
    return INSTALLED


@pytest.fixture
def fresh_project(tmp_path: Path) -> Path:
    """A small project in which nothing has run."""
    project = copy_checkout(tmp_path / "project")
    shrink(project)
    return project


@pytest.fixture(scope="session")
def trained_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project after one bare run, made once for all processes: copy it, or read it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # beside the workers' own folders
        folder = folder.parent
    project, ready = folder / "trained/project", folder / "trained/ready"
    with FileLock(folder / "trained.lock"):
        if not ready.exists():
            shutil.rmtree(project, ignore_errors=True)
            shrink(copy_checkout(project))
            done = vouch(project, "run", "fraud", "--no-prefect")
            assert done.returncode == 0, done.stdout + done.stderr
            ready.touch()
    return project


@pytest.fixture
def project(trained_project: Path, tmp_path: Path) -> Path:
    """A copy of the trained project, to change as the test likes."""
    return Path(shutil.copytree(trained_project, tmp_path / "project", symlinks=True))
