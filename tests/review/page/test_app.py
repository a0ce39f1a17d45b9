"""The review page: who gets in, what they see, and what is kept."""

import csv
import io
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from tests import postgres
from tests.project import copy_checkout
from tests.review.enqueue.conftest import make_case
from tests.review.page.conftest import HOST, PASSWORD, STATE, Browser, logged_in
from vouch.core import database
from vouch.core.database import ADDRESS
from vouch.review.page.app import create
from vouch.review.people import People
from vouch.review.queue import Queue
from vouch.review.queue.seats import Seats

ANSWER = "/review/fraud/answer"


def token_of(page):
    return re.search(r'name="token" value="([^"]+)"', page.text)[1]


def case_of(page):
    return re.search(r'data-case="([^"]+)"', page.text)[1]


def test_a_person_logs_in_decides_and_goes_on(browser):
    assert browser.get("/").headers["location"] == "/login"
    login = browser.post("/login", {"name": "Ann", "password": PASSWORD})
    assert (login.status_code, login.headers["location"]) == (303, "/")
    cookie = login.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    page = browser.get("/review/fraud")
    assert "genuine" in page.text and "fraud-000000000000" in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    given = {"csrf": csrf, "token": token_of(page), "case": case_of(page), "word": "fraud"}
    kept = browser.post(ANSWER, given | {"kind": "decision"}, headers={"HX-Request": "true"})
    assert "Saved." in kept.text and case_of(kept) == "fraud-000000000001"
    assert "<html" not in kept.text
    undone = browser.post("/review/fraud/undo", {"csrf": csrf}, headers={"HX-Request": "true"})
    assert "taken back" in undone.text and case_of(undone) == "fraud-000000000000"


def test_the_next_case_is_in_the_page_and_its_persons(app, ann):
    page = ann.get("/review/fraud").text
    ahead = page.partition('<template id="ahead">')[2]
    assert "fraud-000000000001" in ahead and "<details" not in ahead
    bob = logged_in(app, "Bob").get("/review/fraud")
    assert case_of(bob) == "fraud-000000000002"


def test_a_program_gets_the_next_case_with_its_answer(ann):
    first = ann.next()
    kept = ann.decide(first, next=True).json()
    assert kept["case"] == first["case"] and kept["next"]["case"] == "fraud-000000000001"
    assert ann.decide(kept["next"]).json()["next"] is None
    refused = ann.decide(first | {"token": "nonsense"}, next=True)
    assert refused.status_code == 409 and "not with you" in refused.json()["error"]


