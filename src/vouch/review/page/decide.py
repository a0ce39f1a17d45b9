"""One case at a time: what is shown of it, and the answers to it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Header, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from vouch.results.context import Context
from vouch.review.enqueue.files import WHY, certainty
from vouch.review.guidelines import rendered
from vouch.review.page.access import House, at_least, changing, house
from vouch.review.page.rooms import Desk, Room, Shown
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
    room = at.rooms.room(usecase)
    return _show(at, login, room, room.desk(login), whole=True)


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
    chosen = word if kind == "decision" else None
    said = Said(kind, chosen, comment.strip(), opinion=opinion, guideline=guideline)
    desk = room.submit(login, token, said, case)
    if error := desk.refused:
        return _after(at, login, room, htmx, desk, f"{error}: {error.hint}.")
    late = "Somebody else has this case by now: your answer is kept, theirs counts."
    in_time = desk.kept is not None and desk.kept.said.kind != "too_late"
    return _after(at, login, room, htmx, desk, "Saved." if in_time else late)


@router.post("/review/{usecase}/undo", dependencies=[Depends(changing)])
def undo(at: At, login: Who, usecase: str, htmx: Htmx = None) -> Response:
    """Take back the newest answer of this session, and show its case again."""
    room = at.rooms.room(usecase)
    message, desk = room.undo(login)
    return _after(at, login, room, htmx, desk, message)


@router.post("/review/{usecase}/renew", dependencies=[Depends(changing)])
def renew(at: At, login: Who, usecase: str) -> Response:
    """Keep what a person holds: their page is open."""
    at.rooms.room(usecase).seats.renew(login.person.name)
    return Response(status_code=204)


def _after(
    at: House, login: Login, room: Room, htmx: str | None, desk: Desk, message: str
) -> Response:
    if htmx:
        return _show(at, login, room, desk, message)
    return RedirectResponse(f"/review/{room.usecase}", 303)


def _show(
    at: House, login: Login, room: Room, desk: Desk, message: str = "", *, whole: bool = False
) -> Response:
    parts = {
        "room": room,
        "shown": desk.shown,
        "progress": desk.progress,
        "message": message,
        "wrong": desk.refused is not None,
        "reasons_to_skip": REASONS,
        "ahead": _facts(desk.ahead.case) if desk.ahead else None,
        **(_case(room, desk.shown) if desk.shown else {"case": None}),
    }
    return at.render("page.html" if whole else "case.html", login, **parts)


def _case(room: Room, shown: Shown) -> dict[str, Any]:
    """Return what the template shows of a case."""
    case = shown.case
    return {
        **_facts(case, [] if case.blind else case.reasons[:BARS]),
        "opinion": None if case.blind else _opinion(room, case),
        "guideline": Markup(rendered(room.guideline.text)),
    }


def _facts(case: Case, reasons: Sequence[tuple[str, float]] = ()) -> dict[str, Any]:
    """Return what a case is decided by, with the words of reasons to be marked.

    Where the case is blind or not before its person yet, there are none.
    """
    around = None if case.context is None else Context.model_validate(case.context)
    text = case.facts.get("text")
    return {
        "case": case,
        "why": WHY[case.stream],
        "around": around,
        "timeline": timeline(around.history, around.time, around.amount) if around else "",
        "flow": money_flow(around.flow) if around and around.flow.edges else "",
        "text": None if text is None else marked(str(text), reasons),
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
