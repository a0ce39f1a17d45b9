"""The checks before the servers, in process: foreign pages, names, paths, cookies, links."""

import base64
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from vouch.core import requests
from vouch.operate import fence, secret
from vouch.operate.fence import Fence, Gate

OWN = "http://vouch.test:8765"
SECRET = "vouch:right"
LOGIN = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}


async def reached(request):
    return PlainTextResponse("reached")


async def socket_reached(websocket):
    await websocket.accept()
    await websocket.close()


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BEHIND = Starlette(
    routes=[
        Route("/{path:path}", reached, methods=METHODS),
        WebSocketRoute("/{path:path}", socket_reached),
    ]
)


@pytest.fixture
def gate(tmp_path):
    return Gate(BEHIND, tmp_path, ["vouch.test:8765"], "vouch_8765")


@pytest.fixture
def stranger(gate):
    return TestClient(gate, base_url=OWN)


@pytest.fixture
def friend(gate, stranger):
    opened = stranger.get(f"/open?token={secret.new_link(gate.root)}", follow_redirects=False)
    assert opened.status_code == 303 and opened.headers["location"] == "/"
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
    return stranger


def test_the_link_lets_in_and_every_answer_is_hardened(friend):
    answer = friend.get("/prefect/")
    assert answer.text == "reached"
    for name, value in requests.HEADERS.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert friend.post("/x", headers={"origin": OWN}).text == "reached"
    same = {"origin": OWN, "sec-fetch-site": "same-origin"}
    assert friend.post("/x", headers=same).text == "reached"


@pytest.mark.parametrize("method", METHODS)
def test_without_a_session_only_health_answers(stranger, method):
    answer = stranger.request(method, "/prefect/api/flows", headers={"origin": OWN})
    assert answer.status_code == 401 and "reached" not in answer.text
    assert stranger.get("/health").text == "up"


def test_a_link_is_used_up_and_a_wrong_one_opens_nothing(gate, stranger):
    token = secret.new_link(gate.root)
    for wrong in ("", "x" * 43, token[:-1], token + "x", "../../x"):
        assert stranger.get("/open", params={"token": wrong}).status_code == 401
    assert stranger.head(f"/open?token={token}").status_code == 401
    assert stranger.post(f"/open?token={token}").status_code == 403
    first = stranger.get(f"/open?token={token}", follow_redirects=False)
    stranger.cookies.clear()
    assert first.status_code == 303
    assert stranger.get(f"/open?token={token}").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, '"', "; vouch_8765", "\\x00"])
def test_a_wrong_cookie_is_no_session(stranger, cookie):
    headers = {"cookie": f"vouch_8765={cookie}"}
    assert stranger.get("/prefect/", headers=headers).status_code == 401


def test_a_session_ends_in_time_and_with_the_process(gate, friend, monkeypatch):
    again = TestClient(
        Gate(BEHIND, gate.root, gate.hosts, gate.cookie), base_url=OWN, cookies=friend.cookies
    )
    assert again.get("/prefect/").status_code == 401
    now = fence.time.time()
    monkeypatch.setattr(fence.time, "time", lambda: now + fence.SESSION + 1)
    assert friend.get("/prefect/").status_code == 401


HOSTS = ["evil.example:8765", "vouch.test", "vouch.test:80", "127.0.0.1:8765", "vouch.test:8765.x"]


@pytest.mark.parametrize("host", [*HOSTS, ""])
def test_a_name_that_only_leads_here_is_refused(friend, host):
    for path in ("/prefect/", "/health", "/open?token=x"):
        assert friend.get(path, headers={"host": host}).status_code == 421


ORIGINS = [
    {},
    {"origin": "null"},
    {"origin": "http://evil.example"},
    {"origin": "http://vouch.test"},
    {"origin": "https://vouch.test:8765"},
    {"origin": "http://vouch.test:8765.evil.example"},
    {"origin": f"{OWN}, {OWN}"},
    {"origin": OWN, "sec-fetch-site": "cross-site"},
    {"origin": OWN, "sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", ORIGINS)
@pytest.mark.parametrize("method", METHODS[1:])
def test_another_page_changes_nothing(friend, method, headers):
    assert friend.request(method, "/prefect/api/x", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("mode", "dest", "status"),
    [
        ("navigate", "document", 200),
        ("navigate", "iframe", 403),
        ("no-cors", "script", 403),
        ("no-cors", "image", 403),
        ("cors", "empty", 403),
    ],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_may_lead_here_but_not_read(friend, mode, dest, status, site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    assert friend.get("/prefect/api/x", headers=headers).status_code == status


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"origin": OWN}, {}])
def test_no_websocket_opens(friend, headers):
    with (
        pytest.raises(WebSocketDisconnect),
        friend.websocket_connect(f"ws://{OWN[7:]}/prefect/api/events/in", headers=headers),
    ):
        pass


