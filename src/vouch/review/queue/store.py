"""Cases put before people, each with what they are shown and why it was chosen.

Whether a case is decided does not stand here: the batches of decisions say it, so nothing can
disagree after a kill.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import JSON, Engine, ForeignKey, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from vouch.core.database import open_database, reading, writing
from vouch.review.queue.tables import (
    Base,
    GoldRow,
    LapsedRow,
    Seat,
    decided_since,
    is_free,
    is_open,
)


class Row(Base):
    """A case as it is stored."""

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("usecase", "origin", "entity"),)

    case: Mapped[str] = mapped_column(primary_key=True)
    usecase: Mapped[str] = mapped_column(index=True)
    origin: Mapped[str]
    entity: Mapped[str]
    stream: Mapped[str]
    propensity: Mapped[float | None]
    model: Mapped[str]
    scores: Mapped[list[float]] = mapped_column(JSON)
    prediction: Mapped[int]
    classes: Mapped[list[str] | None] = mapped_column(JSON)
    part: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    reasons: Mapped[list[Any]] = mapped_column(JSON)
    poor: Mapped[bool]
    stability: Mapped[float | None]
    unstable: Mapped[bool | None]
    context: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    out_at: Mapped[datetime]


class Again(Base):
    """A case that was put before one more reviewer."""

    __tablename__ = "cases_again"

    id: Mapped[int] = mapped_column(primary_key=True)
    case: Mapped[str] = mapped_column(ForeignKey("cases.case"), index=True)
    usecase: Mapped[str]
    out_at: Mapped[datetime]


@dataclass(frozen=True)
class Case:
    """One row put before people.

    Attributes:
        case: Its id, such as ``fraud-1f0c93ab27d4``.
        usecase: The use case.
        origin: The source's declaration; ids of two sources may be the same by chance.
        entity: The row's id.
        stream: Why it was chosen: ``random``, ``margin``, ``value``, ``disagreement``,
            ``novelty``, ``similar`` or ``holdout``.
        propensity: The chance it had of being chosen at random, or drawn from the holdout, 0 to 1;
            None in other streams.
        model: The version that scored it, such as ``fraud-simulated:3``; empty if it is blind.
        scores: Its probability of each class; none if it is blind.
        prediction: The number of the class the model chose.
        classes: The model's classes, class 0 first; None: an earlier release did not keep them.
        facts: What the row says, by column.
        reasons: What speaks for the prediction and against it: words and weight, heaviest first.
        poor: Whether the reasons follow the model too badly to be believed.
        stability: How much of the heaviest reasons runs with other random numbers share, 0 to 1;
            None: there was one run, or no chance in it, or an earlier release made the case.
        unstable: Whether that is too little; None: an earlier release made the case.
        out_at: When it was put before people (UTC, no zone).
        context: What the row stands among, see :class:`vouch.results.context.Context`; None: the
            use case tells nothing of it, or an earlier release made the case.
        part: ``training`` (scored out of fold), ``new`` (no model has learned from it yet) or
            ``holdout``; None: an earlier release did not keep it.
    """

    case: str
    usecase: str
    origin: str
    entity: str
    stream: str
    propensity: float | None
    model: str
    scores: list[float]
    prediction: int
    classes: list[str] | None
    facts: dict[str, Any]
    reasons: list[tuple[str, float]]
    poor: bool
    out_at: datetime
    part: str | None = None
    stability: float | None = None
    unstable: bool | None = None
    context: dict[str, Any] | None = None

    @property
    def blind(self) -> bool:
        """Whether reviewers see nothing of what a model thinks."""
        return not self.scores

    @property
    def shown(self) -> str:
        """Digest of the model's answer and reasons, as the page shows them; empty if blind."""
        if self.blind:
            return ""
        parts = [self.scores, self.prediction, self.reasons, self.poor, self.unstable]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def likely(self, names: Sequence[str]) -> list[float]:
        """Return the probabilities of classes by name; all alike if the model had others."""
        if not (classes := self._present(names)):
            return [1 / len(names)] * len(names)
        return [self.scores[classes.index(name)] for name in names]

    def predicted(self, names: Sequence[str]) -> str:
        """Return the name of the predicted class; nothing if the classes are others by now."""
        classes = self._present(names)
        return classes[self.prediction] if classes else ""

    def _present(self, names: Sequence[str]) -> Sequence[str]:
        """Return the model's classes in its own order; none if they are not these names."""
        classes = names if self.classes is None else self.classes
        return classes if len(self.scores) == len(names) and {*classes} == {*names} else ()


