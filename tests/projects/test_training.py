"""A run that brings a file: taken whole into the data, or input and data as they were."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.project import ENVIRONMENT
from vouch.core.errors import VouchError
from vouch.project.inputs import INPUTS, RAW, load_inputs
from vouch.project.request import Request
from vouch.project.training import train
from vouch.sources.manifest import load_manifest

HEADER = (
    "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest"
)
BAD = f"{HEADER}\n{'x,PAYMENT,many,C1,1,0,M1,0,0' + chr(10)}" * 3
DATA = ("data/bronze/fraud", "data/silver/fraud", "data/gold/fraud")
"""What a failing stage would have removed."""


@pytest.fixture
def root(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / "bad.csv").write_text(BAD)
    return Path()


def content(root):
    return {
        path: path.read_bytes() for folder in DATA for path in (root / folder).rglob("*.parquet")
    }


def test_a_file_on_which_ingest_fails_is_not_in_force(root):
    before, data = (root / INPUTS).read_text(), content(root)
    request = Request(usecase="fraud", source="paysim", path=Path("bad.csv"))
    with pytest.raises(VouchError, match="none of its"):
        train(root, request, Console(file=io.StringIO()))
    assert (root / INPUTS).read_text() == before and content(root) == data
    assert load_manifest(root / RAW / "paysim") == {}
    assert not list((root / ".vouch/trials").iterdir())


KILLED = """
import os
from pathlib import Path
from rich.console import Console
from vouch.project import training
from vouch.project.request import Request
training.update = lambda *_, **__: os._exit(9)
request = Request(usecase="fraud", source="paysim", path=Path("bad.csv"), as_of="2024-01-20")
training.train(Path(), request, Console())
"""


def test_a_run_killed_while_it_tried_a_file_is_undone_by_the_next(root):
    before = load_inputs(root / INPUTS)
    done = subprocess.run([sys.executable, "-c", KILLED], env=ENVIRONMENT, check=False)
    assert done.returncode == 9
    assert load_inputs(root / INPUTS).choice("fraud").source == "paysim"
    shutil.move("bad.csv", "gone.csv")
    console = Console(file=io.StringIO())
    outcomes = train(root, Request(usecase="fraud"), console)
    assert {outcome.status for outcome in outcomes} == {"unchanged"}
    assert load_inputs(root / INPUTS) == before
    assert "is out again" in console.file.getvalue()