ODD = [
    "/prefect/../mlflow",
    "/prefect/%2e%2e/mlflow",
    "/prefect/.%2E/mlflow",
    "/prefect/./api",
    "/prefect//api",
    "//evil.example/",
    "/prefect%2fapi",
    "/prefect/%5C..%5cmlflow",
    "/prefect\\api",
    "/a%0d%0aX-Evil:1",
    "/a%00b",
    "/..",
]


def asked(app, raw, headers=()):
    """Ask with the path as it is: a client would mend it."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "query_string": b"",
        "headers": [(b"host", b"vouch.test:8765"), *headers],
    }
    coroutine = app(scope, receive, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return sent[0]["status"]


@pytest.mark.parametrize("path", ODD)
def test_a_path_that_can_be_read_in_two_ways_is_refused(gate, path):
    assert asked(gate, path.encode()) == 400
    assert asked(Fence(BEHIND, ["vouch.test:8765"], SECRET, "/health"), path.encode()) == 400


SERVERS = {
    "gate": lambda root, name: Gate(BEHIND, root, [name], "vouch_8765"),
    "fence": lambda root, name: Fence(BEHIND, [name], SECRET, "/health"),
}
TWO_LENGTHS = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"


@pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)
def test_a_body_that_ends_in_two_ways_is_refused_and_nothing_is_read_after_it(tmp_path, make):
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as thread:
        host, port = listening.getsockname()
        config = uvicorn.Config(make(tmp_path, f"{host}:{port}"), log_level="error")
        server = uvicorn.Server(config)
        thread.submit(server.run, [listening])
        with socket.create_connection((host, port), timeout=20) as connection:
            head = f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n"
            connection.sendall(f"{head}{TWO_LENGTHS}{head}\r\n".encode())
            answers = b"".join(iter(lambda: connection.recv(4096), b""))
        server.should_exit = True
    assert answers.startswith(b"HTTP/1.1 400 ") and answers.endswith(b"two lengths")
    assert answers.count(b"HTTP/1.1 ") == 1


@given(st.lists(st.sampled_from(["a", "b-c", "v1.2", "...x", "%20", "~", "@", ":"]), min_size=1))
def test_plain_paths_are_not_odd(parts):
    assert not requests.is_odd({"raw_path": b"/" + "/".join(parts).encode(), "path": "/"})


@given(st.binary(max_size=6), st.sampled_from(["..", "%2e.", "/", "%2f", "\\", "%5c", "\r\n"]))
def test_no_trick_gets_through_whatever_stands_around_it(around, trick):
    raw = b"/a/" + around.replace(b"?", b"") + b"/" + trick.encode() + b"/b"
    assert requests.is_odd({"raw_path": raw, "path": "/"})


@pytest.fixture
def server():
    return TestClient(
        Fence(BEHIND, ["127.0.0.1:4200"], SECRET, "/api/health"), base_url="http://127.0.0.1:4200"
    )


def test_holders_of_the_secret_reach_a_server(server):
    assert server.post("/api/flows", headers=LOGIN).text == "reached"
    assert server.get("/api/health").text == "reached"
    with server.websocket_connect("ws://127.0.0.1:4200/api/events/in"):
        pass


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Basic"}, 401),
        ({"Authorization": "Bearer " + LOGIN["Authorization"][6:]}, 401),
        ({"Authorization": "Basic " + base64.b64encode(b"vouch:wrong").decode()}, 401),
        (LOGIN | {"origin": "http://127.0.0.1:4200"}, 403),
        (LOGIN | {"origin": "http://evil.example"}, 403),
        (LOGIN | {"sec-fetch-site": "cross-site"}, 403),
        (LOGIN | {"host": "evil.example:4200"}, 421),
    ],
)
def test_nobody_else_does(server, headers, status):
    for method in METHODS:
        assert server.request(method, "/api/flows", headers=headers).status_code == status


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_a_foreign_websocket_does_not_open(server, headers):
    with (
        pytest.raises(WebSocketDisconnect),
        server.websocket_connect("ws://127.0.0.1:4200/api/events/in", headers=headers),
    ):
        pass
