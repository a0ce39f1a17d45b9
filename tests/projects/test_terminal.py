import io

import pytest
from rich.console import Console

from vouch.core import terminal
from vouch.project import lines
from vouch.project.stages import STAGES
from vouch.project.versions import Outcome


def shown(stage, summary):
    """Return what the terminal shows of a stage."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    lines.tell(console, Outcome(stage, "fraud", "ran", 1.0, 0.0, summary))
    return console.file.getvalue()


def test_what_was_rejected_is_told_with_its_reason():
    summary = {"lines": 20, "rows": 2, "rejects": 18, "warnings": ["a.csv: 18 lines rejected (…)"]}
    assert shown("ingest", summary) == (
        "  ingest    ran          1.0 s  lines 20, rows 2, rejects 18\n"
        "            ! a.csv: 18 lines rejected (…)\n"
    )


def test_the_expectation_that_failed_is_named_and_its_name_is_no_markup():
    title = "[/b]\x1b[2J between 0 and 1: 3 rows (1.00%), quarantine"
    summary = {"counts": {"in": 300, "quarantine": 3}, "warnings": [title]}
    line, warning = shown("validate", summary).splitlines()
    assert line.endswith("in 300, quarantine 3")
    assert warning == "            ! [/b] between 0 and 1: 3 rows (1.00%), quarantine"


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
def test_every_stage_has_a_line(stage):
    assert shown(stage, {}).split() == [stage, "ran", "1.0", "s"]


def test_progress_shows_markup_of_a_message_as_it_is():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with terminal.working(console, "ingest") as progress:
        progress(1, 2, "parsing [/b]\x07.csv")
    assert "parsing [/b].csv" in console.file.getvalue()
