"""Logging in and out, and setting a password by a link."""

import re
from contextlib import suppress
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from vouch.core.errors import VouchError
from vouch.review.page.access import House, changing, house, logged_in
from vouch.review.people import SESSION, Login

router = APIRouter(include_in_schema=False)
At = Annotated[House, Depends(house)]
WRONG = "Name or password is wrong."
WAYS = re.compile(r"/(review|lead|admin)(/[\w.~%-]+)*", re.ASCII)
"""Pages to which logging in leads back."""
GONE = "This link does not work any more. Ask for a new one: vouch review add NAME"


def address(request: Request) -> str:
    """Return where a request came from."""
    return request.client.host if request.client else ""


def with_cookie(answer: Response, at: House, login: Login) -> Response:
    """Give a browser its session."""
    answer.set_cookie(
        at.cookie,
        login.cookie,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        secure=at.secure,
        samesite="strict",
        path="/",
    )
    return answer


def to_login(path: str) -> str:
    """Return the way to the login page, from which it goes on to where somebody wanted to be."""
    return f"/login?to={quote(path)}" if WAYS.fullmatch(path) else "/login"


@router.get("/health")
def health() -> Response:
    """Return that the page is up; it tells nothing else."""
    return Response("up", media_type="text/plain")


@router.get("/login")
def login_page(at: At, to: str = "") -> Response:
    """Return the page that asks for name and password."""
    return at.render("login.html", None, message="", to=_way(to))


def _way(to: str) -> str:
    """Return where logging in leads: a page of ours, whatever somebody wrote into a link."""
    return to if WAYS.fullmatch(to) else ""


@router.post("/login")
def log_in(
    request: Request,
    at: At,
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    to: Annotated[str, Form()] = "",
) -> Response:
    """Begin a session."""
    try:
        login = at.people.log_in(name, password, address(request))
    except VouchError as error:
        message = f"{error}: {error.hint}."
        return at.render("login.html", None, 429, message=message, to=_way(to))
    if login is None:
        return at.render("login.html", None, 401, message=WRONG, to=_way(to))
    return with_cookie(RedirectResponse(_way(to) or "/", 303), at, login)


@router.post("/logout", dependencies=[Depends(changing)])
def log_out(request: Request, at: At, login: Annotated[Login, Depends(logged_in)]) -> Response:
    """End a session, and give back what its person holds."""
    at.people.log_out(request.cookies.get(at.cookie, ""))
    with suppress(VouchError):  # a source that is wrong keeps nobody logged in
        for usecase in at.rooms.names():
            at.rooms.room(usecase).seats.release(login.person.name)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(at.cookie, path="/", httponly=True, samesite="strict", secure=at.secure)
    return answer


@router.get("/password/{token}")
def password_page(at: At, token: str) -> Response:
    """Return the page on which an invited person sets a password."""
    person = at.people.invited(token)
    if person is None:
        return at.render("message.html", None, 410, message=GONE)
    return at.render("password.html", None, person=person, message="")


@router.post("/password/{token}")
def set_password(at: At, token: str, password: Annotated[str, Form()]) -> Response:
    """Set a password, by which its person may log in from now on."""
    person = at.people.invited(token)
    if person is None:
        return at.render("message.html", None, 410, message=GONE)
    try:
        at.people.set_password(token, password)
    except VouchError as error:
        message = f"{error}: {error.hint}."
        return at.render("password.html", None, 409, person=person, message=message)
    return RedirectResponse("/login", 303)
