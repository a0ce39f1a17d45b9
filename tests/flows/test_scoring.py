"""The scoring flow on real files, without a server."""

import pandas as pd
import pytest

from flows.scoring import scoring
from tasks.score import score
from tests.project import vouch
from vouch.core.errors import VouchError
from vouch.project.request import Scoring


def test_a_file_that_cannot_be_scored_keeps_no_other_from_it(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setattr("flows.scoring.score", score.fn)
    inbox = project / "data/inbox/fraud/score"
    inbox.mkdir(parents=True)
    (inbox / "a.csv").write_text("nonsense\n1\n")
    made = vouch(project, "simulate", "payments", "--rows", "10000", "--out", str(inbox / "b.csv"))
    assert made.returncode == 0, made.stderr
    with pytest.raises(VouchError, match="column"):
        scoring.fn(Scoring(usecase="fraud", model="challenger"))
    scores = project / "data/outbox/fraud/scores"
    assert len(pd.read_csv(scores / "b.csv")) == 10_000
    assert not (scores / "a.csv").exists()