@dataclass(frozen=True)
class Work:
    """How much people have to do.

    Attributes:
        waiting: Decisions that are still wanted.
        oldest: When the oldest of these cases that nobody holds was put out; None: none waits.
        today: Decisions of the page since the moment asked about, without those taken back.
    """

    waiting: int
    oldest: datetime | None
    today: int


FIELDS = tuple(Case.__dataclass_fields__)


class Queue:
    """The cases of one use case's source.

    Args:
        state: The project's state folder.
        usecase: The use case.
        origin: The source's declaration.
        store: The store, where it is open already; None: open it.
    """

    def __init__(self, state: Path, usecase: str, origin: str, store: Engine | None = None) -> None:
        self._state = state
        self._usecase, self._origin = usecase, origin
        self._engine = store or open_database(state, Base.metadata)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock by which one process at a time changes the queue; others wait."""
        locks = self._state / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / f"{self._usecase}.reviews.lock"):
            yield

    def put(self, cases: Sequence[Case], moment: datetime) -> None:
        """Store new cases, and that known ones go before one more reviewer, all or none.

        Args:
            cases: The cases; one that stands there twice goes before two reviewers.
            moment: When (UTC, no zone).
        """
        with writing(self._engine) as session:
            known = set(session.scalars(select(Row.case).where(Row.usecase == self._usecase)))
            for case in cases:
                session.add(Seat(case=case.case, usecase=self._usecase, origin=self._origin))
                if case.case in known:
                    session.add(Again(case=case.case, usecase=self._usecase, out_at=moment))
                else:
                    session.add(Row(**{name: getattr(case, name) for name in FIELDS}))
                    session.flush()  # before what refers to it
                    known.add(case.case)

    def asked(self) -> dict[str, int]:
        """Return before how many reviewers each case was put."""
        mine = select(Row.case, func.count(Again.id)).outerjoin(Again, Again.case == Row.case)
        query = mine.filter(Row.usecase == self._usecase).group_by(Row.case)
        with reading(self._engine) as session:
            return {case: 1 + again for case, again in session.execute(query)}

    def all(self) -> list[Case]:
        """Return every case, in the order they were put out."""
        query = select(Row).filter_by(usecase=self._usecase, origin=self._origin)
        with reading(self._engine) as session:
            return [case_of(row) for row in session.scalars(query.order_by(Row.out_at, Row.case))]

    def find(self, case: str) -> Case | None:
        """Return a case by its id; None where there is none, or it was taken back."""
        with reading(self._engine) as session:
            row = session.get(Row, case)
            own = row and (row.usecase, row.origin) == (self._usecase, self._origin)
            return case_of(row) if row and own else None

    def count_since(self, moment: datetime) -> int:
        """Count how often the use case's cases were put out at a moment (UTC) or later."""
        with reading(self._engine) as session:
            return sum(
                session.scalar(
                    select(func.count())
                    .select_from(table)
                    .where(table.usecase == self._usecase, table.out_at >= moment)
                )
                or 0
                for table in (Row, Again)
            )

    def decided(self) -> set[tuple[str, str]]:
        """Return cases and people who sit at them with a decision of the page."""
        seated = select(Seat.case, Seat.person).where(
            Seat.usecase == self._usecase, Seat.origin == self._origin, Seat.answer.is_not(None)
        )
        with reading(self._engine) as session:
            return {(case, person or "") for case, person in session.execute(seated)}

    def work(self, since: datetime, moment: datetime) -> Work:
        """Count what waits and what was decided on the page.

        Args:
            since: From when on decisions are counted (UTC, no zone).
            moment: The present time (UTC, no zone), by which leases end.
        """
        mine = (Seat.usecase == self._usecase, Seat.origin == self._origin)
        oldest_free = func.min(Row.out_at).filter(is_free(moment))
        free = select(func.count(Seat.id), oldest_free).join(Row, Row.case == Seat.case)
        with reading(self._engine) as session:
            waiting, oldest = session.execute(free.where(*mine, is_open())).one()
            decided = session.scalar(decided_since(self._usecase, self._origin, since))
            return Work(waiting, oldest, decided or 0)

    def withdraw(self, cases: Sequence[str]) -> int:
        """Forget cases, which may then be chosen again, but for those somebody answered.

        Returns:
            How many were forgotten.
        """
        with writing(self._engine) as session:
            answered = set(session.scalars(select(Seat.case).where(Seat.answer.is_not(None))))
            forgotten = [case for case in cases if case not in answered]
            for table in (Seat, Again, LapsedRow, GoldRow, Row):
                session.execute(delete(table).where(table.case.in_(forgotten)))
            return len(forgotten)


def case_of(row: Row) -> Case:
    """Return a case that was stored."""
    return Case(**{name: getattr(row, name) for name in FIELDS})
