"""The guidelines' page: admins edit them, look at what they will be, and go back. Also as JSON."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from vouch.core.errors import VouchError
from vouch.review.guidelines import (
    LONGEST,
    ChangedMeanwhileError,
    GuidelineVersion,
    cleaned,
    plain_lines,
)
from vouch.review.page.access import House, at_least, changing, house
from vouch.review.page.rooms import Room
from vouch.review.people import Login

pages = APIRouter(prefix="/admin/guidelines", include_in_schema=False)
api = APIRouter(prefix="/api/guidelines", tags=["guidelines"])
At = Annotated[House, Depends(house)]
Admin = Annotated[Login, at_least("admin")]
Version = Annotated[str, Form(max_length=100)]
CHANGE = [Depends(changing)]
DONE = {
    "save": "Saved: cases are decided by it from now on.",
    "restore": "It is in force again.",
}


class GuidelineState(BaseModel):
    """A use case's guideline: what is in force, and what was."""

    usecase: str
    version: str
    text: str = Field(description="Markdown.")
    history: list[GuidelineVersion]


class Edit(BaseModel):
    """A new text."""

    text: str = Field(description=f"Markdown, at most {LONGEST:,} characters.")
    base: str = Field(max_length=100, description="The version you edited.")


class Earlier(BaseModel):
    """Which version shall be in force again."""

    number: int = Field(ge=1, le=2**62)
    base: str = Field(max_length=100, description="The version in force when you looked.")


@pages.get("")
def start(at: At, login: Admin) -> Response:
    """Return the way to the first guideline."""
    names = at.rooms.names()
    return RedirectResponse(f"/admin/guidelines/{names[0]}" if names else "/admin", 303)


@pages.get("/{usecase}")
def page(at: At, login: Admin, usecase: str, done: str = "") -> Response:
    """Return the editor and the history."""
    room = at.rooms.room(usecase)
    text, base = room.guidelines.present()
    return _show(at, login, room, text, base, message=DONE.get(done, ""))


def _show(
    at: House,
    login: Login,
    room: Room,
    text: str,
    base: str,
    *,
    preview: bool = False,
    message: str = "",
    status: int = 200,
) -> Response:
    return at.render(
        "guidelines.html",
        login,
        status,
        here="admin",
        room=room,
        names=at.rooms.names(),
        text=text,
        base=base,
        history=room.guidelines.history(),
        preview=preview,
        message=message,
        wrong=status != 200,
        longest=LONGEST,
    )


@pages.post("/{usecase}", dependencies=CHANGE)
def edit(
    at: At,
    login: Admin,
    usecase: str,
    text: Annotated[str, Form()],
    base: Version,
    act: Annotated[Literal["preview", "save"], Form()],
) -> Response:
    """Show what a text will look like, or put it in force."""
    room, text = at.rooms.room(usecase), plain_lines(text)
    try:
        if act == "preview":
            return _show(at, login, room, cleaned(text), base, preview=True)
        room.guidelines.save(text, login.person.name, base)
    except VouchError as error:  # what they wrote stays before them
        if isinstance(error, ChangedMeanwhileError):  # they are shown what came meanwhile
            base = room.guidelines.present().version
        message = f"{error}: {error.hint}."
        return _show(at, login, room, text, base, message=message, status=409)
    return RedirectResponse(f"/admin/guidelines/{usecase}?done=save", 303)


@pages.post("/{usecase}/restore", dependencies=CHANGE)
def restore(
    at: At,
    login: Admin,
    usecase: str,
    number: Annotated[int, Form(ge=1, le=2**62)],
    base: Version,
) -> Response:
    """Put an earlier text in force again."""
    at.rooms.room(usecase).guidelines.restore(number, login.person.name, base)
    return RedirectResponse(f"/admin/guidelines/{usecase}?done=restore", 303)


@api.get("/{usecase}")
def guideline(at: At, login: Admin, usecase: str) -> GuidelineState:
    """Return how cases are to be decided, and every text that was in force."""
    return _state(at.rooms.room(usecase))


def _state(room: Room) -> GuidelineState:
    text, version = room.guidelines.present()
    history = room.guidelines.history()
    return GuidelineState(usecase=room.usecase, version=version, text=text, history=history)


@api.post("/{usecase}", dependencies=CHANGE, responses={409: {}})
def save(at: At, login: Admin, usecase: str, edited: Edit) -> GuidelineState:
    """Put a text in force; refused where another one came into force meanwhile."""
    room = at.rooms.room(usecase)
    room.guidelines.save(edited.text, login.person.name, edited.base)
    return _state(room)


@api.post("/{usecase}/restore", dependencies=CHANGE, responses={409: {}})
def bring_back(at: At, login: Admin, usecase: str, earlier: Earlier) -> GuidelineState:
    """Put an earlier text in force again."""
    room = at.rooms.room(usecase)
    room.guidelines.restore(earlier.number, login.person.name, earlier.base)
    return _state(room)
