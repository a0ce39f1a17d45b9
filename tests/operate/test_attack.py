"""A real ``vouch up`` attacked as web pages and other users of the machine would."""

import json
import socket
import stat
import urllib.error

import httpx
import psutil
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.operate.serving import Up, wait_for
from tests.project import copy_checkout, shrink, vouch
from vouch.operate import processes, secret

pytestmark = pytest.mark.slow
EVIL = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def up(tmp_path_factory):

    project = copy_checkout(tmp_path_factory.mktemp("attacked") / "project")
    shrink(project)
    started = Up(project).ready()
    yield started
    assert started.stop() == 0 and processes.marked(project) == []


@pytest.fixture(scope="module")
def prefect(up):
    with httpx.Client(base_url=f"http://127.0.0.1:{up.ports[0]}", trust_env=False) as client:
        yield client


@pytest.fixture
def stranger(up):
    with httpx.Client(base_url=f"http://127.0.0.1:{up.ports[1]}", trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def friend(up):
    """A browser that opened the link, and asks as our own pages do."""
    link = httpx.URL(up.link())
    name = f"{link.host}:{link.port}"
    with httpx.Client(base_url=f"http://127.0.0.1:{up.ports[1]}", trust_env=False) as client:
        client.headers["Host"] = name
        opened = client.get(link.raw_path.decode())
        assert opened.status_code == 303
        client.headers["Cookie"] = opened.headers["set-cookie"].split(";")[0]
        client.headers["Origin"] = f"http://{name}"
        token = client.get("/prefect/api/csrf-token?client=page").json()["token"]
        client.headers.update({"Prefect-Csrf-Client": "page", "Prefect-Csrf-Token": token})
        yield client


def runs(up):
    return up.api("flow_runs/filter", {"limit": 200})


CHANGES = [
    ("POST", "/deployments/{id}/create_flow_run", {"job_variables": {"command": "touch owned"}}),
    ("POST", "/work_pools/", {"name": "mine", "type": "process"}),
    ("PATCH", "/work_pools/local", {"base_job_template": {}}),
    ("DELETE", "/deployments/{id}", None),
]


@pytest.fixture(scope="module")
def deployment(up):
    asked = {"deployments": {"name": {"any_": ["training-fraud"]}}}
    return up.api("deployments/filter", asked)[0]["id"]


@pytest.mark.parametrize(("method", "path", "content"), CHANGES)
def test_prefect_takes_nothing_from_a_foreign_page_a_foreign_name_or_without_the_secret(
    up, prefect, stranger, friend, deployment, method, path, content
):
    before = len(runs(up))
    path = f"/api{path.format(id=deployment)}"
    known = up.secret()
    wrong = {"Authorization": "Basic dm91Y2g6d3Jvbmc="}
    for headers in ({}, wrong, EVIL, known | EVIL, known | {"Host": "evil.example:4200"}, known):
        # the last one knows the secret but brings no CSRF token
        answer = prefect.request(method, path, json=content, headers=headers)
        assert answer.status_code in (401, 403, 421), (headers, answer.text)
    host = {"Host": "evil.example:8765"}
    own = {"Origin": str(friend.headers["Origin"])}
    for headers in ({}, EVIL, host, own, own | {"Cookie": "vouch_1=stale"}):
        answer = stranger.request(method, f"/prefect{path}", json=content, headers=headers)
        assert answer.status_code in (401, 403, 421), (headers, answer.text)
    answer = friend.request(method, f"/prefect{path}", json=content, headers=EVIL)
    assert answer.status_code == 403
    assert len(runs(up)) == before and not (up.project / "owned").exists()


@pytest.mark.parametrize(
    "variables",
    [
        {"command": "touch owned"},
        {"working_dir": "/"},
        {"env": {"PYTHONSTARTUP": "owned.py"}},
        {"stream_output": False},
        {"name": "x"},
    ],
)
def test_no_job_variable_is_taken_even_from_who_may_ask(up, friend, deployment, variables):
    def count():  # schedules make runs of other deployments meanwhile
        return sum(run["deployment_id"] == deployment for run in runs(up))

    before = count()
    content = {"state": {"type": "SCHEDULED"}, "job_variables": variables}
    path = f"deployments/{deployment}/create_flow_run"
    assert friend.post(f"/prefect/api/{path}", json=content).status_code in (409, 422)
    with pytest.raises(urllib.error.HTTPError) as error:
        up.api(path, content)
    assert error.value.code in (409, 422)
    assert count() == before


@pytest.mark.parametrize(
    "path",
    [
        "/mlflow/",
        "/mlflow/ajax-api/2.0/mlflow/experiments/create",
        "/prefect/api/flows/filter",
        "/prefect/ui-settings",
        "/fraud/report",
        "/",
    ],
)
def test_no_page_shows_anything_to_a_stranger(stranger, path):
    for method in ("GET", "POST"):
        for headers in ({}, EVIL, {"Host": "evil.example"}, {"Cookie": "vouch_8765=x"}):
            answer = stranger.request(method, path, headers=headers)
            assert answer.status_code in (401, 403, 421), (method, headers)


def test_mlflow_listens_nowhere_but_in_the_owners_folder(up, friend):
    found = [
        (process.pid, c.laddr)
        for process in processes.marked(up.project)
        for c in process.net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    ]
    assert {at.ip for _, at in found} == {"127.0.0.1"}
    # the worker listens for what its own runs say, with a token for each
    worker = up.servers()["worker"]
    assert {at.port for pid, at in found if pid != worker} == set(up.ports)
    assert stat.S_IMODE((up.project / ".prefect").stat().st_mode) == 0o700
    create = "/mlflow/ajax-api/2.0/mlflow/experiments/create"
    assert friend.post(create, json={"name": "evil"}, headers=EVIL).status_code == 403
    assert friend.post(create, json={"name": "mine"}).status_code == 200
    answer = friend.post(
        "/mlflow/ajax-api/2.0/mlflow/experiments/search", json={"max_results": 10}
    ).json()
    names = {experiment["name"] for experiment in answer["experiments"]}
    assert "mine" in names and "evil" not in names


def test_a_link_opens_once_and_a_wrong_one_never(up, stranger):
    link = httpx.URL(up.link())
    headers = {"Host": f"{link.host}:{link.port}"}
    path = link.raw_path.decode()
    assert stranger.get(path[:-1] + "~", headers=headers).status_code == 401
    assert stranger.get(path, headers={"Host": "evil.example"}).status_code == 421
    assert stranger.get(path, headers=headers).status_code == 303
    stranger.cookies.clear()
    assert stranger.get(path, headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_no_foreign_websocket_is_heard(up, friend, path):
    prefect, page = up.ports
    cookie = {"Cookie": friend.headers["Cookie"], "Host": friend.headers["Host"]}
    for url, origin, headers in (
        (f"ws://127.0.0.1:{prefect}{path}", "http://evil.example", {}),
        (f"ws://127.0.0.1:{page}/prefect{path}", "http://evil.example", cookie),
        (f"ws://127.0.0.1:{page}/prefect{path}", str(friend.headers["Origin"]), cookie),
    ):
        with (
            pytest.raises(WebSocketException),
            connect(url, origin=origin, additional_headers=headers, proxy=None),
        ):
            pass
    for token in ("vouch:wrong", None):
        with (
            connect(
                f"ws://127.0.0.1:{prefect}{path}", subprotocols=["prefect"], proxy=None
            ) as connection,
            pytest.raises(WebSocketException),
        ):
            connection.send(json.dumps({"type": "auth", "token": token}))
            connection.recv(timeout=20)


ODD = [
    b"GET /prefect/../mlflow/ HTTP/1.1",
    b"GET /prefect/%2e%2e/mlflow/ HTTP/1.1",
    b"GET //evil.example/ HTTP/1.1",
    b"GET /prefect/api%2fflows HTTP/1.1",
    b"GET /prefect/\\..\\mlflow HTTP/1.1",
    b"GET http://evil.example/ HTTP/1.1",
    b"GET /a%0d%0aSet-Cookie:%20a=b HTTP/1.1",
]


@pytest.mark.parametrize("line", ODD)
def test_odd_requests_are_refused_by_both(up, friend, line):
    for port, host, extra in (
        (up.ports[0], f"127.0.0.1:{up.ports[0]}", f"Authorization: {up.secret()['Authorization']}"),
        (up.ports[1], friend.headers["Host"], f"Cookie: {friend.headers['Cookie']}"),
    ):
        head = f"\r\nHost: {host}\r\n{extra}\r\nConnection: close\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(line + head)
            status = connection.recv(4096).split(b" ")[1]
        assert status in (b"400", b"404", b"421"), (port, status)
    doubled = f"GET / HTTP/1.1\r\nHost: {friend.headers['Host']}\r\nHost: evil.example\r\n\r\n"
    with socket.create_connection(("127.0.0.1", up.ports[1]), timeout=20) as connection:
        connection.sendall(doubled.encode())
        assert connection.recv(4096).split(b" ")[1] in (b"400", b"421")


def test_no_secret_stands_where_others_read(up):
    known = secret.current(up.project).removeprefix("vouch:")
    for process in processes.marked(up.project):
        assert known not in " ".join(process.cmdline())
    for place in up.project.rglob("*.log"):
        assert known not in place.read_text(errors="replace")
        assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0
    assert known not in up.said() and "token=" not in up.said()
    for name in (".vouch", ".prefect", ".vouch/links"):
        assert stat.S_IMODE((up.project / name).stat().st_mode) == 0o700


def test_the_honest_ways_work(up, friend, deployment):
    page = {"Accept": "text/html"}
    shown = friend.get("/prefect/", headers=page, follow_redirects=True)
    assert shown.status_code == 200 and "Prefect" in shown.text
    assert "MLflow" in friend.get("/mlflow/", headers=page).text
    told = friend.get("/prefect/ui-settings").json()
    assert told["auth"] is None and told["csrf_enabled"]
    assert told["api_url"] == f"{friend.headers['Origin']}/prefect/api"
    assert friend.get("/").status_code == 200
    started = friend.post(
        f"/prefect/api/deployments/{deployment}/create_flow_run",
        json={"state": {"type": "SCHEDULED"}, "parameters": {"request": {"usecase": "fraud"}}},
    )
    assert started.status_code in (200, 201), started.text
    assert wait_for(lambda: up.runs("training", "COMPLETED"))
    assert friend.get("/fraud/report").status_code == 200
    again = vouch(up.project, "run", "fraud")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(up.runs("training", "COMPLETED")) == 2
