"""The page's work for programs: JSON, described by OpenAPI."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from vouch.core.errors import VouchError
from vouch.review.page.access import CSRF, House, at_least, changing, house, logged_in
from vouch.review.page.doors import address, with_cookie
from vouch.review.page.rooms import COMMENT, Room, Shown
from vouch.review.people import Login
from vouch.review.queue.seats import Answer, Said

router = APIRouter(prefix="/api", tags=["review"])
At = Annotated[House, Depends(house)]
Who = Annotated[Login, at_least("reviewer")]


class Credentials(BaseModel):
    """Who logs in."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class SessionBegun(BaseModel):
    """A session; its cookie comes with the answer."""

    name: str
    role: str
    csrf: str = Field(description=f"Send it back as {CSRF} with every change.")


class QueueState(BaseModel):
    """How far the work on a use case is."""

    usecase: str
    source: str
    classes: list[str]
    waiting: int
    today: int


class CaseShown(BaseModel):
    """A case that is leased to you."""

    case: str
    token: str
    until: datetime
    stream: str
    facts: dict[str, Any]
    model: str
    scores: list[float]
    context: dict[str, Any] | None
    reasons: list[tuple[str, float]]
    poor: bool
    guideline: str = Field(description="The version of how to decide.")


class AnswerGiven(BaseModel):
    """What you say of a case."""

    token: str = Field(max_length=100)
    case: str = Field(max_length=100)
    kind: Literal["decision", "skip", "later"] = "decision"
    word: str | None = Field(default=None, max_length=200)
    comment: str = Field(default="", max_length=COMMENT)
    opinion: bool = Field(default=False, description="Whether you looked at the model's part.")
    guideline: str = Field(
        default="",
        max_length=100,
        description="The version you decided by; empty: the present one.",
    )
    next: bool = Field(default=False, description="Whether you want the next case with it.")


class AnswerKept(BaseModel):
    """An answer that is on disk."""

    number: int
    case: str
    kind: str
    decided_at: datetime
    next: CaseShown | None = Field(default=None, description="The case that is leased to you now.")


class Undone(BaseModel):
    """What became of taking an answer back."""

    message: str


@router.post("/login", responses={401: {}, 429: {}})
def log_in(request: Request, at: At, who: Credentials) -> Response:
    """Begin a session: returns its CSRF token, and its cookie."""
    try:
        login = at.people.log_in(who.name, who.password, address(request))
    except VouchError as error:
        return JSONResponse({"error": f"{error}: {error.hint}"}, 429)
    if login is None:
        return JSONResponse({"error": "name or password is wrong"}, 401)
    begun = SessionBegun(name=login.person.name, role=login.person.role, csrf=login.csrf)
    return with_cookie(JSONResponse(begun.model_dump()), at, login)


@router.get("/session")
def session(login: Who) -> SessionBegun:
    """Return who is logged in."""
    return SessionBegun(name=login.person.name, role=login.person.role, csrf=login.csrf)


@router.get("/queues")
def queues(at: At, login: Who) -> list[QueueState]:
    """Return every queue and how far it is."""
    return [_state(at.rooms.room(name), login) for name in at.rooms.names()]


def _state(room: Room, login: Login) -> QueueState:
    progress = room.progress(login)
    return QueueState(
        usecase=room.usecase,
        source=room.source.name,
        classes=list(room.classes),
        waiting=progress.waiting,
        today=progress.today,
    )


@router.post(
    "/queues/{usecase}/next", dependencies=[Depends(changing)], responses={204: {}, 409: {}}
)
def next_case(at: At, login: Who, usecase: str) -> Response:
    """Lease the next case; the one you hold already if you have not answered it."""
    room = at.rooms.room(usecase)
    shown = room.desk(login, ahead=False).shown
    if shown is None:
        return Response(status_code=204)
    return JSONResponse(_case(shown, room.guideline.version).model_dump(mode="json"))


def _case(shown: Shown, guideline: str) -> CaseShown:
    case = shown.case
    return CaseShown(
        case=case.case,
        token=shown.lease.token,
        until=shown.lease.until,
        stream=case.stream,
        facts=case.facts,
        model=case.model,
        scores=case.scores,
        context=case.context,
        reasons=case.reasons,
        poor=case.poor,
        guideline=guideline,
    )


@router.post("/queues/{usecase}/answers", dependencies=[Depends(changing)], responses={409: {}})
def answer(at: At, login: Who, usecase: str, given: AnswerGiven) -> AnswerKept:
    """Keep an answer; on disk when this returns. The same token again changes nothing."""
    room = at.rooms.room(usecase)
    opinion, guideline = given.opinion, given.guideline
    said = Said(given.kind, given.word, given.comment, opinion=opinion, guideline=guideline)
    if not given.next:
        return _kept(room.answer(login, given.token, said, given.case), None, room)
    desk = room.submit(login, given.token, said, given.case, ahead=False)
    if desk.kept is None:
        raise desk.refused or VouchError("nothing was kept", "send it again")
    return _kept(desk.kept, desk.shown, room)


def _kept(answer: Answer, shown: Shown | None, room: Room) -> AnswerKept:
    return AnswerKept(
        number=answer.number,
        case=answer.case,
        kind=answer.said.kind,
        decided_at=answer.decided_at,
        next=_case(shown, room.guideline.version) if shown else None,
    )


@router.post("/queues/{usecase}/undo", dependencies=[Depends(changing)], responses={409: {}})
def undo(at: At, login: Who, usecase: str) -> Undone:
    """Take back your newest answer of this session."""
    return Undone(message=at.rooms.room(usecase).undo(login)[0])


@router.get("/openapi.json", include_in_schema=False)
def schema(request: Request, _login: Annotated[Login, Depends(logged_in)]) -> Response:
    """Return the description of all this."""
    app = request.app
    return JSONResponse(get_openapi(title=app.title, version="1", routes=app.routes))
