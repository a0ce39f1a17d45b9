"""What the start page says of each use case."""

import json
from datetime import datetime, timedelta

import pytest

from tests.review.enqueue.conftest import make_case
from vouch.operate.home import failed, runs, section
from vouch.project.inputs import INPUTS, load_inputs
from vouch.review.flags import HASTY
from vouch.review.queue import Queue
from vouch.review.queue.seats import Said, Seats


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
    (need,) = shown(project).needs
    assert (need.command, need.link) == ("vouch run fraud", "/prefect/deployments")


def test_a_champion_keeps_its_figure_when_a_later_version_is_not_promoted(project):
    (before,) = (fact for fact in shown(project).facts if fact.label == "Champion")
    path = project / "data/register/fraud/registration.json"
    registered = json.loads(path.read_text())
    path.write_text(json.dumps(registered | {"version": registered["version"] + 1}))
    (after,) = (fact for fact in shown(project).facts if fact.label == "Champion")
    assert after == before and "Average precision 0." in after.note


def test_what_waits_for_a_lead_is_told_with_its_page(project):
    out, state = datetime(2026, 1, 1), project / ".vouch"
    cases = [make_case(n, classes=["genuine", "fraud"]) for n in range(HASTY + 2)]
    Queue(state, "fraud", "simulated").put([*cases, cases[0], cases[1]], out)
    assert values(shown(project))["Agreement"] == "–"
    moments = iter(out + timedelta(minutes=n) for n in range(100))
    seats = Seats(state, "fraud", "simulated", timedelta(hours=9), lambda: next(moments))
    for who, first in (("Ann", "fraud"), ("Bob", "genuine")):
        leases = {lease.case: lease for lease in seats.hand_out(who, len(cases) + 2)}
        for case, word in ((cases[0], first), (cases[1], "fraud")):
            seats.answer(who, leases[case.case].token, Said("decision", word), who)
        seats.release(who)
    hasty = Seats(state, "fraud", "simulated", timedelta(hours=9), lambda: out)
    for _ in range(HASTY):
        (lease,) = hasty.hand_out("Eve")
        hasty.answer("Eve", lease.token, Said("decision", "fraud"), "s")
    part = shown(project)
    assert " to " in values(part)["Agreement"]
    assert [(need.message, need.link, need.on_review_page) for need in part.needs] == [
        ("1 case waits for a lead: reviewers differ.", "/lead/fraud#conflicts", True),
        (
            f"Eve is flagged: {HASTY} decisions wait for a second person or a lead.",
            "/lead/fraud#people",
            True,
        ),
    ]
    seats.settle("Lea", cases[0].case, "fraud", "s")
    seats.clear("Eve", "Lea")
    assert shown(project).needs == []


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
