"""The lead's page: how people decide, and what only a lead may do. Also as JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from vouch.core.errors import VouchError
from vouch.review.names import identity
from vouch.review.oversight import Oversight
from vouch.review.page.access import House, at_least, changing, house
from vouch.review.page.rooms import Room
from vouch.review.people import Login

pages = APIRouter(prefix="/lead", include_in_schema=False)
api = APIRouter(prefix="/api/lead", tags=["lead"])
At = Annotated[House, Depends(house)]
Lead = Annotated[Login, at_least("lead")]
CaseName = Annotated[str, Form(max_length=100)]
PersonName = Annotated[str, Form(max_length=200)]
CHANGE = [Depends(changing)]
DONE = {
    "settle": "Settled.",
    "unsettle": "Taken back: the case is as it was before.",
    "collected": "Taken back; it was collected already: the label counts until you settle it anew.",
    "release": "What they held is free again.",
    "give": "It is theirs now.",
    "clear": "Flags lifted: their decisions so far count.",
    "again": "One more reviewer will be asked.",
    "open": "It waits for a reviewer already.",
}
SHOWN = 20
"""Conflicts and skipped cases on one page."""


class Settling(BaseModel):
    """A lead's word on a case."""

    case: str = Field(max_length=100)
    word: str = Field(max_length=200)
    known: bool = Field(
        default=False, description="Whether reviewers are measured by it from now on."
    )


class OneCase(BaseModel):
    """Which case."""

    case: str = Field(max_length=100)


class OneHolding(BaseModel):
    """A case in somebody's hands."""

    case: str = Field(max_length=100)
    person: str = Field(max_length=200)


class HandingOver(OneHolding):
    """A case in somebody's hands, and whose it shall be."""

    to: str = Field(max_length=200)


class OnePerson(BaseModel):
    """Which person."""

    person: str = Field(max_length=200)


class Done(BaseModel):
    """What was done, and is on disk."""

    message: str


@pages.get("")
def start(at: At, login: Lead) -> Response:
    """Return the way to the first queue."""
    names = at.rooms.names()
    return RedirectResponse(f"/lead/{names[0]}" if names else "/", 303)


@pages.get("/{usecase}")
def page(at: At, login: Lead, usecase: str, done: str = "") -> Response:
    """Return what a lead sees of a queue."""
    room = at.rooms.room(usecase)
    return at.render(
        "lead.html",
        login,
        here="lead",
        room=room,
        names=at.rooms.names(),
        seen=_seen(at, room),
        message=DONE.get(done, ""),
        most=SHOWN,
    )


def _seen(at: House, room: Room) -> Oversight:
    people = at.people.all()
    leads = {person.name for person in people if person.may("lead")}
    workloads = at.capacities.workloads(people)
    return room.oversee(leads).model_copy(update={"workloads": workloads})


def _hand_over(at: House, usecase: str, person: str, case: str, to: str) -> None:
    """Give a case that somebody holds to a person who may log in.

    Raises:
        VouchError: There is no such person, they may not, or see :meth:`Seats.hand_over`.
    """
    allowed = {identity(one.name): one.name for one in at.people.all() if not one.disabled}
    if identity(to) not in allowed:
        raise VouchError(f"{to}: nobody of that name may log in", "an admin adds people")
    at.rooms.room(usecase).seats.hand_over(person, case, allowed[identity(to)])


def _back(usecase: str, done: str) -> Response:
    return RedirectResponse(f"/lead/{usecase}?done={done}", 303)


@pages.post("/{usecase}/settle", dependencies=CHANGE)
def settle(
    at: At,
    login: Lead,
    usecase: str,
    case: CaseName,
    word: Annotated[str, Form(max_length=200)],
    known: Annotated[bool, Form()] = False,
) -> Response:
    """Keep a lead's word on a case."""
    at.rooms.room(usecase).settle(login, case, word, known=known)
    return _back(usecase, "settle")


@pages.post("/{usecase}/unsettle", dependencies=CHANGE)
def unsettle(at: At, login: Lead, usecase: str, case: CaseName) -> Response:
    """Take back a lead's word on a case."""
    collected = at.rooms.room(usecase).unsettle(login, case)
    return _back(usecase, "collected" if collected else "unsettle")


