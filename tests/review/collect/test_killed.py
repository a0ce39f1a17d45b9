"""Killed at any moment, collect has taken all or nothing, and nothing twice."""

import random
import subprocess
import time

import pytest

from tests.project import BIN, ENVIRONMENT, dvc, vouch
from vouch.review.collect.batch import recorded

KILLS = 20


@pytest.mark.slow
def test_twenty_kills_lose_and_double_nothing(desk):
    """Each of twenty files is collected until killed, and once more in the end."""
    files = [
        desk.answers([(case, "fraud", f"reviewer {n}") for case in desk.cases], f"{n}.csv")
        for n in range(KILLS)
    ]
    started = time.monotonic()
    assert vouch(desk.project, "collect", "fraud", str(files[0])).returncode == 0
    usual, luck, killed = time.monotonic() - started, random.Random(0), 0
    for file in files:
        command = [str(BIN / "vouch"), "collect", "fraud", str(file)]
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=desk.project, env=ENVIRONMENT)
        try:
            process.wait(usual * luck.uniform(0.5, 1.0))
            usual = time.monotonic() - started  # the machine has become faster
        except subprocess.TimeoutExpired:
            process.kill()
        killed += process.wait() < 0
        assert len(recorded(desk.reviews, "simulated")) % len(desk.cases) == 0
    assert killed > KILLS / 2
    for file in files:
        desk.collect(file)
    rows = recorded(desk.reviews, "simulated")
    assert len(rows) == KILLS * len(desk.cases)
    assert not rows.duplicated(["case", "actor"]).any()
    assert {file.name for file in desk.reviews.glob("*.parquet")} == {
        file.stem for file in desk.reviews.glob("*.dvc")
    }
    status = dvc(desk.project, "status", *map(str, desk.reviews.glob("*.dvc")))
    assert "up to date" in status.stdout
