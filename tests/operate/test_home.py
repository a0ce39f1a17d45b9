"""What the start page says of each use case."""

import json
from datetime import datetime

import pytest

from tests.review.enqueue.conftest import make_case
from vouch.operate.home import failed, runs, section
from vouch.project.inputs import INPUTS, load_inputs
from vouch.review.queue import Queue


def shown(root):
    return section(root, "fraud", load_inputs(root / INPUTS).choice("fraud"))


def values(part):
    return {fact.label: fact.value for fact in part.facts}


def test_it_tells_how_a_trained_use_case_stands(project):
    Queue(project / ".vouch", "fraud", "simulated").put(
        [make_case(out_at=datetime(2026, 1, 2, 3, 4))], datetime(2026, 1, 2, 3, 4)
    )
    part = shown(project)
    facts = values(part)
    assert facts["Champion"] == "version 1"
    champion = next(fact for fact in part.facts if fact.label == "Champion")
    assert "Average precision 0." in champion.note and "by the gate" in champion.note
    assert " of " in facts["Questions left"] and facts["Cases waiting"] == "1"
    assert next(fact for fact in part.facts if fact.label == "Cases waiting").note.endswith("03:04")
    assert int(facts["Rows"].replace(",", "")) > 10_000 and facts["Set aside"].isdigit()
    assert part.needs == [] and "report" in part.pages


def test_what_never_ran_asks_to_be_run(project):
    (project / "data/register/fraud/registration.json").unlink()
    assert [need.command for need in shown(project).needs] == ["vouch run fraud"]


@pytest.mark.parametrize("name", ["register/fraud/registration", "evaluate/fraud/evaluation"])
def test_what_cannot_be_read_is_named(project, name):
    path = project / f"data/{name}.json"
    path.write_text("{")
    assert any(str(path) in need.message for need in shown(project).needs)


def test_the_newest_run_of_a_name_that_failed_needs_somebody():
    listed = [("intake fraud", "Failed"), ("scoring", "Completed"), ("scoring", "Crashed")]
    answer = [
        {"id": str(n), "name": name, "state_name": state, "start_time": "2026-01-02T03:04:05Z"}
        for n, (name, state) in enumerate(listed)
    ]
    (need,) = failed(runs(json.dumps(answer).encode()))
    assert need.message == "intake fraud failed on 2 Jan 2026 03:04."
    assert need.link == "/prefect/runs/flow-run/0"
