"""The append-only ledger: which holdouts were cut, what they were asked, and what it cost.

Four tables, to which rows are only ever added; the database itself refuses anything else.
A question is charged in one committed transaction and answered in a later one, so a process
killed in between has paid and may ask again without paying twice.
"""

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.database import append_only, open_database
from vouch.errors import VouchError

Status = str  # open | spent | retired


class Base(DeclarativeBase):
    """The ledger's tables."""


class Holdout(Base):
    """One holdout, cut once."""

    __tablename__ = "holdouts"
    __table_args__ = (UniqueConstraint("usecase", "source", "set", "generation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    usecase: Mapped[str]
    source: Mapped[str]
    set: Mapped[str]
    generation: Mapped[int]
    boundary: Mapped[datetime | None]
    until: Mapped[datetime | None]
    cut_at: Mapped[datetime]


class Opening(Base):
    """A holdout's first question: from here on its budget stands."""

    __tablename__ = "openings"

    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), primary_key=True)
    rows: Mapped[int]
    positives: Mapped[int]
    budget: Mapped[int]
    opened_at: Mapped[datetime]


class Question(Base):
    """A question and what it cost: written before anything is answered."""

    __tablename__ = "questions"
    __table_args__ = (UniqueConstraint("digest", "rival"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), index=True)
    digest: Mapped[str]
    rival: Mapped[str]
    content: Mapped[str]
    model: Mapped[str]
    metric: Mapped[str]
    kind: Mapped[str]
    cost: Mapped[int]
    actor: Mapped[str]
    asked_at: Mapped[datetime]


class Answer(Base):
    """What the holdout said: the first answer to a question is its answer for ever."""

    __tablename__ = "answers"

    question: Mapped[int] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    answered_at: Mapped[datetime]


for _table in Base.metadata.tables.values():
    append_only(_table)


@dataclass(frozen=True)
class HoldoutKey:
    """Which holdout: a use case's source, its set of files, and the how-many-eth cut of it."""

    usecase: str
    source: str
    set: str
    generation: int

    def __str__(self) -> str:
        return f"{self.usecase} {self.source} set {self.set} generation {self.generation}"


@dataclass(frozen=True)
class Cut:
    """A holdout's rows: ``boundary <= time <= until`` (UTC); both None when split by hash."""

    boundary: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class Inquiry:
    """A question before it is charged.

    Attributes:
        digest: Digest of everything that determines the answer, but for the rival.
        rival: Digest of the champion it is compared with; empty for none.
        content: Digest of the sealed holdout.
        model: Digest of the model asked about.
        metric: What is asked, in words.
        kind: ``candidate`` or ``mean``.
        cost: Questions charged, at least 1.
    """

    digest: str
    rival: str
    content: str
    model: str
    metric: str
    kind: str
    cost: int = 1


@dataclass(frozen=True)
class Charge:
    """A charged question and, if it was answered before, its answer."""

    question: int
    answer: dict[str, Any] | None


class RefusedError(VouchError):
    """The holdout does not answer: it is spent or retired."""


class Ledger:
    """The one place that knows what a holdout may still be asked.

    Args:
        state: The project's state folder; the ledger is in its ``vouch.db``.
        clock: Tells the time, UTC without a zone.
    """

    def __init__(self, state: Path, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or now
        try:
            self._engine = open_database(state, Base.metadata)
        except OperationalError as error:
            raise VouchError(
                f"{state}/vouch.db: {error.orig}", "check the disk, try again"
            ) from None

    def cut(self, key: HoldoutKey, propose: Callable[[], tuple[datetime, datetime] | None]) -> Cut:
        """Give the recorded cut, or record the proposed one: a holdout is cut once.

        Args:
            key: Which holdout.
            propose: Computes boundary and until, or None to split by hash; called only if
                nothing is recorded.
        """
        with Session(self._engine) as session:
            found = _holdout(session, key)
        if found is None:
            return self._record(key, propose())
        return Cut(found.boundary, found.until)

    def _record(self, key: HoldoutKey, proposed: tuple[datetime, datetime] | None) -> Cut:
        boundary, until = proposed or (None, None)
        with Session(self._engine) as session, session.begin():
            found = _holdout(session, key)  # another process may have been faster
            if found is None:
                found = Holdout(
                    usecase=key.usecase,
                    source=key.source,
                    set=key.set,
                    generation=key.generation,
                    boundary=_naive(boundary),
                    until=_naive(until),
                    cut_at=self._clock(),
                )
                session.add(found)
            return Cut(found.boundary, found.until)


def now() -> datetime:
    """Tell the time in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def actor() -> str:
    """Name who asks: the operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _naive(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC).replace(tzinfo=None) if time and time.tzinfo else time


def _holdout(session: Session, key: HoldoutKey) -> Holdout | None:
    return session.scalar(
        select(Holdout).filter_by(
            usecase=key.usecase, source=key.source, set=key.set, generation=key.generation
        )
    )
