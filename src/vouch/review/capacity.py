"""How many cases each person can decide: usually, and on single days."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import Engine, delete, func, select

from vouch.core.clock import midnight
from vouch.core.database import open_database, reading, writing
from vouch.core.errors import VouchError
from vouch.holdout.ledger import now as wall_clock
from vouch.review.names import identity
from vouch.review.people import Person
from vouch.review.queue.tables import COUNTS, AnswerRow, Base, CapacityRow, PersonRow, stands

USUAL = ""
"""Stands for every day that has no figure of its own."""
MOST, LONGEST = 10_000, 366
"""Cases of a day, and days that are changed together, at most."""


class Days(BaseModel):
    """Days in a row on which a person can decide another number of cases than usual.

    Attributes:
        person: Who.
        first: The first of them.
        last: The last of them.
        cases: How many on each; 0: they are away.
    """

    person: str
    first: date
    last: date
    cases: int


class Workload(BaseModel):
    """What a person can still decide today.

    Attributes:
        name: Who.
        capacity: Cases they can decide today; None: nobody has said.
        decided: Decisions of all queues since midnight (UTC), known cases among them.
        back: The day on which they are back; None: they are here today.
    """

    name: str
    capacity: int | None
    decided: int
    back: date | None

    @property
    def left(self) -> int | None:
        """Cases they can still decide today; None: nobody has said how many they can."""
        return None if self.capacity is None else max(self.capacity - self.decided, 0)


class Capacities:
    """The capacity of a project's people.

    Args:
        state: The project's state folder.
        clock: Returns the present time (UTC, no zone).
        store: The store, where it is open already; None: open it.
    """

    def __init__(
        self,
        state: Path,
        clock: Callable[[], datetime] = wall_clock,
        store: Engine | None = None,
    ) -> None:
        self._engine = store or open_database(state, Base.metadata)
        self._clock = clock

    def set_usual(self, person: str, cases: int | None) -> None:
        """Note how many cases a person can decide a day; None: nobody says any more.

        Raises:
            VouchError: No such person, or a number below 0 or above ``MOST``.
        """
        self._set(person, [USUAL], cases)

    def set_days(self, person: str, first: date, last: date, cases: int | None) -> None:
        """Note how many cases a person can decide on each of some days.

        Args:
            person: Who.
            first: The first day.
            last: The last one.
            cases: How many on each, 0 to ``MOST``: 0 means away; None: as usual again.

        Raises:
            VouchError: No such person, a number out of its range, or days that are none.
        """
        count = (last - first).days + 1
        if not 1 <= count <= LONGEST:
            raise VouchError(f"days: {first} to {last}", f"1 to {LONGEST}, the first first")
        days = [(first + timedelta(days=n)).isoformat() for n in range(count)]
        self._set(person, days, cases)

    def _set(self, person: str, days: Sequence[str], cases: int | None) -> None:
        if cases is not None and not 0 <= cases <= MOST:
            raise VouchError(f"cases a day: got {cases}", f"0 to {MOST:,}")
        with writing(self._engine) as session:
            row = session.get(PersonRow, identity(person))
            if row is None:
                raise VouchError(f"{person}: no such person", "vouch review list")
            of_theirs = CapacityRow.person == row.identity
            session.execute(delete(CapacityRow).where(of_theirs, CapacityRow.day.in_(days)))
            if cases is not None:
                session.add_all(
                    CapacityRow(person=row.identity, day=day, cases=cases) for day in days
                )

    def usual(self) -> dict[str, int]:
        """Return how many cases a day people usually can decide, by identity."""
        with reading(self._engine) as session:
            rows = session.scalars(select(CapacityRow).filter_by(day=USUAL))
            return {row.person: row.cases for row in rows}

    def coming(self) -> list[Days]:
        """Return the days from today on that are not as usual, in rows of the same number."""
        today = self._clock().date().isoformat()
        query = select(CapacityRow, PersonRow.name).join(
            PersonRow, PersonRow.identity == CapacityRow.person
        )
        with reading(self._engine) as session:
            rows = session.execute(
                query.where(CapacityRow.day >= today).order_by(CapacityRow.person, CapacityRow.day)
            )
            return _joined([(name, date.fromisoformat(row.day), row.cases) for row, name in rows])

    def workloads(self, people: Sequence[Person]) -> list[Workload]:
        """Return what each person who may log in can still decide today, in their order."""
        today, usual, decided = self._clock().date(), self.usual(), self._decided()
        own = {identity(days.person): days for days in self.coming() if days.first <= today}
        return [
            _workload(person.name, own.get(identity(person.name)), usual, decided)
            for person in people
            if not person.disabled
        ]

    def _decided(self) -> dict[str, int]:
        """Count each person's decisions of today, by identity, without those taken back."""
        rows = (
            select(AnswerRow.person, func.count())
            .where(AnswerRow.kind.in_(COUNTS), stands())
            .where(AnswerRow.decided_at >= midnight(self._clock()))
            .group_by(AnswerRow.person)
        )
        with reading(self._engine) as session:
            return {identity(name): count for name, count in session.execute(rows)}


def _workload(
    name: str, own: Days | None, usual: dict[str, int], decided: dict[str, int]
) -> Workload:
    who = identity(name)
    return Workload(
        name=name,
        capacity=usual.get(who) if own is None else own.cases,
        decided=decided.get(who, 0),
        back=own.last + timedelta(days=1) if own is not None and own.cases == 0 else None,
    )


def _joined(days: Sequence[tuple[str, date, int]]) -> list[Days]:
    """Join days that follow each other and are alike; they come by person and day."""
    joined: list[Days] = []
    for person, day, cases in days:
        last = joined[-1] if joined else None
        follows = last and (last.person, last.cases) == (person, cases)
        if last and follows and day - last.last == timedelta(days=1):
            last.last = day
        else:
            joined.append(Days(person=person, first=day, last=day, cases=cases))
    return joined
