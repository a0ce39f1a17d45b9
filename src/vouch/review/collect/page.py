"""Decisions of the review page that no batch has yet."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.labels.reviews import read_batches
from vouch.review.collect.by_file import file_decisions, seconded
from vouch.review.collect.read import Answer, Reading
from vouch.review.flags import flags, waiting
from vouch.review.page.params import ReviewParams
from vouch.review.people import People
from vouch.review.queue.seats import PAGE, Seats, latest
from vouch.review.queue.seats import Answer as Kept
from vouch.sources.declaration import Declaration


def read_page(state: Path, source: Declaration, folder: Path, params: ReviewParams) -> Reading:
    """Read what people decided on the page, in the order they did.

    Left out are decisions that were taken back, those on cases whose answer was known, and those
    that a batch has already: the batches say so, so a killed collect takes all or nothing.
    Decisions of flagged people wait for somebody else's, on the page or by file, see
    :mod:`vouch.review.flags`; their cases are put before one more reviewer.

    Args:
        state: The project's state folder.
        source: The declaration of the rows.
        folder: ``data/labels/<usecase>/reviews``.
        params: Who is flagged.

    Raises:
        VouchError: A sealed answer's key is missing, or another one.
    """
    seats = Seats(state, source.usecase, source.name, timedelta(0))
    fresh = _fresh(seats, folder)
    numbers = _doubtful(state, seats, source, folder, params)
    doubtful = [answer for answer in fresh if answer.number in numbers]
    for case in sorted({answer.case for answer in doubtful}):
        with suppress(VouchError):  # it was taken back meanwhile: nobody can be asked
            seats.ask_again(case)
    taken = [answer for answer in fresh if answer.number not in numbers]
    return Reading([_answer(seats.opened(a)) for a in taken], [], len(doubtful))


def held_back(
    state: Path, seats: Seats, source: Declaration, folder: Path, params: ReviewParams
) -> list[Kept]:
    """Return the decisions of flagged people that wait for a second person's.

    Args:
        state: The project's state folder.
        seats: The queue's.
        source: The declaration of the rows.
        folder: ``data/labels/<usecase>/reviews``.
        params: Who is flagged.
    """
    if not (numbers := _doubtful(state, seats, source, folder, params)):
        return []
    return [answer for answer in _fresh(seats, folder) if answer.number in numbers]


def _doubtful(
    state: Path, seats: Seats, source: Declaration, folder: Path, params: ReviewParams
) -> set[int]:
    """Return the numbers of flagged people's decisions that nobody seconded, collected or not."""
    cleared, standing = seats.cleared(), seats.standing()
    flagged = flags(standing, seats.gold(), cleared, People(state).leads(), params)
    if not flagged:
        return set()
    by_file = seconded(file_decisions(folder, source), flagged)
    counting = [answer for answer in latest(standing) if not answer.gold]
    return {answer.number for answer in waiting(counting, flagged, cleared, by_file)}


def _fresh(seats: Seats, folder: Path) -> list[Kept]:
    """Return the decisions that count and no batch has."""
    collected = set(read_batches(folder)["unique_id"].to_pylist())
    return [
        answer
        for answer in latest(seats.standing())
        if not answer.gold and PAGE + answer.token not in collected
    ]


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
