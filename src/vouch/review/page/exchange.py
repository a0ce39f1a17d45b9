"""Cases out and decisions in as files, for leads: tables and Label Studio's JSON."""

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.labels.issues import HELD
from vouch.review.collect.read import read_answers
from vouch.review.enqueue.files import interface, write_cases
from vouch.review.page.access import House, at_least, changing, house
from vouch.review.page.guard import FILES
from vouch.review.page.rooms import Room
from vouch.review.people import Login
from vouch.review.queue import Case

router = APIRouter(prefix=FILES, tags=["files"])
At = Annotated[House, Depends(house)]
Lead = Annotated[Login, at_least("lead")]
Format = Literal["csv", "json"]
DIGITS = 12


class FileTaken(BaseModel):
    """A file of decisions that waits to be collected."""

    name: str
    answers: int


@router.get("/{usecase}/cases.{suffix}")
def cases(at: At, _login: Lead, usecase: str, suffix: Format) -> Response:
    """Return the cases that wait: a table to fill in, or tasks for Label Studio."""
    room = at.rooms.room(usecase)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"cases.{suffix}"
        write_cases(out, _given_out(room), room.source)
        content = out.read_bytes() if out.exists() else b"[]" if suffix == "json" else b""
    kind = "application/json" if suffix == "json" else "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="cases.{suffix}"'}
    return Response(content, media_type=kind, headers=headers)


@router.get("/{usecase}/interface.xml")
def labeling_interface(at: At, _login: Lead, usecase: str) -> Response:
    """Return the labeling interface that Label Studio needs for the tasks."""
    return Response(interface(at.rooms.room(usecase).source), media_type="application/xml")


@router.post(
    "/{usecase}/decisions.{suffix}",
    dependencies=[Depends(changing)],
    responses={409: {}},
    response_model=FileTaken,
)
async def decisions(
    request: Request, at: At, _login: Lead, usecase: str, suffix: Format
) -> Response:
    """Take a filled-in table or Label Studio's export; the next collect turns it into labels.

    A file that cannot be read is refused; the same one twice is one.
    """
    room, content = await run_in_threadpool(at.rooms.room, usecase), await request.body()
    if not room.takes_files:
        raise VouchError("decisions are taken from the page alone", "decide there")
    name = f"page-{hashlib.sha256(content).hexdigest()[:DIGITS]}.{suffix}"
    answers = await run_in_threadpool(_check, content, name)
    await run_in_threadpool(_keep, room, content, name)
    return JSONResponse(FileTaken(name=name, answers=answers).model_dump())


def _given_out(room: Room) -> list[Case]:
    """Return the cases that wait; those of the holdout are decided on the page alone."""
    cases = [room.case(name) for name in room.seats.waiting()]
    return [case for case in cases if case.stream != HELD]


def _check(content: bytes, name: str) -> int:
    """Count a file's answers.

    Raises:
        VouchError: It cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return sum(not answer.blank for answer in read_answers(path).answers)
        except VouchError as error:  # the folder is of no use to whoever sent it
            raise VouchError(str(error).replace(str(path), name), error.hint) from None


def _keep(room: Room, content: bytes, name: str) -> None:
    room.inbox.mkdir(parents=True, exist_ok=True)
    with replacing(room.inbox / name) as draft:
        draft.write_bytes(content)
