"""A better challenger that waits for a person, on a real registry."""

import pytest
from sqlalchemy import create_engine, text

from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import write_json
from vouch.holdout import blind
from vouch.registry.approval import approve, decisions, refuse, waiting
from vouch.registry.life import promote, rollback
from vouch.registry.promotions import champion_version, history
from vouch.registry.versions import find

NAME = "fraud-shop"


def register(project, gate="approval"):
    made = project.register(gate)
    write_json(project.root / "data/register/fraud/registration.json", made)
    return made["gate"]


def ask(project):
    return waiting(project.root / "data/register/fraud/registration.json", project.state)


def test_a_better_challenger_waits_and_a_person_promotes_it(project):
    gate = register(project)
    assert gate["better"] and not gate["promoted"] and "a person decides" in gate["reasons"][-1]
    asked = ask(project)
    assert (asked.name, asked.version, asked.champion) == (NAME, 1, None)
    approve(project.state, asked, "ada", "checked the flagged cases")
    (entry,) = history(project.state, NAME)
    assert (entry.kind, entry.who, entry.why) == ("manual", "ada", "checked the flagged cases")
    assert find(project.state, NAME, "champion").number == 1
    assert ask(project) is None
    approve(project.state, asked, "bob", "so do I")
    approvals = decisions(project.state, NAME, 1, asked.model_id)
    assert [(d["decision"], d["who"]) for d in approvals] == [
        ("approved", "ada"),
        ("approved", "bob"),
    ]
    assert len(history(project.state, NAME)) == 1
    assert register(project)["promoted"] and ask(project) is None


def test_who_keeps_the_champion_is_not_asked_about_that_version_again(project):
    register(project)
    entry = refuse(project.state, ask(project), "ada", "wait for May's data")
    assert (entry.version, entry.who) == (1, "ada")
    assert ask(project) is None and champion_version(project.state, NAME) is None
    other = project.with_seed(2)
    register(other)
    assert ask(other).version == 2


def test_a_champion_that_was_taken_back_is_not_asked_about_again(project):
    register(project)
    other = project.with_seed(2)
    register(other)
    promote(project.state, NAME, "1", "the first")
    approve(other.state, ask(other), "ada", "better")
    rollback(other.state, NAME, "too many complaints")
    assert champion_version(other.state, NAME) == 1 and ask(other) is None


@pytest.mark.parametrize("gate", ["enabled", "dry_run", "disabled"])
def test_no_other_gate_asks(project, gate):
    register(project, gate)
    assert ask(project) is None


def test_one_that_is_no_better_is_not_asked_about(project):
    project.changes["holdout"] = {"status": "refused", "reason": "spent"}
    gate = register(project)
    assert not gate["better"] and "promotes nothing" in gate["reasons"][-1]
    assert ask(project) is None


def test_a_champion_made_while_the_question_was_open_is_not_replaced(project):
    register(project)
    other = project.with_seed(2)
    register(other)
    asked = ask(other)
    promote(project.state, NAME, "1", "by hand")
    with pytest.raises(VouchError, match="1 became champion meanwhile"):
        approve(other.state, asked, "ada", "better")
    assert champion_version(project.state, NAME) == 1


@pytest.mark.parametrize(("who", "why"), [("", "why"), ("ada", " ")])
@pytest.mark.parametrize("decide", [approve, refuse])
def test_a_decision_has_a_name_and_a_reason(project, decide, who, why):
    register(project)
    with pytest.raises(VouchError, match="name and a reason"):
        decide(project.state, ask(project), who, why)
    assert ask(project) is not None


def test_the_same_decision_repeated_is_one(project):
    register(project)
    asked = ask(project)
    for _ in range(2):
        approve(project.state, asked, "ada", "better")
    assert [d["who"] for d in decisions(project.state, NAME, 1, asked.model_id)] == ["ada"]


@pytest.mark.parametrize("decide", [approve, refuse])
def test_another_model_of_a_number_that_was_decided_about_waits(project, decide):
    register(project)
    asked = ask(project)
    decide(project.state, asked, "ada", "why")
    tracking.client(project.state).delete_registered_model(NAME)
    other = project.with_seed(2)
    register(other)
    again = ask(other)
    assert again.version == asked.version == 1 and again.model_id != asked.model_id
    assert decisions(project.state, NAME, 1, again.model_id) == []


def test_refusals_of_an_older_store_hold(project):
    register(project)
    columns = "id INTEGER PRIMARY KEY, name VARCHAR, version INTEGER, who VARCHAR, why, at DATETIME"
    with create_engine(f"sqlite:///{project.state}/vouch.db").begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS refusals"))
        connection.execute(text(f"CREATE TABLE refusals ({columns})"))
        row = f"1, '{NAME}', 1, 'ada', 'no', '2024-01-01 00:00:00'"
        connection.execute(text(f"INSERT INTO refusals VALUES ({row})"))
    assert ask(project) is None


def test_while_blind_an_answer_promotes_nothing_and_is_not_written(project):
    register(project)
    asked = ask(project)
    blind.begin(project.state, "fraud", seen=True)
    with pytest.raises(VouchError, match="fraud-shop:1 is not promoted: fraud is blind since"):
        approve(project.state, asked, "ada", "checked the flagged cases")
    assert decisions(project.state, NAME, 1, asked.model_id) == []
    assert champion_version(project.state, NAME) is None
