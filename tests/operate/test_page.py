import pytest
from fastapi.testclient import TestClient

from tests.project import copy_checkout
from vouch.operate.page import app
from vouch.operate.record import Ports


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


@pytest.fixture
def client(root):
    return TestClient(app(root, Ports(prefect=1234)), base_url="http://127.0.0.1")


def test_it_links_what_is_there_and_only_that(client):
    page = client.get("/").text
    assert 'href="http://127.0.0.1:1234"' in page
    assert '"/fraud/report"' in page and '"/fraud/validation"' not in page
    assert '"/fraud/cases/2024-05-01.csv"' in page and "1 file waiting" in page
    assert "vouch run sentiment" in page
    assert client.get("/fraud/report").text == "the report"
    assert client.get("/fraud/cases/2024-05-01.csv").text == "case,entity"


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


def test_a_name_that_only_leads_here_is_refused(client):
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_a_broken_input_file_is_told_on_the_page(tmp_path):
    page = TestClient(app(tmp_path, Ports()), base_url="http://localhost").get("/")
    assert page.status_code == 200 and "no such file" in page.text
