"""The lead's page: what it shows, and what it changes."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.review.enqueue.conftest import make_case
from tests.review.page.conftest import STATE, logged_in
from vouch.review.capacity import Capacities
from vouch.review.flags import HASTY
from vouch.review.guidelines import guideline
from vouch.review.queue import Queue
from vouch.review.queue.seats import Seats

CASE = "fraud-000000000000"


@pytest.fixture
def seats(root):
    return Seats(root / STATE, "fraud", "simulated", timedelta(minutes=15))


@pytest.fixture
def differing(root, app, ann, seats):
    """Ann and Bob decide the first case, and differ."""
    ann.decide(ann.next(), "fraud")
    seats.ask_again(CASE)
    bob = logged_in(app, "Bob")
    while (case := bob.next()) and case["case"] != CASE:
        bob.decide(case, "genuine")
    bob.decide(case, "genuine")
    return bob


def seen(lea):
    return lea.get("/api/lead/fraud").json()


def test_a_lead_settles_a_conflict(differing, lea, seats, root):
    page = lea.get("/lead/fraud")
    assert page.status_code == 200 and CASE in page.text and "amount" in page.text
    (conflict,) = seen(lea)["conflicts"]
    assert conflict["votes"] == {"Ann": "fraud", "Bob": "genuine"}
    done = lea.change("/lead/fraud/settle", {"case": CASE, "word": "fraud", "known": "true"})
    assert (done.status_code, done.headers["location"]) == (303, "/lead/fraud?done=settle")
    assert seen(lea)["conflicts"] == [] and seats.gold() == {CASE: "fraud"}
    assert "Settled." in lea.get("/lead/fraud?done=settle").text
    (settled,) = (answer for answer in seats.standing() if answer.said.kind == "settled")
    assert (settled.person, settled.said.guideline) == ("Lea", guideline(root, "fraud").version)


def test_a_settled_case_is_not_a_known_one_by_itself(differing, lea, seats):
    told = lea.change("/api/lead/fraud/settle", json={"case": CASE, "word": "genuine"})
    assert told.json() == {"message": "Settled."} and seats.gold() == {}


def test_what_cannot_be_settled_is_named(lea, root):
    held = make_case(50, stream="holdout")
    Queue(root / STATE, "fraud", "simulated").put([held], datetime(2026, 1, 1))
    for case, word, message in (
        ("fraud-nobody", "fraud", "no such case"),
        (held.case, "fraud", "holdout"),
        (CASE, "perhaps", "one of genuine, fraud"),
    ):
        told = lea.change("/api/lead/fraud/settle", json={"case": case, "word": word})
        assert told.status_code == 409 and message in told.json()["error"]


def test_votes_on_the_holdout_are_seen_nowhere(app, ann, lea, root, seats):
    queue = Queue(root / STATE, "fraud", "simulated")
    queue.withdraw([f"fraud-{number:012x}" for number in range(6)])
    held = make_case(50, stream="holdout", scores=[], model="")
    queue.put([held], datetime(2026, 1, 1))
    seats.ask_again(held.case)
    ann.decide(ann.next(), "fraud")
    seats.ask_again(held.case)
    bob = logged_in(app, "Bob")
    bob.decide(bob.next(), "genuine")
    told = seen(lea)
    assert (told["conflicts"], told["people"], told["agreement"]) == ([], [], [])
    page = lea.get("/lead/fraud").text
    assert held.case not in page and "Nobody has decided anything yet." in page


def test_people_are_counted_and_compared(differing, lea):
    told = seen(lea)
    ann, bob = told["people"]
    assert (ann["name"], ann["today"], ann["week"]) == ("Ann", 1, 1)
    assert bob["today"] == 6 and bob["known"] == 0
    assert told["waiting"] == 0 and told["together"]["value"] is not None


def test_a_skipped_case_is_told_with_its_reason(ann, lea):
    ann.decide(ann.next(), None, kind="skip", comment="Not my field")
    (skip,) = seen(lea)["skips"]
    assert (skip["case"], skip["reasons"]) == (CASE, {"Ann": "Not my field"})
    assert "Not my field" in lea.get("/lead/fraud").text


def test_a_lead_gives_back_what_somebody_holds(app, ann, lea):
    case = ann.next()["case"]
    assert [one["person"] for one in seen(lea)["holdings"]] == ["Ann"]
    lea.change("/lead/fraud/release", {"person": "Ann"})
    assert seen(lea)["holdings"] == []
    assert logged_in(app, "Bob").next()["case"] == case


def test_a_settled_case_is_opened_again(differing, app, lea, seats):
    lea.change("/lead/fraud/settle", {"case": CASE, "word": "fraud", "known": "true"})
    (settled,) = seen(lea)["settled"]
    assert (settled["case"], settled["word"], settled["lead"]) == (CASE, "fraud", "Lea")
    ada = logged_in(app, "Ada")
    done = ada.change("/lead/fraud/unsettle", {"case": CASE})
    assert done.headers["location"] == "/lead/fraud?done=unsettle"
    told = seen(lea)
    assert (told["settled"], [one["case"] for one in told["conflicts"]]) == ([], [CASE])
    assert seats.gold() == {}
    again = lea.change("/api/lead/fraud/unsettle", json={"case": CASE})
    assert again.status_code == 409 and "no lead's word stands" in again.json()["error"]


def test_one_case_is_given_back_and_one_to_somebody_else(app, ann, lea):
    first = ann.next()["case"]
    held = {"person": "Ann", "case": first}
    page = lea.get("/lead/fraud").text
    assert f"Who shall have {first}" in page and '<option value="Bob">' in page
    done = lea.change("/lead/fraud/give", held | {"to": "bob"})
    assert done.headers["location"] == "/lead/fraud?done=give"
    assert [one["person"] for one in seen(lea)["holdings"]] == ["Bob"]
    assert logged_in(app, "Bob").next()["case"] == first
    for to, message in (("Nobody", "nobody of that name"), ("Lea", "does not hold it")):
        told = lea.change("/api/lead/fraud/give", json=held | {"to": to})
        assert told.status_code == 409 and message in told.json()["error"]
    theirs = held | {"person": "Bob"}
    assert lea.change("/api/lead/fraud/give-back", json=theirs).status_code == 200
    assert seen(lea)["holdings"] == []
    assert lea.change("/lead/fraud/release", theirs).status_code == 409


def test_what_is_left_of_today_is_told(app, ann, lea, root):
    Capacities(root / STATE).set_usual("Ann", 12)
    today = datetime.now(UTC).date()
    Capacities(root / STATE).set_days("Bob", today, today, 0)
    ann.decide(ann.next())
    loads = {one["name"]: one for one in seen(lea)["workloads"]}
    assert (loads["Ann"]["capacity"], loads["Ann"]["decided"]) == (12, 1)
    assert loads["Bob"]["back"] == str(today + timedelta(1)) and loads["Lea"]["capacity"] is None
    page = lea.get("/lead/fraud").text
    assert "11 <small>of 12</small>" in page and f"back on {today + timedelta(1)}" in page


def test_a_flag_is_told_and_lifted(ann, lea, seats):
    for _ in range(HASTY):
        ann.decide(ann.next())
    (work,) = seen(lea)["people"]
    assert [flag["kind"] for flag in work["flags"]] == ["fast"]
    assert work["flags"][0]["reason"] in lea.get("/lead/fraud").text
    lea.change("/lead/fraud/clear", {"person": "Ann"})
    (work,) = seen(lea)["people"]
    assert work["flags"] == [] and work["cleared_at"]
    assert seats.cleared()["Ann"].lead == "Lea"


def test_one_more_reviewer_is_asked(ann, lea):
    ann.decide(ann.next())
    ways = [lea.change("/lead/fraud/again", {"case": CASE}).headers["location"] for _ in "ab"]
    assert ways == ["/lead/fraud?done=again", "/lead/fraud?done=open"]
    told = lea.change("/api/lead/fraud/again", json={"case": "fraud-nobody"})
    assert told.status_code == 409


def test_hostile_words_are_shown_as_they_are(ann, lea):
    ann.decide(ann.next(), None, kind="skip", comment="<script>top.x=1</script>")
    page = lea.get("/lead/fraud").text
    assert "<script>top" not in page and "&lt;script&gt;" in page
