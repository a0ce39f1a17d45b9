"""Decisions of the review page that no batch has yet."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.labels.reviews import read_batches
from vouch.review.collect.read import Answer, Reading
from vouch.review.flags import flags, waiting
from vouch.review.page.params import ReviewParams
from vouch.review.people import People
from vouch.review.queue.seats import PAGE, Seats, latest
from vouch.review.queue.seats import Answer as Kept


def read_page(
    state: Path, usecase: str, origin: str, folder: Path, params: ReviewParams
) -> Reading:
    """Read what people decided on the page, in the order they did.

    Left out are decisions that were taken back, those on cases whose answer was known, and those
    that a batch has already: the batches say so, so a killed collect takes all or nothing.
    Decisions of flagged people wait for somebody else's, see :mod:`vouch.review.flags`; their cases
    are put before one more reviewer.

    Args:
        state: The project's state folder.
        usecase: The use case.
        origin: The source's declaration.
        folder: ``data/labels/<usecase>/reviews``.
        params: Who is flagged.

    Raises:
        VouchError: A sealed answer's key is missing, or another one.
    """
    seats = Seats(state, usecase, origin, timedelta(0))
    collected = set(read_batches(folder)["unique_id"].to_pylist())
    standing = seats.standing()
    counting = [a for a in latest(standing) if not a.gold]
    held_back = _held_back(state, seats, standing, counting, params)
    fresh = [a for a in counting if PAGE + a.token not in collected]
    for case in sorted({answer.case for answer in fresh if answer.number in held_back}):
        with suppress(VouchError):  # it was taken back meanwhile: nobody can be asked
            seats.ask_again(case)
    taken = [answer for answer in fresh if answer.number not in held_back]
    return Reading([_answer(seats.opened(a)) for a in taken], [], len(fresh) - len(taken))


def _held_back(
    state: Path,
    seats: Seats,
    standing: Sequence[Kept],
    counting: Sequence[Kept],
    params: ReviewParams,
) -> set[int]:
    """Return the numbers of the answers that wait for a second person's."""
    cleared, leads = seats.cleared(), People(state).leads()
    flagged = flags(standing, seats.gold(), cleared, leads, params)
    return {answer.number for answer in waiting(counting, flagged, cleared)}


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
