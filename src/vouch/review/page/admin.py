"""The admin's page: who may log in, as what, and how much each can decide. Also as JSON."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from vouch.core.errors import VouchError
from vouch.review.capacity import MOST, Days
from vouch.review.names import identity
from vouch.review.page.access import House, at_least, changing, house
from vouch.review.people import LINK, ROLES, Login, Role

pages = APIRouter(prefix="/admin", include_in_schema=False)
api = APIRouter(prefix="/api/people", tags=["people"])
At = Annotated[House, Depends(house)]
Admin = Annotated[Login, at_least("admin")]
NameField = Annotated[str, Form(max_length=200)]
RoleField = Annotated[Role, Form()]
CasesField = Annotated[int | None, Form(ge=0, le=MOST)]
CHANGE = [Depends(changing)]
DONE = {
    "role": "Role changed: from their next click on.",
    "remove": "They can log in no more.",
    "capacity": "Noted.",
}


class PersonShown(BaseModel):
    """Who may log in, and as what."""

    name: str
    role: Role
    has_password: bool
    disabled: bool
    seen_at: datetime | None
    capacity: int | None = Field(description="Cases a day; null: nobody has said.")


class NameAndRole(BaseModel):
    """Who, and what they may do."""

    name: str = Field(max_length=200)
    role: Role


class Named(BaseModel):
    """Who."""

    name: str = Field(max_length=200)


class NameAndCapacity(BaseModel):
    """Who, and how many cases a day they can decide."""

    name: str = Field(max_length=200)
    cases: int | None = Field(ge=0, le=MOST, description="null: nobody says any more.")


class NameAndDays(BaseModel):
    """Who, some days in a row, and how many cases they can decide on each."""

    name: str = Field(max_length=200)
    first: date
    last: date
    cases: int | None = Field(ge=0, le=MOST, description="0: away. null: as usual again.")


class Invited(BaseModel):
    """A person who was added; the link is told this once."""

    name: str
    role: Role
    link: str = Field(description="Sets their password: once, and for three days.")


@pages.get("")
def page(at: At, login: Admin, done: str = "") -> Response:
    """Return the people and what may be changed of them."""
    return _show(at, login, message=DONE.get(done, ""))


def _show(
    at: House, login: Login, message: str = "", invited: Invited | None = None, *, status: int = 200
) -> Response:
    return at.render(
        "admin.html",
        login,
        status,
        here="admin",
        people=_people(at),
        coming=at.capacities.coming(),
        most=MOST,
        roles=ROLES,
        days=LINK.days,
        message=message,
        invited=invited,
    )


@pages.post("/add", dependencies=CHANGE)
def add(request: Request, at: At, login: Admin, name: NameField, role: RoleField) -> Response:
    """Add a person, or make a new link for one; show it this once."""
    return _changed(at, login, lambda: _invite(request, at, name, role))


@pages.post("/role", dependencies=CHANGE)
def change_role(at: At, login: Admin, name: NameField, role: RoleField) -> Response:
    """Give a person another role."""
    return _changed(at, login, lambda: at.people.set_role(name, role), "role")


@pages.post("/remove", dependencies=CHANGE)
def remove(at: At, login: Admin, name: NameField) -> Response:
    """Let a person log in no more."""
    return _changed(at, login, lambda: at.people.disable(name), "remove")


@pages.post("/capacity", dependencies=CHANGE)
def change_capacity(at: At, login: Admin, name: NameField, cases: CasesField = None) -> Response:
    """Note how many cases a day a person can decide."""
    return _changed(at, login, lambda: at.capacities.set_usual(name, cases), "capacity")


@pages.post("/days", dependencies=CHANGE)
def change_days(
    at: At,
    login: Admin,
    name: NameField,
    first: Annotated[date, Form()],
    last: Annotated[date, Form()],
    cases: CasesField = None,
) -> Response:
    """Note on which days a person is away, or can decide another number of cases."""
    return _changed(at, login, lambda: at.capacities.set_days(name, first, last, cases), "capacity")


def _changed(
    at: House, login: Login, change: Callable[[], Invited | None], done: str = ""
) -> Response:
    """Make a change, and show the page again."""
    try:
        invited = change()
    except VouchError as error:
        return _show(at, login, f"{error}: {error.hint}.", status=409)
    return _show(at, login, invited=invited) if invited else _back(done)


def _back(done: str) -> Response:
    return RedirectResponse(f"/admin?done={done}", 303)


def _invite(request: Request, at: House, name: str, role: Role) -> Invited:
    """Add a person and return their link, at the address by which the admin reached us."""
    token = at.people.add(name, role)
    scheme = "https" if at.secure else "http"
    link = f"{scheme}://{request.headers['host']}/password/{token}"
    person = at.people.invited(token)
    return Invited(name=person.name if person else name, role=role, link=link)


def _people(at: House) -> list[PersonShown]:
    usual = at.capacities.usual()
    return [
        PersonShown(
            name=one.name,
            role=one.role,
            has_password=one.has_password,
            disabled=one.disabled,
            seen_at=one.seen_at,
            capacity=usual.get(identity(one.name)),
        )
        for one in at.people.all()
    ]


@api.get("")
def people(at: At, login: Admin) -> list[PersonShown]:
    """Return everybody, by name."""
    return _people(at)


@api.post("", dependencies=CHANGE, responses={409: {}})
def add_person(request: Request, at: At, login: Admin, who: NameAndRole) -> Invited:
    """Add a person, or make a new link for one. The old password stays until then."""
    return _invite(request, at, who.name, who.role)


@api.post("/role", dependencies=CHANGE, responses={409: {}})
def set_role(at: At, login: Admin, who: NameAndRole) -> NameAndRole:
    """Give a person another role, from their next request on."""
    at.people.set_role(who.name, who.role)
    return who


@api.post("/remove", dependencies=CHANGE, responses={409: {}})
def remove_person(at: At, login: Admin, who: Named) -> Named:
    """Let a person log in no more; what they decided stays."""
    at.people.disable(who.name)
    return who


@api.post("/capacity", dependencies=CHANGE, responses={409: {}})
def set_capacity(at: At, login: Admin, who: NameAndCapacity) -> NameAndCapacity:
    """Note how many cases a day a person can decide."""
    at.capacities.set_usual(who.name, who.cases)
    return who


@api.get("/days")
def days(at: At, login: Admin) -> list[Days]:
    """Return the days from today on that are not as usual."""
    return at.capacities.coming()


@api.post("/days", dependencies=CHANGE, responses={409: {}})
def set_days(at: At, login: Admin, who: NameAndDays) -> NameAndDays:
    """Note on which days a person is away, or can decide another number of cases."""
    at.capacities.set_days(who.name, who.first, who.last, who.cases)
    return who
