"""The scoring flow on real files, without a server."""

import pandas as pd
import pytest

from flows.scoring import scoring
from tasks.score import score
from tests.project import vouch
from vouch.core.errors import VouchError
from vouch.operate import folders
from vouch.project.request import Scoring


def test_a_file_that_cannot_be_scored_keeps_no_other_from_it(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setattr("flows.scoring.score", score.fn)
    monkeypatch.setattr(folders, "REST", 0.0)
    inbox = project / "data/inbox/fraud/score"
    inbox.mkdir(parents=True)
    (inbox / "a.csv").write_text("nonsense\n1\n")
    (inbox / "aa.csv").symlink_to("/proc/self/mem")  # which nobody can read
    made = vouch(project, "simulate", "payments", "--rows", "10000", "--out", str(inbox / "b.csv"))
    assert made.returncode == 0, made.stderr
    with pytest.raises(VouchError, match="column"):
        scoring.fn(Scoring(usecase="fraud", model="challenger"))
    scores = project / "data/outbox/fraud/scores"
    assert len(pd.read_csv(scores / "b.csv")) == 10_000
    assert [path.name for path in scores.glob("*.csv")] == ["b.csv"]
    assert "column" in (inbox / "a.csv.error.txt").read_text()
    assert (inbox / "aa.csv.error.txt").exists() and not (inbox / "b.csv.error.txt").exists()
    before = (scores / "b.csv").stat().st_mtime_ns
    (scores / ".b.csv.json").write_text("{")  # that it was scored is known no more
    (inbox / "a.csv").unlink()
    (inbox / "aa.csv").unlink()
    assert len(scoring.fn(Scoring(usecase="fraud", model="challenger"))) == 1
    assert (scores / "b.csv").stat().st_mtime_ns > before
    assert scoring.fn(Scoring(usecase="fraud", model="challenger")) == []
    assert [path.name for path in inbox.iterdir()] == ["b.csv"]
