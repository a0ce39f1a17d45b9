"""The review page: people log in, get one case at a time, and decide it."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from vouch.core.database import open_database
from vouch.core.errors import VouchError
from vouch.metrics.agreement import in_words
from vouch.pages import formats
from vouch.review.capacity import Capacities
from vouch.review.guidelines import rendered
from vouch.review.page import admin, api, decide, doors, exchange, guidance, lead, words
from vouch.review.page.access import House, NotLoggedInError, house_of
from vouch.review.page.guard import Guard
from vouch.review.page.rooms import Rooms
from vouch.review.people import People
from vouch.review.queue.tables import Base

COOKIE = "vouch_review"
PROGRAMS = "/api/"
"""Paths that programs ask: they get JSON and no redirect."""


def create(
    root: Path, state: Path, hosts: Iterable[str], *, secure: bool = False, cookie: str = COOKIE
) -> Guard:
    """Make the page of a project.

    Args:
        root: The project's folder.
        state: The project's state folder.
        hosts: The names, with ports, it may be called by.
        secure: Whether browsers reach it by https.
        cookie: The name of the session's cookie.
    """
    app = FastAPI(
        title="vouch review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    pages = Environment(
        loader=PackageLoader("vouch.review.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else each request looks whether its templates changed
    )
    pages.filters |= {"plain": formats.plain, "words": formats.words, "kappa": in_words}
    pages.filters |= {"ago": words.ago, "share": words.share}
    pages.filters["markdown"] = lambda text: Markup(rendered(text))
    for name in pages.list_templates(["html"]):
        pages.get_template(name)  # else each of the first requests makes its own
    store = open_database(state, Base.metadata, serving=True)
    rooms, capacities = Rooms(root, state, store), Capacities(state, store=store)
    people = People(state, store=store)
    app.state.house = House(people, capacities, rooms, pages, secure, cookie)
    static = str(files("vouch.review.page") / "static")
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.mount("/style", StaticFiles(directory=str(files("vouch.pages") / "static")), name="style")
    drawn = files("vouch.review.picture") / "picture.css"

    @app.get("/picture.css", include_in_schema=False)
    def colours() -> FileResponse:
        return FileResponse(str(drawn), media_type="text/css")

    app.include_router(doors.router)
    app.include_router(api.router)
    app.include_router(exchange.router)
    app.include_router(decide.router)
    for part in (lead, guidance, admin):
        app.include_router(part.pages)
        app.include_router(part.api)
    _handle_errors(app)
    return Guard(app, hosts, "https" if secure else "http")


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(NotLoggedInError)
    def log_in_first(request: Request, _error: Exception) -> Response:
        if request.url.path.startswith(PROGRAMS):
            return JSONResponse({"error": "log in first: POST /api/login"}, 401)
        if request.method == "GET":
            return RedirectResponse(doors.to_login(request.url.path), 303)
        answer = house_of(request).render("message.html", None, 401, message="You are logged out.")
        answer.headers["HX-Redirect"] = "/login"
        return answer

    @app.exception_handler(VouchError)
    def refused(request: Request, error: VouchError) -> Response:
        return _message(request, 409, f"{error} ({error.hint})" if error.hint else str(error))

    @app.exception_handler(HTTPException)
    def failed(request: Request, error: HTTPException) -> Response:
        return _message(request, error.status_code, str(error.detail))

    @app.exception_handler(DataError)
    def unstorable(request: Request, _error: DataError) -> Response:
        return _message(request, 422, "a character that no database keeps, such as NUL")

    @app.exception_handler(OperationalError)
    def unreachable(request: Request, _error: OperationalError) -> Response:
        return _message(request, 503, "the store does not answer: nothing was saved, try again")

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        places = [".".join(map(str, problem["loc"])) for problem in error.errors()]
        return _message(request, 422, f"not understood: {', '.join(places)}")


def _message(request: Request, status: int, message: str) -> Response:
    if request.url.path.startswith(PROGRAMS):
        return JSONResponse({"error": message}, status)
    return house_of(request).render("message.html", None, status, message=message)
