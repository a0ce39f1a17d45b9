"""Access control of the project's servers: checks before every one of them."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vouch.core.requests import HEADERS, ambiguous, called_by, is_from_here, is_safe
from vouch.operate.secret import TOKEN, take_link

SESSION = 12 * 3600.0
"""Seconds a browser may use the pages before it needs another link."""
POLICY = (
    "frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'; "
    "connect-src 'self' data: blob:"
)
"""The content policy of every page; our own pages add to it."""


class Fence:
    """Let through what holders of a secret ask, over the names a server is known by.

    For a server that programs use and browsers do not: whatever names an origin is refused. A
    websocket's secret comes in its first message, which the server behind checks.

    Attributes:
        app: The server behind.
        hosts: The names, with ports, it may be called by.
        expected: The header that carries the secret.
        open: Paths that tell nothing and need no secret.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], secret: str, open: str) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.expected = b"Basic " + base64.b64encode(secret.encode())
        self.open = open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await refuse(scope, receive, send, refusal)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not called_by(headers, self.hosts):
            return PlainTextResponse("unknown host", 421)
        if "origin" in headers or "sec-fetch-site" in headers:
            return PlainTextResponse("not for browsers: open vouch's own page", 403)
        if refusal := ambiguous(scope, headers):
            return refusal
        if scope["type"] == "websocket" or (scope["path"] == self.open and is_safe(scope)):
            return None
        credentials = headers.get("authorization", "").encode()
        if not hmac.compare_digest(credentials, self.expected):
            return PlainTextResponse("no or wrong secret", 401)
        return None


class Gate:
    """Let one person's browser in, by a link that works once.

    Attributes:
        app: The pages behind.
        root: The project's folder, whose links count.
        hosts: The names, with ports, the pages may be called by.
        cookie: The name of the cookie; another project's is another.
        sessions: When each session ends, by the digest of its cookie; lost with the process.
    """

    def __init__(self, app: ASGIApp, root: Path, hosts: Iterable[str], cookie: str) -> None:
        self.app = app
        self.root = root
        self.hosts = frozenset(hosts)
        self.cookie = cookie
        self.sessions: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif answer := self._answer(scope):
            await refuse(scope, receive, self._secured(send), answer)
        else:
            await self.app(scope, receive, self._secured(send))

    def _answer(self, scope: Scope) -> Response | None:
        """Return what the gate itself says; None for those who may pass."""
        headers = Headers(scope=scope)
        if refusal := self._refusal(scope, headers):
            return refusal
        if scope["path"] == "/health" and is_safe(scope):
            return PlainTextResponse("up")
        if scope["path"] == "/open" and scope["method"] == "GET":
            return self._open(Request(scope))
        return None if self._knows(headers) else _closed()

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return why nobody, with whatever cookie, may ask this."""
        if not called_by(headers, self.hosts):
            return PlainTextResponse("unknown host", 421)
        if scope["type"] != "http":
            return PlainTextResponse("no websockets here", 403)
        if refusal := ambiguous(scope, headers):
            return refusal
        if not is_from_here(scope, headers):
            return PlainTextResponse("asked by another page", 403)
        return None

    def _open(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        if len(token) != TOKEN or not take_link(self.root, token):
            return _closed()
        now = time.time()
        self.sessions = {k: ends for k, ends in self.sessions.items() if ends > now}
        value = secrets.token_urlsafe(32)
        self.sessions[_digest(value)] = now + SESSION
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self.cookie, value, max_age=int(SESSION), httponly=True, samesite="strict", path="/"
        )
        return answer

    def _knows(self, headers: Headers) -> bool:
        try:
            crumb = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return crumb is not None and self.sessions.get(_digest(crumb.value), 0) > time.time()

    def _secured(self, send: Send) -> Send:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", POLICY)
            await send(message)

        return with_headers


async def refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    """Send an answer in place of the server behind; a websocket is closed before it opens."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await answer(scope, receive, send)


def _closed() -> Response:
    page = (
        "<!doctype html><title>vouch</title><p>This page opens with a link that works once. "
        "In the project's folder: <code>vouch link</code><p><a href='/'>Try again</a>"
    )
    policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    return HTMLResponse(page, 401, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode(errors="replace")).hexdigest()
