"""``vouch collect`` by hand, beside what else is at work on the project."""

import io
import subprocess

from rich.console import Console

from tests.project import BIN, ENVIRONMENT
from vouch.project.training import alone


def test_decisions_are_not_collected_while_a_run_is_at_work(fresh_project):
    command = [str(BIN / "vouch"), "collect", "fraud"]
    with alone(fresh_project, Console(file=io.StringIO())):
        process = subprocess.Popen(
            command,
            cwd=fresh_project,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "waiting for it to end" in process.stderr.readline()
        assert process.poll() is None
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "0 new decisions" in out
