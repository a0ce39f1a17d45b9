"""One case at a time: what is shown of it, and the answers to it."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Header, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from vouch.core.errors import VouchError
from vouch.results.context import Context
from vouch.review.enqueue.files import WHY, certainty
from vouch.review.guidelines import rendered
from vouch.review.page.access import House, at_least, changing, house
from vouch.review.page.rooms import Room, Shown
from vouch.review.people import Login
from vouch.review.picture import bars, marked, money_flow, timeline
from vouch.review.queue import Case
from vouch.review.queue.seats import Said

router = APIRouter(include_in_schema=False)
At = Annotated[House, Depends(house)]
Who = Annotated[Login, at_least("reviewer")]
Htmx = Annotated[str | None, Header(alias="HX-Request")]
REASONS = ("I cannot tell", "I know these people", "The data look broken", "Not my field")
"""Why a case is skipped, by the keys 1 to 4."""
BARS = 8
"""Reasons shown of a case."""


@router.get("/")
def start(at: At, login: Who) -> Response:
    """Return the queues, or the only one there is."""
    names = at.rooms.names()
    if len(names) == 1:
        return RedirectResponse(f"/review/{names[0]}", 303)
    queues = [(name, at.rooms.room(name).progress(login)) for name in names]
    return at.render("queues.html", login, queues=queues)


@router.get("/review/{usecase}")
def page(at: At, login: Who, usecase: str) -> Response:
    """Return the page with the case a person is to decide now."""
    return _show(at, login, at.rooms.room(usecase), whole=True)


@router.post("/review/{usecase}/answer", dependencies=[Depends(changing)])
def answer(
    request: Request,
    at: At,
    login: Who,
    usecase: str,
    token: Annotated[str, Form(max_length=100)],
    kind: Annotated[Literal["decision", "skip", "later"], Form()],
    case: Annotated[str, Form(max_length=100)],
    word: Annotated[str, Form(max_length=200)] = "",
    comment: Annotated[str, Form()] = "",
    opinion: Annotated[bool, Form()] = False,
    guideline: Annotated[str, Form(max_length=100)] = "",
    htmx: Htmx = None,
) -> Response:
    """Keep an answer, and show the next case: what is shown then is on disk."""
    room = at.rooms.room(usecase)
    said = Said(kind, word if kind == "decision" else None, comment.strip(), opinion=opinion)
    said = replace(said, guideline=guideline)
    try:
        kept = room.answer(login, token, about(said, room, room.case(case)), case)
    except VouchError as error:
        message = f"{error}: {error.hint}."
        return _after(at, login, room, htmx, message, wrong=True)
    late = "Somebody else has this case by now: your answer is kept, theirs counts."
    return _after(at, login, room, htmx, late if kept.said.kind == "too_late" else "Saved.")


@router.post("/review/{usecase}/undo", dependencies=[Depends(changing)])
def undo(at: At, login: Who, usecase: str, htmx: Htmx = None) -> Response:
    """Take back the newest answer of this session, and show its case again."""
    room = at.rooms.room(usecase)
    try:
        message = room.undo(login)
    except VouchError as error:
        message = f"{error}: {error.hint}."
    return _after(at, login, room, htmx, message)


@router.post("/review/{usecase}/renew", dependencies=[Depends(changing)])
def renew(at: At, login: Who, usecase: str) -> Response:
    """Keep what a person holds: their page is open."""
    at.rooms.room(usecase).seats.renew(login.person.name)
    return Response(status_code=204)


def about(said: Said, room: Room, case: Case) -> Said:
    """Add to an answer what its case was shown with."""
    guideline = room.guided_by(said.guideline)
    return replace(said, model=case.model, explanation=case.shown, guideline=guideline)


def _after(
    at: House, login: Login, room: Room, htmx: str | None, message: str, *, wrong: bool = False
) -> Response:
    if htmx:
        return _show(at, login, room, message, wrong=wrong)
    return RedirectResponse(f"/review/{room.usecase}", 303)


def _show(
    at: House,
    login: Login,
    room: Room,
    message: str = "",
    *,
    whole: bool = False,
    wrong: bool = False,
) -> Response:
    shown = room.next(login)
    parts = {
        "room": room,
        "shown": shown,
        "progress": room.progress(login),
        "message": message,
        "wrong": wrong,
        "reasons_to_skip": REASONS,
        **(_case(room, shown) if shown else {"case": None}),
    }
    return at.render("page.html" if whole else "case.html", login, **parts)


def _case(room: Room, shown: Shown) -> dict[str, Any]:
    """Return what the template shows of a case."""
    case = shown.case
    around = None if case.context is None else Context.model_validate(case.context)
    text = case.facts.get("text")
    return {
        "case": case,
        "why": WHY[case.stream],
        "opinion": None if case.blind else _opinion(room, case),
        "around": around,
        "timeline": timeline(around.history, around.time, around.amount) if around else "",
        "flow": money_flow(around.flow) if around and around.flow.edges else "",
        "text": None if text is None else marked(str(text), case.reasons[:BARS]),
        "guideline": Markup(rendered(room.guideline.text)),
    }


def _opinion(room: Room, case: Case) -> dict[str, Any]:
    two = len(room.classes) == 2
    return {
        "predicted": case.predicted(room.classes),
        "sure": certainty(case, room.classes),
        "of": room.classes[1] if two else case.predicted(room.classes),
        "bars": bars(case.reasons[:BARS]),
        "poor": case.poor,
        "unstable": bool(case.unstable),
    }
