"""Passing a browser's requests on to Prefect and MLflow, with the secrets only servers know."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Container, Iterable
from contextlib import suppress

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Headers that are of one connection and not of the request."""
KEPT_BACK = HOP | {
    "authorization",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
}
"""Headers of a browser that no server behind needs: the gate has checked them."""
OURS = HOP | {
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "content-security-policy",
    "date",
    "referrer-policy",
    "server",
    "set-cookie",
    "x-frame-options",
}
"""Headers of a server behind that are ours to set."""
COOKIE = "prefect_ui_version"
"""The one cookie that goes on: which of its two pages Prefect shows."""
TIMEOUT = httpx.Timeout(10, read=300)
"""Seconds to connect and send, and between two pieces of an answer."""
RUNS_CODE = (
    "/mlflow/ajax-api/3.0/mlflow/assistant",
    "/mlflow/gateway",
    "/mlflow/api/2.0/mlflow/webhooks",
    "/mlflow/ajax-api/2.0/mlflow/webhooks",
    "/mlflow/ajax-api/2.0/mlflow/gateway-proxy",
    "/mlflow/ajax-api/3.0/jobs",
)
"""What of MLflow starts programs or calls other machines; nothing here uses it."""


class Upstream:
    """A server behind the pages.

    Attributes:
        base: How it is called: scheme, host and port.
        path: Returns its path for a path of ours.
        headers: Headers sent to it alone.
        client: The connections to it.
    """

    def __init__(
        self,
        base: str,
        path: Callable[[bytes], bytes],
        headers: dict[str, str],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base = httpx.URL(base)
        self.path = path
        self.headers = headers
        # this machine is never asked through a proxy of the environment
        self.client = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, transport=transport)

    async def ask(self, request: Request) -> httpx.Response:
        """Pass a request on, piece by piece; return the response with its body still unread."""
        raw = request.scope.get("raw_path") or request.url.path.encode()
        target = self.path(raw.split(b"?")[0])
        if query := request.scope["query_string"]:
            target += b"?" + query
        headers = [*passed(request.headers.items(), KEPT_BACK), *self.headers.items()]
        if "accept-encoding" not in request.headers:  # else the client would ask for its own
            headers.append(("accept-encoding", "identity"))
        if request.cookies.get(COOKIE, "").isalnum():
            headers.append(("cookie", f"{COOKIE}={request.cookies[COOKIE]}"))
        return await self.client.send(
            self.client.build_request(
                request.method,
                self.base.copy_with(raw_path=target),
                headers=headers,
                content=request.stream() if _has_body(request) else None,
            ),
            stream=True,
        )

    async def post(self, path: str, content: object) -> bytes:
        """Ask the server something of our own; return its answer.

        Raises:
            httpx.HTTPError: It does not answer, or refuses.
        """
        url = self.base.copy_with(raw_path=path.encode())
        answer = await self.client.post(url, json=content, headers=self.headers)
        return answer.raise_for_status().content


def prefect(port: int, secret: str) -> Upstream:
    """Reach Prefect: ours under ``/prefect/api`` is its ``/api``.

    Args:
        port: Where it listens.
        secret: What it asks for.
    """
    login = base64.b64encode(secret.encode()).decode()
    return Upstream(
        f"http://127.0.0.1:{port}",
        lambda path: path.removeprefix(b"/prefect") if _is_api(path) else path,
        {"Authorization": f"Basic {login}"},
    )


def mlflow(place: str) -> Upstream:
    """Reach MLflow at its socket, a file that only the project's owner can open.

    Args:
        place: The socket.
    """
    return Upstream("http://127.0.0.1", lambda path: path, {}, httpx.AsyncHTTPTransport(uds=place))


async def forward(upstream: Upstream, request: Request) -> Response:
    """Answer a request as the server behind does.

    Args:
        upstream: Which server.
        request: One that has passed the gate.

    Returns:
        The answer, streamed; 502 where the server behind does not answer.
    """
    if request.url.path.startswith(RUNS_CODE):
        return PlainTextResponse("not served here", 403)
    try:
        answer = await upstream.ask(request)
    except httpx.InvalidURL:
        return PlainTextResponse("odd address", 400)
    except UnicodeEncodeError:
        return PlainTextResponse("odd header", 400)
    except httpx.HTTPError as error:
        return PlainTextResponse(f"no answer from the server: {type(error).__name__}", 502)
    response = StreamingResponse(
        _pieces(answer), answer.status_code, background=BackgroundTask(answer.aclose)
    )
    response.raw_headers = [
        (name.lower().encode("latin-1"), _moved(upstream, name, value).encode("latin-1"))
        for name, value in passed(answer.headers.multi_items(), OURS)
    ]
    return response


async def ui_settings(upstream: Upstream, request: Request) -> Response:
    """Return settings that make Prefect's page ask us, who log in for it."""
    try:
        answer = await upstream.ask(request)
        settings = json.loads(await answer.aread())
    except (httpx.HTTPError, ValueError):
        return PlainTextResponse("no answer from the server", 502)
    settings |= {"api_url": f"http://{request.headers['host']}/prefect/api", "auth": None}
    return Response(json.dumps(settings), media_type="application/json")


def passed(headers: Iterable[tuple[str, str]], kept_back: Container[str]) -> list[tuple[str, str]]:
    """Return the headers that go on to the other side.

    Args:
        headers: Names and values.
        kept_back: Names, in lower case, that do not, beside those that ``Connection`` lists.
    """
    headers = list(headers)
    named = {
        word.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for word in value.split(",")
    }
    return [(n, v) for n, v in headers if n.lower() not in kept_back and n.lower() not in named]


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    # the part so far has been sent: a server that ends halfway ends the answer there
    with suppress(httpx.HTTPError):
        async for piece in answer.aiter_raw():
            yield piece


def _moved(upstream: Upstream, name: str, value: str) -> str:
    """Return a header's value with the server's own address made ours."""
    own = f"{upstream.base.scheme}://{upstream.base.netloc.decode()}"
    if name.lower() != "location" or not value.startswith(f"{own}/"):
        return value
    path = value.removeprefix(own)
    return f"/prefect{path}" if path.startswith("/api/") else path


def _is_api(path: bytes) -> bool:
    return path == b"/prefect/api" or path.startswith(b"/prefect/api/")


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers
