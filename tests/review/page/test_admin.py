"""The admin's page: people come, change roles, and go."""

import re
from datetime import UTC, datetime, timedelta

from tests.review.page.conftest import HOST, PASSWORD, Browser, logged_in


def test_an_admin_adds_somebody_by_a_link_shown_once(app, ada, browser):
    page = ada.change("/admin/add", {"name": "Cem <b>", "role": "reviewer"})
    link = re.search(rf"http://{HOST}(/password/[\w-]+)", page.text)[1]
    assert page.status_code == 200 and "Cem &lt;b&gt;" in page.text and "<b>" not in page.text
    assert link not in ada.get("/admin").text
    assert browser.post(link, {"password": PASSWORD}).status_code == 303
    assert browser.log_in("cem <b>").json()["role"] == "reviewer"


def test_a_role_holds_from_the_next_request_on(app, ada):
    bob = logged_in(app, "Bob")
    assert bob.get("/lead/fraud").status_code == 403
    assert ada.change("/admin/role", {"name": "Bob", "role": "lead"}).status_code == 303
    assert bob.get("/lead/fraud").status_code == 200


def test_who_is_removed_is_out_at_once(app, ada):
    bob = logged_in(app, "Bob")
    ada.change("/admin/remove", {"name": "Bob"})
    assert bob.get("/api/queues").status_code == 401
    assert Browser(app).log_in("Bob").status_code == 401
    assert "removed" in ada.get("/admin").text


def test_the_last_admin_cannot_go(ada):
    for path, data in (
        ("/admin/remove", {"name": "Ada"}),
        ("/admin/role", {"name": "Ada", "role": "lead"}),
        ("/admin/add", {"name": "Ada", "role": "lead"}),
    ):
        told = ada.change(path, data)
        assert told.status_code == 409 and "last admin" in told.text
    assert ada.change("/api/people/remove", json={"name": "Ada"}).status_code == 409


def test_people_as_json(ada, lea):
    made = ada.change("/api/people", json={"name": "Cem", "role": "lead"}).json()
    assert made["role"] == "lead" and f"http://{HOST}/password/" in made["link"]
    ada.change("/api/people/role", json={"name": "Cem", "role": "reviewer"})
    ada.change("/api/people/remove", json={"name": "Bob"})
    people = {one["name"]: one for one in ada.get("/api/people").json()}
    assert people["Cem"]["role"] == "reviewer" and not people["Cem"]["has_password"]
    assert people["Bob"]["disabled"] and people["Lea"]["seen_at"]
    assert ada.change("/api/people", json={"name": "Cem", "role": "king"}).status_code == 422


def test_an_admin_notes_what_people_can_decide(ada):
    today = datetime.now(UTC).date()
    assert ada.change("/admin/capacity", {"name": "Ann", "cases": "40"}).status_code == 303
    away = {"name": "Bob", "first": str(today), "last": str(today + timedelta(3)), "cases": "0"}
    assert ada.change("/admin/days", away).status_code == 303
    page = ada.get("/admin").text
    assert 'value="40"' in page and "away" in page and str(today + timedelta(3)) in page
    people = {one["name"]: one["capacity"] for one in ada.get("/api/people").json()}
    assert (people["Ann"], people["Bob"]) == (40, None)
    (days,) = ada.get("/api/people/days").json()
    assert days == {"person": "Bob", "first": str(today), "last": away["last"], "cases": 0}
    ada.change("/admin/days", {k: v for k, v in away.items() if k != "cases"})
    ada.change("/admin/capacity", {"name": "Ann", "cases": ""})
    assert ada.get("/api/people/days").json() == []
    assert {one["capacity"] for one in ada.get("/api/people").json()} == {None}


def test_a_capacity_that_cannot_be_is_named(ada):
    for path, content in (
        ("capacity", {"name": "Nobody", "cases": 1}),
        ("days", {"name": "Ann", "first": "2026-05-02", "last": "2026-05-01", "cases": 0}),
        ("days", {"name": "Ann", "first": "2026-05-02", "last": "2029-05-01", "cases": 0}),
    ):
        assert ada.change(f"/api/people/{path}", json=content).status_code == 409, content
        assert ada.change(f"/admin/{path}", content).status_code == 409, content
    wrong = {"name": "Ann", "cases": -1}
    assert ada.change("/api/people/capacity", json=wrong).status_code == 422
