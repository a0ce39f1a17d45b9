import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from vouch.operate import forward
from vouch.operate.page import app


async def echo(request):
    body = (await request.body()).decode()
    seen = [[k, v] for k, v in request.headers.items()]
    raw = request.scope["raw_path"].decode()
    told = {"path": raw, "query": request.url.query, "headers": seen, "body": body}
    answer = JSONResponse(told, 201)
    answer.headers["set-cookie"] = "vouch_1=stolen"
    answer.headers["access-control-allow-origin"] = "*"
    answer.headers["connection"] = "x-mine"
    answer.headers["x-mine"] = "1"
    answer.headers["x-kept"] = "1"
    return answer


async def away(request):
    return RedirectResponse("http://127.0.0.1:4200/api/flows/")


async def settings(request):
    return JSONResponse({"api_url": "http://127.0.0.1:4200/api", "auth": "BASIC", "flags": []})


BEHIND = Starlette(
    routes=[
        Route("/prefect/ui-settings", settings),
        Route("/api/away", away),
        Route("/{path:path}", echo, methods=["GET", "POST", "DELETE"]),
    ]
)


@pytest.fixture
def client(tmp_path):
    prefect = forward.prefect(4200, "vouch:right")
    prefect.client = httpx.AsyncClient(transport=httpx.ASGITransport(BEHIND))
    mlflow = forward.Upstream("http://127.0.0.1", lambda p: p, {}, httpx.ASGITransport(BEHIND))
    return TestClient(app(tmp_path, prefect, mlflow), base_url="http://vouch.test:8765")


def test_a_request_goes_on_with_the_secret_and_without_the_browsers_own_headers(client):
    kept_back = {
        "cookie": "vouch_8765=session; prefect_ui_version=v2",
        "origin": "http://vouch.test:8765",
        "referer": "http://vouch.test:8765/",
        "authorization": "Basic bWluZQ==",
        "x-forwarded-host": "evil.example",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
    }
    answer = client.post("/prefect/api/a%20b?c=%2F..&d", content=b"body", headers=kept_back)
    told = answer.json()
    sent = dict(told["headers"])
    assert answer.status_code == 201 and told["body"] == "body"
    assert (told["path"], told["query"]) == ("/api/a%20b", "c=%2F..&d")
    assert sent["authorization"] == "Basic dm91Y2g6cmlnaHQ="
    assert sent["host"] == "127.0.0.1:4200" and sent["cookie"] == "prefect_ui_version=v2"
    assert not {"origin", "referer", "x-forwarded-host", "x-hop"} & sent.keys()


def test_an_answer_comes_back_without_what_is_ours_to_set(client):
    headers = client.get("/prefect/api/x").headers
    assert headers["x-kept"] == "1"
    assert not {"set-cookie", "access-control-allow-origin", "x-mine"} & headers.keys()


def test_mlflow_learns_no_secret(client):
    told = client.get("/mlflow/ajax-api/2.0/mlflow/x").json()
    assert told["path"] == "/mlflow/ajax-api/2.0/mlflow/x"
    assert "authorization" not in dict(told["headers"])


def test_a_way_elsewhere_on_the_server_is_made_ours(client):
    answer = client.get("/prefect/api/away", follow_redirects=False)
    assert answer.headers["location"] == "/prefect/api/flows/"


def test_prefects_page_is_told_to_ask_us_without_a_login(client):
    told = client.get("/prefect/ui-settings").json()
    assert told == {"api_url": "http://vouch.test:8765/prefect/api", "auth": None, "flags": []}


@pytest.mark.parametrize("path", forward.RUNS_CODE)
def test_what_starts_programs_is_not_served(client, path):
    assert client.post(f"{path}/x").status_code == 403


def test_a_header_that_is_no_ascii_is_refused(client):
    assert client.get("/prefect/api/x", headers={b"x-odd": b"\xfc"}).status_code == 400


def test_an_answer_is_packed_only_where_the_asker_can_open_it(client):
    del client.headers["accept-encoding"]
    sent = dict(client.get("/prefect/api/x").json()["headers"])
    assert sent["accept-encoding"] == "identity"
    assert "gzip" in dict(
        client.get("/prefect/api/x", headers={"accept-encoding": "gzip"}).json()["headers"]
    ).get("accept-encoding")
