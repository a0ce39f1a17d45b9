"""What a browser's request is checked for before any page of ours answers it."""

import re

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

SAFE = ("GET", "HEAD")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ODD = re.compile(rb"//|\\|%2f|%5c|%00|%0a|%0d|[\x00-\x20\x7f-\xff]|(^|/)(\.|%2e){1,2}(/|$)", re.I)
"""Paths that two servers may read as two different ones."""


def is_odd(scope: Scope) -> bool:
    """Return whether a path could be read in two ways: dots, doubled or encoded slashes."""
    raw = scope.get("raw_path") or scope["path"].encode()
    return not raw.startswith(b"/") or ODD.search(raw.split(b"?")[0]) is not None


def ambiguous(scope: Scope, headers: Headers) -> Response | None:
    """Return the refusal of a request that two servers may read as two different ones."""
    if is_odd(scope):
        return PlainTextResponse("odd path", 400)
    # RFC 9112, 6.3: they may differ on where its body ends, and so on what follows it
    if "content-length" in headers and "transfer-encoding" in headers:
        return PlainTextResponse("two lengths", 400, {"Connection": "close"})
    return None


def called_by(headers: Headers, hosts: frozenset[str]) -> bool:
    """Return whether a request names one of the hosts and no other."""
    values = headers.getlist("host")
    return len(values) == 1 and values[0].lower() in hosts


def is_from_here(scope: Scope, headers: Headers, scheme: str = "http") -> bool:
    """Return whether our own page or the person at the browser asks, not another page.

    Another page may at most lead here: the cookie, which is strict, does not come along then.

    Args:
        scope: The request.
        headers: Its headers.
        scheme: ``https`` where the browser speaks that.
    """
    own = f"{scheme}://{headers['host'].lower()}"
    site = headers.get("sec-fetch-site", "none")
    if not is_safe(scope):
        return headers.getlist("origin") == [own] and site in ("same-origin", "none")
    leads = headers.get("sec-fetch-mode") == "navigate"
    is_page = leads and headers.get("sec-fetch-dest", "document") == "document"
    return headers.get("origin", own) == own and (site in ("same-origin", "none") or is_page)


def is_safe(scope: Scope) -> bool:
    """Return whether a request changes nothing."""
    return scope.get("method") in SAFE
