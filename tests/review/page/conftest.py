"""A project with cases and people, and its review page."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.project import copy_checkout
from tests.review.enqueue.conftest import make_case
from vouch.review.page.app import create
from vouch.review.people import People
from vouch.review.queue import Queue

HOST = "review.test"
PASSWORD = "correct horse battery"
STATE = ".vouch"


class Browser:
    """A browser that stays on our page, as people's do."""

    def __init__(self, app) -> None:
        self.client = TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)
        self.csrf = ""

    def get(self, path, **more):
        return self.client.get(path, **more)

    def post(self, path, data=None, **more):
        headers = {"Origin": f"http://{HOST}"} | more.pop("headers", {})
        return self.client.post(path, data=data, headers=headers, **more)

    def log_in(self, name, password=PASSWORD):
        answer = self.post("/api/login", json={"name": name, "password": password})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer

    def change(self, path, data=None, **more):
        return self.post(path, data, headers={"X-CSRF-Token": self.csrf}, **more)

    def next(self, usecase="fraud"):
        answer = self.change(f"/api/queues/{usecase}/next")
        return answer.json() if answer.status_code == 200 else None

    def decide(self, case, word="fraud", **more):
        given = {"token": case["token"], "case": case["case"], "word": word} | more
        return self.change("/api/queues/fraud/answers", json=given)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Make the project once for all tests of a file: passwords take long to hash."""
    root = copy_checkout(tmp_path_factory.mktemp("page") / "project")
    cases = [make_case(number, classes=["genuine", "fraud"]) for number in range(6)]
    Queue(root / STATE, "fraud", "simulated").put(cases, datetime(2026, 1, 1))
    people = People(root / STATE)
    for name, role in {"Ann": "reviewer", "Bob": "reviewer", "Lea": "lead", "Ada": "admin"}.items():
        people.set_password(people.add(name, role), PASSWORD)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project", symlinks=True))


@pytest.fixture
def app(root: Path):
    return create(root, root / STATE, [HOST])


@pytest.fixture
def browser(app):
    return Browser(app)


@pytest.fixture
def ann(app):
    browser = Browser(app)
    assert browser.log_in("Ann").status_code == 200
    return browser


def logged_in(app, name):
    browser = Browser(app)
    assert browser.log_in(name).status_code == 200
    return browser


@pytest.fixture
def lea(app):
    return logged_in(app, "Lea")


@pytest.fixture
def ada(app):
    return logged_in(app, "Ada")
