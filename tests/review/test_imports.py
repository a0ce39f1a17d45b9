"""Each part of the review room can be imported first."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["people", "collect", "enqueue", "queue", "page.serve"])
def test_a_part_can_be_imported_first(module):
    done = subprocess.run(
        [sys.executable, "-c", f"import vouch.review.{module}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