@pages.post("/{usecase}/release", dependencies=CHANGE)
def release(
    at: At,
    login: Lead,
    usecase: str,
    person: PersonName,
    case: Annotated[str | None, Form(max_length=100)] = None,
) -> Response:
    """Give back a case that a person holds; without one, all of theirs."""
    seats = at.rooms.room(usecase).seats
    if case is None:
        seats.release(person)
    else:
        seats.give_back(person, case)
    return _back(usecase, "release")


@pages.post("/{usecase}/give", dependencies=CHANGE)
def give(
    at: At, login: Lead, usecase: str, person: PersonName, case: CaseName, to: PersonName
) -> Response:
    """Give a case that a person holds to somebody else."""
    _hand_over(at, usecase, person, case, to)
    return _back(usecase, "give")


@pages.post("/{usecase}/clear", dependencies=CHANGE)
def clear(at: At, login: Lead, usecase: str, person: PersonName) -> Response:
    """Lift a person's flags."""
    at.rooms.room(usecase).seats.clear(person, login.person.name)
    return _back(usecase, "clear")


@pages.post("/{usecase}/again", dependencies=CHANGE)
def again(at: At, login: Lead, usecase: str, case: CaseName) -> Response:
    """Put a case before one more reviewer."""
    more = at.rooms.room(usecase).seats.ask_again(case)
    return _back(usecase, "again" if more else "open")


@api.get("/{usecase}")
def oversight(at: At, login: Lead, usecase: str) -> Oversight:
    """Return how far a queue is, how people decide, and what waits for a lead."""
    return _seen(at, at.rooms.room(usecase))


@api.post("/{usecase}/settle", dependencies=CHANGE, responses={409: {}})
def settle_case(at: At, login: Lead, usecase: str, settling: Settling) -> Done:
    """Keep your word on a case; on disk when this returns. Nobody is asked about it any more."""
    room = at.rooms.room(usecase)
    room.settle(login, settling.case, settling.word, known=settling.known)
    return Done(message=DONE["settle"])


@api.post("/{usecase}/unsettle", dependencies=CHANGE, responses={409: {}})
def unsettle_case(at: At, login: Lead, usecase: str, which: OneCase) -> Done:
    """Take back the newest lead's word on a case: it is as it was before."""
    collected = at.rooms.room(usecase).unsettle(login, which.case)
    return Done(message=DONE["collected" if collected else "unsettle"])


@api.post("/{usecase}/give-back", dependencies=CHANGE, responses={409: {}})
def give_back(at: At, login: Lead, usecase: str, held: OneHolding) -> Done:
    """Give back one case that a person holds."""
    at.rooms.room(usecase).seats.give_back(held.person, held.case)
    return Done(message=DONE["release"])


@api.post("/{usecase}/give", dependencies=CHANGE, responses={409: {}})
def give_case(at: At, login: Lead, usecase: str, handing: HandingOver) -> Done:
    """Give a case that a person holds to somebody else; it waits eight hours for them."""
    _hand_over(at, usecase, handing.person, handing.case, handing.to)
    return Done(message=DONE["give"])


@api.post("/{usecase}/release", dependencies=CHANGE)
def release_person(at: At, login: Lead, usecase: str, who: OnePerson) -> Done:
    """Give back all a person holds."""
    at.rooms.room(usecase).seats.release(who.person)
    return Done(message=DONE["release"])


@api.post("/{usecase}/clear", dependencies=CHANGE)
def clear_person(at: At, login: Lead, usecase: str, who: OnePerson) -> Done:
    """Lift a person's flags: their decisions so far count."""
    at.rooms.room(usecase).seats.clear(who.person, login.person.name)
    return Done(message=DONE["clear"])


@api.post("/{usecase}/again", dependencies=CHANGE, responses={409: {}})
def ask_again(at: At, login: Lead, usecase: str, which: OneCase) -> Done:
    """Put a case before one more reviewer, unless it waits for one."""
    more = at.rooms.room(usecase).seats.ask_again(which.case)
    return Done(message=DONE["again" if more else "open"])
