"""The review store's tables of people: who decides which case, and what they said."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from vouch.core.database import append_only

COUNTS = ("decision", "settled")
"""Kinds of answers that say which class a case is of."""


class Base(DeclarativeBase):
    """The review store's tables."""


class Seat(Base):
    """A place for one reviewer at a case; a case that two people decide has two.

    A seat is free, leased (``person`` and ``until``) or taken (``answer``, or ``by_file``). All of
    it follows from the answers but for the leases, which end by themselves. One that is leased
    ``ahead`` was not put before its person yet. ``closed_by`` is the number of a lead's word that
    ended its case: nobody else gets it, until that word is taken back.
    """

    __tablename__ = "seats"
    __table_args__ = (
        Index("seats_in_line", "usecase", "origin", "taken", "gold", "closed_by", "id"),
        Index("seats_of", "person", "taken"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case: Mapped[str] = mapped_column(ForeignKey("cases.case"), index=True)
    usecase: Mapped[str]
    origin: Mapped[str]
    taken: Mapped[bool] = mapped_column(default=False)
    person: Mapped[str | None]
    token: Mapped[str | None] = mapped_column(index=True)
    ahead: Mapped[bool | None]
    leased_at: Mapped[datetime | None]
    shown_at: Mapped[datetime | None]
    until: Mapped[datetime | None]
    answer: Mapped[int | None]
    by_file: Mapped[bool] = mapped_column(default=False)
    gold: Mapped[bool] = mapped_column(default=False)
    closed_by: Mapped[int | None]


class AnswerRow(Base):
    """What a person said of a case; rows are only added, and the number is their order."""

    __tablename__ = "review_answers"
    __table_args__ = (
        Index("answers_of", "person", "case"),
        Index("answers_on", "person", "decided_at"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    usecase: Mapped[str] = mapped_column(index=True)
    origin: Mapped[str]
    case: Mapped[str] = mapped_column(index=True)  # stays when the case is taken back
    person: Mapped[str]
    kind: Mapped[str]
    word: Mapped[str | None]
    comment: Mapped[str]
    seconds: Mapped[float]
    decided_at: Mapped[datetime]
    session: Mapped[str]
    token: Mapped[str] = mapped_column(unique=True)
    undoes: Mapped[int | None] = mapped_column(unique=True)
    model: Mapped[str]
    explanation: Mapped[str]
    opinion: Mapped[bool]
    guideline: Mapped[str]
    gold: Mapped[bool] = mapped_column(default=False)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class LapsedRow(Base):
    """A lease that went to somebody else before it was answered."""

    __tablename__ = "lapsed_leases"

    token: Mapped[str] = mapped_column(primary_key=True)
    case: Mapped[str]
    person: Mapped[str]


class GoldRow(Base):
    """A case whose answer is known, by which reviewers are measured."""

    __tablename__ = "gold"

    case: Mapped[str] = mapped_column(ForeignKey("cases.case"), primary_key=True)
    word: Mapped[str]
    person: Mapped[str]
    set_at: Mapped[datetime]


class ClearedRow(Base):
    """That a lead lifted a person's flags: their answers up to a number count from then on."""

    __tablename__ = "cleared_flags"

    id: Mapped[int] = mapped_column(primary_key=True)
    usecase: Mapped[str] = mapped_column(index=True)
    origin: Mapped[str]
    person: Mapped[str]
    number: Mapped[int]
    lead: Mapped[str]
    cleared_at: Mapped[datetime]


class GuidelineRow(Base):
    """A guideline that came into force; rows are only added, and the number is their order."""

    __tablename__ = "guidelines"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    usecase: Mapped[str] = mapped_column(index=True)
    version: Mapped[str]
    text: Mapped[str]
    author: Mapped[str]
    saved_at: Mapped[datetime]


class CapacityRow(Base):
    """How many cases a person can decide: on a day, or on every other one (``USUAL``)."""

    __tablename__ = "capacities"

    person: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    cases: Mapped[int]


class PersonRow(Base):
    """A person."""

    __tablename__ = "people"

    identity: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    password: Mapped[str | None]
    link: Mapped[str | None] = mapped_column(unique=True)
    link_until: Mapped[datetime | None]
    disabled: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]


class SessionRow(Base):
    """A logged-in browser."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(index=True)
    csrf: Mapped[str]
    until: Mapped[datetime]
    seen_at: Mapped[datetime]


class FailureRow(Base):
    """A wrong password."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]


UNDO = aliased(AnswerRow)


def stands() -> ColumnElement[bool]:
    """Return whether an answer of a query was not taken back."""
    return ~exists().where(UNDO.undoes == AnswerRow.number)


def is_open() -> ColumnElement[bool]:
    """Return whether a seat of a query waits for an answer."""
    return and_(~Seat.taken, ~Seat.gold, Seat.closed_by.is_(None))


def is_free(moment: datetime) -> ColumnElement[bool]:
    """Return whether nobody holds a seat of a query: its lease may have ended.

    Args:
        moment: The present time (UTC, no zone).
    """
    return or_(Seat.person.is_(None), Seat.until < moment)


def decided_since(usecase: str, origin: str, since: datetime) -> Select[tuple[int]]:
    """Return a query that counts the page's decisions, without those that were taken back.

    Args:
        usecase: The use case.
        origin: The source's declaration.
        since: From when on (UTC, no zone).
    """
    return (
        select(func.count(AnswerRow.number))
        .filter_by(usecase=usecase, origin=origin)
        .where(AnswerRow.kind.in_(COUNTS), AnswerRow.decided_at >= since, stands())
    )


append_only(Base.metadata.tables["review_answers"])
append_only(Base.metadata.tables["cleared_flags"])
append_only(Base.metadata.tables["guidelines"])
