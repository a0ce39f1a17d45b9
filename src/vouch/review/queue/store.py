"""Cases put before people, each with what they are shown and why it was chosen.

Whether a case is decided does not stand here: the batches of decisions say it, so nothing can
disagree after a kill.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import JSON, UniqueConstraint, delete, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.core.database import open_database


class Base(DeclarativeBase):
    """The review store's tables."""


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
    out_at: Mapped[datetime]


@dataclass(frozen=True)
class Case:
    """One row put before people.

    Attributes:
        case: Its id, such as ``fraud-1f0c93ab27d4``.
        usecase: The use case.
        origin: The source's declaration; ids of two sources may be the same by chance.
        entity: The row's id.
        stream: Why it was chosen: ``random``, ``margin``, ``value``, ``disagreement`` or
            ``novelty``.
        propensity: The chance it had of being chosen at random, 0 to 1; None in other streams.
        model: The version that scored it, such as ``fraud-simulated:3``.
        scores: Its probability of each class.
        prediction: The number of the class the model chose.
        classes: The model's classes, class 0 first; None: an earlier release did not keep them.
        facts: What the row says, by column.
        reasons: What speaks for the prediction and against it: words and weight, heaviest first.
        poor: Whether the reasons follow the model too badly to be believed.
        out_at: When it was put before people (UTC, no zone).
        part: ``training`` (scored out of fold), or ``new`` (no model has learned from it yet);
            None: an earlier release did not keep it.
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


FIELDS = tuple(Case.__dataclass_fields__)


class Queue:
    """The cases of one use case's source.

    Args:
        state: The project's state folder.
        usecase: The use case.
        origin: The source's declaration.
    """

    def __init__(self, state: Path, usecase: str, origin: str) -> None:
        self._state = state
        self._usecase, self._origin = usecase, origin
        self._engine = open_database(state, Base.metadata)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock by which one process at a time changes the queue; others wait."""
        locks = self._state / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / f"{self._usecase}.reviews.lock"):
            yield

    def put(self, cases: Sequence[Case]) -> None:
        """Store new cases, all or none."""
        rows = [Row(**{name: getattr(case, name) for name in FIELDS}) for case in cases]
        with Session(self._engine) as session, session.begin():
            session.add_all(rows)

    def all(self) -> list[Case]:
        """Return every case, in the order they were put out."""
        query = select(Row).filter_by(usecase=self._usecase, origin=self._origin)
        with Session(self._engine) as session:
            rows = session.scalars(query.order_by(Row.out_at, Row.case)).all()
            return [Case(**{name: getattr(row, name) for name in FIELDS}) for row in rows]

    def count_since(self, moment: datetime) -> int:
        """Count the use case's cases that were put out at a moment (UTC) or later."""
        query = select(func.count()).select_from(Row)
        query = query.where(Row.usecase == self._usecase, Row.out_at >= moment)
        with Session(self._engine) as session:
            return int(session.scalar(query) or 0)

    def withdraw(self, cases: Sequence[str]) -> None:
        """Forget cases, which may then be chosen again."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(Row).where(Row.case.in_(list(cases))))
