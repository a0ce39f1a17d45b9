"""A few of `python -m benchmarks.kills`: killed commands come back by being run again."""

import pytest

from benchmarks.kills import Ground, attack


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_some_kills_lose_nothing(tmp_path):
    kills, faults = attack(
        Ground(tmp_path, rows=2000), ["promote", "collect", "enqueue", "add"], 8, seed=1, say=print
    )
    assert kills == 8 and faults == []
