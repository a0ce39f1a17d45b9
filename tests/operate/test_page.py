from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from tests.browser import check_layout
from tests.project import copy_checkout
from tests.review.enqueue.conftest import make_case
from vouch.operate import forward
from vouch.operate.page import app
from vouch.operate.record import Ports, Record
from vouch.review.queue import Queue
from vouch.review.queue.seats import Said, Seats


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    project = copy_checkout(tmp_path_factory.mktemp("page") / "project")
    for name, content in (
        ("data/report/fraud/report.html", "the report"),
        ("data/outbox/fraud/cases/2024-05-01.csv", "case,entity"),
        ("data/inbox/fraud/reviews/<b>.csv", ""),
        ("data/gold/fraud/holdout.sealed", "secret"),
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    return project


def pages(root):
    return TestClient(app(root, forward.prefect(1, "no one"), forward.mlflow("nowhere.sock")))


@pytest.fixture
def client(root):
    return pages(root)


def test_it_links_what_is_there_and_only_that(client):
    page = client.get("/").text
    assert 'href="/prefect/"' in page and 'href="/mlflow/"' in page
    assert '"/fraud/report"' in page and '"/fraud/validation"' not in page
    assert '"/fraud/cases/2024-05-01.csv"' in page and "1 file waiting" in page
    assert "vouch run sentiment" in page
    assert client.get("/fraud/report").text == "the report"
    assert client.get("/fraud/cases/2024-05-01.csv").text == "case,entity"


def test_what_a_lead_settles_links_the_review_page(root):
    state, case = root / ".vouch", make_case()
    Queue(state, "fraud", "simulated").put([case, case], datetime(2026, 1, 1))
    seats = Seats(state, "fraud", "simulated", timedelta(hours=1))
    for who, word in (("Ann", "fraud"), ("Bob", "genuine")):
        (lease,) = seats.hand_out(who)
        seats.answer(who, lease.token, Said("decision", word), "s")
    message = "1 case waits for a lead: reviewers differ."
    assert f"{message}</a>" not in pages(root).get("/").text  # no page is up to be linked
    Record.of_this_process(Ports()).save(root)
    try:
        page = pages(root).get("/").text
    finally:
        (root / ".prefect/up.json").unlink()
    assert f'<a href="http://127.0.0.1:8766/lead/fraud#conflicts">{message}</a>' in page


@pytest.mark.parametrize(
    "path",
    [
        "/fraud/validation",
        "/fraud/gold",
        "/none/report",
        "/fraud/cases/none.csv",
        "/fraud/cases/..%2F..%2F..%2Fgold%2Ffraud%2Fholdout.sealed",
        "/..%2Fgold%2Ffraud/report",
        "/fraud/scores/.hidden",
    ],
)
def test_nothing_else_is_given(client, path):
    assert client.get(path).status_code == 404


def test_what_a_report_brings_along_does_not_run(client):
    assert client.get("/fraud/report").headers["content-security-policy"].startswith("sandbox;")
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert client.get("/style/page.css").status_code == 200


@pytest.mark.parametrize("path", ["/prefect/dashboard", "/mlflow/", "/prefect/ui-settings"])
def test_a_server_that_is_not_there_is_told(client, path):
    assert client.get(path).status_code == 502


def test_it_says_which_use_case_is_blind(tmp_path):
    project = copy_checkout(tmp_path / "project")
    inputs = project / "data/inputs.yaml"
    inputs.write_text(inputs.read_text().replace("blind: null", "blind: 0123456789ab", 1))
    page = pages(project).get("/").text
    assert page.count("Blind</strong> (period <code>0123456789ab</code>)") == 1
    assert "vouch blind status fraud" in page and "vouch blind status sentiment" not in page


def test_a_broken_input_file_is_told_on_the_page(tmp_path):
    page = pages(tmp_path).get("/")
    assert page.status_code == 200 and "no such file" in page.text


def test_it_is_readable_at_every_width(client, tmp_path):
    assert check_layout(client.get("/").text, tmp_path) == 0
