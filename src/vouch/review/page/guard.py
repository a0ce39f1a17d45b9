"""Checks before every page: who may call it, from where, and what the answer may do."""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vouch.core.requests import HEADERS, ambiguous, called_by, is_from_here

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script or style that lies in a page runs, whatever came into it from data."""
FILES = "/api/files"
"""Paths at which files of decisions are sent."""
LONGEST, LONGEST_FILE = 100_000, 20_000_000
"""Bytes of a request's body, at most."""


class Guard:
    """Let only the page's own requests through, and say what its answers may do.

    Attributes:
        app: The pages behind.
        hosts: The names, with ports, it may be called by.
        scheme: ``https`` where the browser speaks that.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], scheme: str = "http") -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.scheme = scheme

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = self._refusal(scope) or self.app
        await answer(scope, receive, self._secured(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not called_by(headers, self.hosts):
            return PlainTextResponse("unknown host", 421)
        if refusal := ambiguous(scope, headers):
            return refusal
        if not is_from_here(scope, headers, self.scheme):
            return PlainTextResponse("asked by another page", 403)
        return _too_long(headers, scope["path"])

    def _secured(self, send: Send) -> Send:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["X-Frame-Options"] = "DENY"
                headers["Content-Security-Policy"] = POLICY
                headers.setdefault("Cache-Control", "no-store")
                if self.scheme == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return with_headers


def _too_long(headers: Headers, path: str) -> Response | None:
    most = LONGEST_FILE if path.startswith(f"{FILES}/") else LONGEST
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers:
        return PlainTextResponse("say how long the body is", 411)
    if not length.isascii() or not length.isdigit() or int(length) > most:
        return PlainTextResponse(f"at most {most:,} bytes", 413)
    return None
