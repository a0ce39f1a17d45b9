"""Decisions of the review page that no batch has yet."""

from datetime import timedelta
from pathlib import Path

from vouch.labels.reviews import read_batches
from vouch.review.collect.read import Answer, Reading
from vouch.review.queue.seats import COUNTS, PAGE, Seats, latest
from vouch.review.queue.seats import Answer as Kept


def read_page(state: Path, usecase: str, origin: str, folder: Path) -> Reading:
    """Read what people decided on the page, in the order they did.

    Left out are decisions that were taken back, those on cases whose answer was known, and those
    that a batch has already: the batches say so, so a killed collect takes all or nothing.

    Args:
        state: The project's state folder.
        usecase: The use case.
        origin: The source's declaration.
        folder: ``data/labels/<usecase>/reviews``.

    Raises:
        VouchError: A sealed answer's key is missing, or another one.
    """
    seats = Seats(state, usecase, origin, timedelta(0))
    collected = set(read_batches(folder)["unique_id"].to_pylist())
    standing = [answer for answer in seats.standing() if answer.said.kind in COUNTS]
    fresh = [
        answer
        for answer in latest(standing)
        if not answer.gold and PAGE + answer.token not in collected
    ]
    return Reading([_answer(seats.opened(answer)) for answer in fresh], [])


def _answer(kept: Kept) -> Answer:
    return Answer(
        line=kept.number,
        case=kept.case,
        decision=kept.said.word or "",
        reviewer=kept.person,
        comment=kept.said.comment,
        decided_at=kept.decided_at.isoformat(),
        seconds=kept.seconds,
        ordered=True,
        unique_id=PAGE + kept.token,
        via="page",
        final=kept.said.kind == "settled",
    )