def test_the_page_works_without_scripts(ann):
    page = ann.get("/review/fraud")
    given = {"csrf": ann.csrf, "token": token_of(page), "case": case_of(page)}
    # as a browser sends it: the hidden fields first, then the button that was pressed
    body = "&".join(f"{name}={value}" for name, value in given.items())
    kept = ann.client.post(
        ANSWER,
        content=f"{body}&kind=decision&word=&word=genuine",
        headers={
            "Origin": f"http://{HOST}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    assert kept.headers["location"] == "/review/fraud"
    assert case_of(ann.get("/review/fraud")) == "fraud-000000000001"


def test_the_same_submit_twice_is_one_decision(ann, root):
    case = ann.next()
    first, second = ann.decide(case), ann.decide(case)
    assert first.json() == second.json()
    other = ann.decide(case, "genuine")
    assert other.status_code == 409 and "first answer" in other.json()["error"]


def test_two_people_never_get_one_case(app, ann):
    bob = Browser(app)
    bob.log_in("Bob")
    assert ann.next()["case"] != bob.next()["case"]
    assert bob.decide(ann.next()).status_code == 409


def test_what_cannot_be_taken_is_named(ann):
    case = ann.next()
    for more, message in (
        ({"word": "maybe"}, "one of genuine, fraud"),
        ({"kind": "skip", "word": None}, "no reason"),
        ({"comment": "steer\x1b[31m"}, "steers"),
    ):
        refused = ann.decide(case, **more)
        assert refused.status_code == 409 and message in refused.json()["error"]
    assert ann.decide(case | {"case": "fraud-nobody"}).status_code == 409
    assert ann.decide(case).status_code == 200


def test_a_link_sets_a_password_once(app, root, browser):
    link = People(root / STATE).add("Cem", "reviewer")
    assert "Cem" in browser.get(f"/password/{link}").text
    short = browser.post(f"/password/{link}", {"password": "short"})
    assert short.status_code == 409 and "12 to 256" in short.text
    assert browser.post(f"/password/{link}", {"password": PASSWORD}).status_code == 303
    assert browser.get(f"/password/{link}").status_code == 410
    assert browser.post(f"/password/{link}", {"password": PASSWORD}).status_code == 410
    assert browser.log_in("Cem").status_code == 200


def test_logging_out_gives_the_case_back(app, ann):
    case = ann.next()
    assert ann.change("/logout").status_code == 303
    assert ann.get("/api/queues").status_code == 401
    bob = Browser(app)
    bob.log_in("Bob")
    assert bob.next()["case"] == case["case"]


def walk(routes):
    """Yield routes, those of included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from walk(inner.routes) if inner else [route]


def routes(app):
    """Return every route: method, and path with its places filled."""
    return [
        (method, re.sub(r"{\w+}", "fraud", route.path))
        for route in walk(app.app.routes)
        for method in sorted(getattr(route, "methods", None) or ())
        if method != "HEAD"
    ]


def test_the_sweeps_have_every_kind_of_route(app):
    every = {path for _, path in routes(app)}
    starts = {"/health", "/login", "/review/fraud", "/api/queues", "/lead/fraud", "/api/lead/fraud"}
    assert starts | {"/admin", "/api/people", "/api/openapi.json"} <= every
    assert {"/admin/guidelines/fraud", "/api/guidelines/fraud"} <= every
    assert {path for path in every if path.startswith("/api/")} >= {
        re.sub(r"{\w+}", "fraud", path) for path in documented(app)
    }


def documented(app):
    from fastapi.openapi.utils import get_openapi

    return get_openapi(title="", version="", routes=app.app.routes)["paths"]


OPEN = {"/health", "/picture.css", "/login", "/password/fraud", "/api/login"}


def test_no_route_answers_without_login(app, browser):
    for method, path in routes(app):
        if path in OPEN:
            continue
        answer = browser.client.request(method, path, headers={"Origin": f"http://{HOST}"})
        assert answer.status_code in (401, 303), (method, path)
        if answer.status_code == 303:
            assert answer.headers["location"].split("?")[0] == "/login"


def test_logging_in_leads_back_to_where_somebody_wanted_to_be(browser):
    way = browser.get("/lead/fraud").headers["location"]
    assert way == "/login?to=/lead/fraud" and 'href="/lead/fraud"' in browser.get(way).text
    wrong = {"name": "Lea", "password": "wrong", "to": "/lead/fraud"}
    assert 'name="to" value="/lead/fraud"' in browser.post("/login", wrong).text
    done = browser.post("/login", wrong | {"password": PASSWORD})
    assert done.headers["location"] == "/lead/fraud"


@pytest.mark.parametrize(
    "to",
    [
        "//evil.test",
        "https://evil.test",
        "/lead//evil.test",
        "/lead/\\evil",
        "/password/x",
        "/lead/a?b",
    ],
)
def test_logging_in_leads_to_no_other_page(browser, to):
    assert "evil" not in browser.get("/login", params={"to": to}).text
    done = browser.post("/login", {"name": "Lea", "password": PASSWORD, "to": to})
    assert done.headers["location"] == "/"


def test_no_change_is_taken_without_its_token(app, ann):
    for method, path in routes(app):
        if method == "GET" or path in OPEN:
            continue
        for csrf in ("", "wrong", "x" * 43):
            answer = ann.post(path, headers={"X-CSRF-Token": csrf})
            assert answer.status_code == 403 and "CSRF" in answer.text, (method, path)


NEEDS = {"/lead": "lead", "/admin": "admin"}
NEEDS |= {"/api/lead": "lead", "/api/files": "lead", "/api/people": "admin"}
NEEDS |= {"/api/guidelines": "admin"}
"""The role that paths need which begin so."""


def role_of(path):
    return next((role for start, role in NEEDS.items() if path.startswith(start)), None)


@pytest.mark.parametrize("name", ["Ann", "Lea", "Ada"])
def test_no_route_answers_a_lower_role(app, name):
    browser = logged_in(app, name)
    may = {"Ann": (), "Lea": ("lead",), "Ada": ("lead", "admin")}[name]
    guarded = [(method, path) for method, path in routes(app) if role_of(path)]
    assert {role_of(path) for _, path in guarded} == {"lead", "admin"}
    headers = {"Origin": f"http://{HOST}", "X-CSRF-Token": browser.csrf}
    for method, path in guarded:
        answer = browser.client.request(method, path, headers=headers)
        refused = answer.status_code == 403 and f"for a {role_of(path)}" in answer.text
        assert refused == (role_of(path) not in may), (method, path, answer.status_code)


def test_only_those_who_may_see_the_way_to_a_page(ann, lea, ada):
    for browser, pages in ((ann, 0), (lea, 1), (ada, 2)):
        page = browser.get("/review/fraud").text
        assert sum(f'href="{path}"' in page for path in ("/lead", "/admin")) == pages


def test_no_other_page_may_ask(app, ann):
    for method, path in routes(app):
        if method == "GET":
            continue
        for headers in (
            {"Origin": "https://evil.test"},
            {"Origin": "null"},
            {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "cross-site"},
        ):
            headers["X-CSRF-Token"] = ann.csrf
            assert ann.client.post(path, headers=headers).status_code == 403, (method, path)
        assert ann.client.post(path, headers={"X-CSRF-Token": ann.csrf}).status_code == 403


def test_another_host_is_refused(app):
    client = TestClient(app, base_url="http://evil.test")
    assert client.get("/login").status_code == 421


def test_every_answer_has_its_policy(app, ann):
    for path in ("/login", "/review/fraud", "/static/review.js", "/nowhere", "/api/queues"):
        answer = ann.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"


def test_nothing_of_a_page_is_inline(ada):
    admins = ("/admin", "/admin/guidelines/fraud")
    for path in ("/login", "/review/fraud", "/", "/lead/fraud", *admins):
        page = ada.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", page)


@pytest.mark.parametrize("hostile", ["<script>top.x=1</script>", '"><img src=x onerror=x=1>'])
def test_hostile_texts_are_shown_as_they_are(app, root, ann, hostile):
    facts = {"text": hostile, hostile: hostile}
    case = make_case(99, facts=facts, reasons=[(hostile, 0.5)], out_at=datetime(2025, 1, 1))
    queue = Queue(root / STATE, "fraud", "simulated")
    queue.withdraw([f"fraud-{number:012x}" for number in range(6)])
    queue.put([case], datetime(2025, 1, 1))
    page = ann.get("/review/fraud").text
    assert hostile not in page and "&lt;" in page


def test_a_long_body_is_refused(ann):
    assert ann.change("/review/fraud/answer", {"comment": "x" * 200_000}).status_code == 413


def test_too_many_wrong_passwords_are_refused(browser):
    codes = {browser.log_in("Ann", "wrong password").status_code for _ in range(7)}
    assert codes == {401, 429}


def test_openapi_describes_the_api(ann):
    paths = ann.get("/api/openapi.json").json()["paths"]
    assert {"/api/login", "/api/queues", "/api/queues/{usecase}/answers"} <= set(paths)
    assert {"/api/lead/{usecase}", "/api/lead/{usecase}/settle", "/api/people"} <= set(paths)


@pytest.mark.skipif(bool(postgres.missing()), reason=postgres.missing())
def test_nul_is_refused_on_postgresql_too(tmp_path, monkeypatch):
    root = copy_checkout(tmp_path / "project")
    with postgres.server() as address:
        monkeypatch.setenv(ADDRESS, address)
        people = People(root / STATE)
        people.set_password(people.add("Ann", "reviewer"), PASSWORD)
        ann = Browser(create(root, root / STATE, [HOST]))
        assert ann.log_in("A\x00nn").status_code == 422
        assert ann.log_in("Ann").status_code == 200
        assert ann.decide({"token": "a\x00", "case": "b"}).status_code in (409, 422)
        assert ann.next() is None


def test_a_store_that_is_locked_is_said(root, monkeypatch):
    monkeypatch.setattr(database, "WAIT", 0.1)
    ann = Browser(create(root, root / STATE, [HOST]))
    ann.log_in("Ann")
    case = ann.next()
    with closing(sqlite3.connect(root / STATE / "vouch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = ann.decide(case)
    assert refused.status_code == 503 and "nothing was saved" in refused.json()["error"]
    assert ann.decide(case).status_code == 200


def test_a_case_that_was_chosen_anew_is_shown_as_it_stands(ann, root):
    first = ann.next()
    assert first["scores"] == [0.4, 0.6]
    queue = Queue(root / STATE, "fraud", "simulated")
    others = [case.case for case in queue.all()]
    queue.withdraw(others)
    changes = {"scores": [0.9, 0.1], "model": "fraud-simulated:2", "prediction": 0}
    (number,) = (n for n in range(6) if make_case(n).case == first["case"])
    queue.put([make_case(number, classes=["genuine", "fraud"], **changes)], datetime(2026, 1, 2))
    again = ann.next()
    assert (again["case"], again["scores"]) == (first["case"], [0.9, 0.1])
    assert again["model"] == "fraud-simulated:2"
    ann.decide(again)
    (answer,) = Seats(root / STATE, "fraud", "simulated", timedelta(minutes=5)).standing()
    assert answer.said.model == "fraud-simulated:2"


@pytest.fixture
def lea(app):
    lea = Browser(app)
    lea.log_in("Lea")
    return lea


def test_cases_go_out_and_decisions_come_in_as_files(lea, root):
    table = lea.get("/api/files/fraud/cases.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["case"] for row in rows] == [f"fraud-{number:012x}" for number in range(6)]
    tasks = lea.get("/api/files/fraud/cases.json").json()
    assert [task["data"]["case"] for task in tasks] == [row["case"] for row in rows]
    assert "<Choices" in lea.get("/api/files/fraud/interface.xml").text
    filled = f"case,decision,reviewer\n{rows[0]['case']},fraud,Bob\n"
    for _ in range(2):
        sent = lea.change("/api/files/fraud/decisions.csv", content=filled)
        assert sent.json()["answers"] == 1
    (path,) = (root / "data/inbox/fraud/reviews").iterdir()
    assert path.read_text() == filled


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "{", "\x00"])
def test_a_file_that_cannot_be_read_is_refused(lea, root, content):
    for suffix in ("csv", "json"):
        refused = lea.change(f"/api/files/fraud/decisions.{suffix}", content=content)
        assert refused.status_code == 409 and "/tmp" not in refused.text
    assert not (root / "data/inbox/fraud/reviews").exists()


def test_files_are_for_leads(ann):
    assert ann.get("/api/files/fraud/cases.csv").status_code == 403
    assert ann.change("/api/files/fraud/decisions.csv", content="x").status_code == 403
