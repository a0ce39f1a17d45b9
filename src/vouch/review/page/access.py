"""Who asks for a page, and what they may do."""

import hmac
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment
from starlette.exceptions import HTTPException

from vouch.review.capacity import Capacities
from vouch.review.page.rooms import Rooms
from vouch.review.people import Login, People, Role

CSRF = "X-CSRF-Token"


@dataclass(frozen=True)
class House:
    """What every page needs.

    Attributes:
        people: Who may log in.
        capacities: How many cases each can decide.
        rooms: The queues.
        pages: The templates.
        secure: Whether the browser speaks https.
        cookie: The name of the session's cookie; another project's is another.
    """

    people: People
    capacities: Capacities
    rooms: Rooms
    pages: Environment
    secure: bool
    cookie: str

    def render(self, name: str, login: Login | None, status: int = 200, **shown: Any) -> Response:
        """Return a page."""
        template = self.pages.get_template(name)
        return HTMLResponse(template.render(login=login, **shown), status)


class NotLoggedInError(Exception):
    """Nobody is logged in, or not for long enough."""


def house_of(request: Request) -> House:
    """Return what the page of a request needs."""
    made: House = request.app.state.house
    return made


async def house(request: Request) -> House:
    """Return :func:`house_of` without a thread of its own."""
    return house_of(request)


def logged_in(request: Request) -> Login:
    """Return who asks.

    Raises:
        NotLoggedInError: Nobody who is known.
    """
    at = house_of(request)
    # an open page asks by itself: that keeps its cases, and nobody logged in
    by_hand = not request.url.path.endswith("/renew")
    login = at.people.known(request.cookies.get(at.cookie, ""), by_hand=by_hand)
    if login is None:
        raise NotLoggedInError
    return login


async def changing(request: Request, login: Annotated[Login, Depends(logged_in)]) -> None:
    """Check that our own page sends this change, which no other page can read the token of.

    Raises:
        HTTPException: It does not carry the session's token.
    """
    sent = request.headers.get(CSRF, "")
    if not sent and request.headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        sent = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(sent.encode(errors="replace"), login.csrf.encode()):
        raise HTTPException(403, "no or wrong CSRF token: load the page again")


def at_least(role: Role) -> Any:
    """Return a dependency that lets through only people of a role or a higher one."""

    async def check(login: Annotated[Login, Depends(logged_in)]) -> Login:
        if not login.person.may(role):
            raise HTTPException(403, f"for a {role}; you are a {login.person.role}")
        return login

    return Depends(check)
