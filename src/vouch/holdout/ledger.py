"""The append-only ledger: which holdouts were cut, what they were asked, and what it cost.

Six tables, to which rows are only ever added; the database itself refuses anything else.
A question is charged in one committed transaction and answered in a later one, so a process
killed in between has paid and may ask again without paying twice.
"""

import getpass
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, TypedDict

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, func, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.core.database import append_only, open_database
from vouch.core.errors import VouchError
from vouch.results.evaluate import HoldoutStatus

Status = Literal["open", "spent", "retired"]


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


class Reserve(Base):
    """The share of parties whose rows after a holdout are kept for the next one, set once."""

    __tablename__ = "reserves"

    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), primary_key=True)
    share: Mapped[float]
    reserved_at: Mapped[datetime]


class Opening(Base):
    """A holdout's first question, which fixes its budget."""

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
    """The holdout's answer; the first answer to a question is final."""

    __tablename__ = "answers"

    question: Mapped[int] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    answered_at: Mapped[datetime]


class Drawn(Base):
    """A row of a holdout that people were asked about, and the chance it had to be drawn.

    Each wave of drawing adds a row for all that were drawn so far, with their chances by then.
    """

    __tablename__ = "drawn"

    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), primary_key=True)
    wave: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    chance: Mapped[float]
    drawn_at: Mapped[datetime]


for _table in Base.metadata.tables.values():
    append_only(_table)


@dataclass(frozen=True)
class HoldoutKey:
    """Identifies a holdout: use case, source, set of files, and generation, counted from 1."""

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
    answer: Mapping[str, Any] | None


class RefusedError(VouchError):
    """The holdout does not answer: it is spent or retired."""


class Entry(TypedDict):
    """A question in the ledger, and its answer if there is one yet."""

    question: int
    usecase: str
    source: str
    set: str
    generation: int
    asked_at: str | None
    actor: str
    kind: str
    metric: str
    model: str
    rival: str | None
    content: str
    cost: int
    answered_at: str | None
    answer: dict[str, Any] | None


class Ledger:
    """Decides which questions a holdout may still be asked.

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
        """Return the recorded cut, or record the proposed one: a holdout is cut once.

        Args:
            key: Which holdout.
            propose: Computes boundary and until, or None to split by hash; called only if
                nothing is recorded.
        """
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
        if holdout is None:
            return self._record(key, propose())
        return Cut(holdout.boundary, holdout.until)

    def _record(self, key: HoldoutKey, proposed: tuple[datetime, datetime] | None) -> Cut:
        boundary, until = proposed or (None, None)
        with Session(self._engine) as session, session.begin():
            holdout = _holdout(session, key)  # another process may have been faster
            if holdout is None:
                holdout = Holdout(
                    usecase=key.usecase,
                    source=key.source,
                    set=key.set,
                    generation=key.generation,
                    boundary=_naive(boundary),
                    until=_naive(until),
                    cut_at=self._clock(),
                )
                session.add(holdout)
            return Cut(holdout.boundary, holdout.until)

    def reserve(self, key: HoldoutKey, share: float) -> float:
        """Return the recorded reserve, or record the proposed one: rows left over have trained.

        Args:
            key: A holdout that was cut.
            share: Share of the parties, above 0 and at most 1.
        """
        with Session(self._engine) as session, session.begin():
            holdout = _locked(session, key)
            reserve = session.get(Reserve, holdout.id)
            if reserve is None and _retired(session, holdout):
                return 1.0  # the next one was cut by a release that kept all rows
            if reserve is None:
                reserve = Reserve(holdout=holdout.id, share=share, reserved_at=self._clock())
                session.add(reserve)
            return reserve.share

    def reserved(self, key: HoldoutKey) -> float | None:
        """Return a holdout's recorded reserve; None where there is no holdout or no reserve."""
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            reserve = session.get(Reserve, holdout.id) if holdout else None
            return reserve.share if reserve else None

    def waves(self, key: HoldoutKey) -> list[dict[str, float]]:
        """Return, by wave, the rows of a holdout that were drawn by then and their chances.

        Returns:
            By entity, in the order in which they were drawn; none where there is no such holdout.
        """
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            return _waves(session, holdout.id) if holdout else []

    def draw(self, key: HoldoutKey, chances: Mapping[str, float]) -> None:
        """Record a wave of drawing.

        Args:
            key: A holdout that was cut.
            chances: Of all rows drawn so far and the new ones, by entity, in their order.
        """
        with Session(self._engine) as session, session.begin():
            holdout = _locked(session, key)
            last = session.scalar(select(func.max(Drawn.wave)).filter_by(holdout=holdout.id)) or 0
            wave, moment = {"holdout": holdout.id, "wave": last + 1}, self._clock()
            session.add_all(
                Drawn(**wave, entity=entity, place=place, chance=chance, drawn_at=moment)
                for place, (entity, chance) in enumerate(chances.items())
            )

    def charge(
        self, key: HoldoutKey, inquiry: Inquiry, budget: int, rows: int, positives: int
    ) -> Charge:
        """Charge a question, unless it was charged before.

        Args:
            key: Which holdout is asked.
            inquiry: The question.
            budget: Questions the holdout may answer; counts at its first question only.
            rows: The holdout's rows, recorded at its first question.
            positives: The positives among them, recorded likewise.

        Returns:
            The question's number and, if it was answered before, that answer.

        Raises:
            RefusedError: The budget is spent, or a newer generation was cut, whose training rows
                these are.
            VouchError: No such holdout was ever cut.
        """
        with Session(self._engine) as session, session.begin():
            holdout = _locked(session, key)
            earlier = _earlier_question(session, inquiry)
            if earlier is not None:
                answer = session.get(Answer, earlier.id)
                return Charge(earlier.id, answer.answer if answer else None)
            opening = session.get(Opening, holdout.id) or self._open(
                session, holdout, budget, rows, positives
            )
            _refuse(session, holdout, key, inquiry, opening.budget)
            question = Question(
                **asdict(inquiry), holdout=holdout.id, actor=actor(), asked_at=self._clock()
            )
            session.add(question)
            session.flush()
            return Charge(question.id, None)

    def _open(
        self, session: Session, holdout: Holdout, budget: int, rows: int, positives: int
    ) -> Opening:
        opening = Opening(
            holdout=holdout.id,
            rows=rows,
            positives=positives,
            budget=budget,
            opened_at=self._clock(),
        )
        session.add(opening)
        return opening

    def answer(self, question: int, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record the holdout's answer.

        Args:
            question: The charged question's number.
            answer: JSON without NaN.

        Returns:
            The recorded answer: another process's, if it was faster.
        """
        with Session(self._engine) as session, session.begin():
            recorded = session.get(Answer, question)
            if recorded is None:
                recorded = Answer(question=question, answer=dict(answer), answered_at=self._clock())
                session.add(recorded)
            return recorded.answer

    def status(self) -> list[HoldoutStatus]:
        """Return every holdout's cut, budget and what is spent, in the order they were cut."""
        with Session(self._engine) as session:
            holdouts = session.scalars(select(Holdout).order_by(Holdout.id)).all()
            return [_status(session, holdout) for holdout in holdouts]

    def find(self, key: HoldoutKey) -> HoldoutStatus | None:
        """Return one holdout's cut, budget and what is spent; None if it was never cut."""
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            return _status(session, holdout) if holdout else None

    def log(self) -> list[Entry]:
        """Return every question and its answer (None: charged, never answered), oldest first."""
        query = (
            select(Question, Holdout, Answer)
            .join(Holdout, Question.holdout == Holdout.id)
            .outerjoin(Answer, Answer.question == Question.id)
            .order_by(Question.id)
        )
        with Session(self._engine) as session:
            return [_entry(*row) for row in session.execute(query)]


def now() -> datetime:
    """Return the time in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def actor() -> str:
    """Return who asks: the operating system's user."""
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


def _waves(session: Session, holdout: int) -> list[dict[str, float]]:
    query = select(Drawn).filter_by(holdout=holdout).order_by(Drawn.wave, Drawn.place)
    rows = groupby(session.scalars(query), key=attrgetter("wave"))
    return [{row.entity: row.chance for row in wave} for _, wave in rows]


def _locked(session: Session, key: HoldoutKey) -> Holdout:
    """Return the holdout, locked against other charges until the transaction ends."""
    holdout = _holdout(session, key)
    if holdout is None:
        raise VouchError(f"the ledger knows no holdout of {key}", "run the stage extract first")
    # SQLite has locked the whole store already; PostgreSQL locks this row
    session.refresh(holdout, with_for_update=True)
    return holdout


def _earlier_question(session: Session, inquiry: Inquiry) -> Question | None:
    """Find the question if it was charged before.

    A champion has no rival but itself, so it gets the answer that made it champion.
    """
    same = select(Question).where(Question.digest == inquiry.digest)
    if inquiry.rival != inquiry.model:
        same = same.where(Question.rival == inquiry.rival)
    return session.scalars(same.order_by(Question.id)).first()


def _refuse(
    session: Session, holdout: Holdout, key: HoldoutKey, inquiry: Inquiry, budget: int
) -> None:
    if _retired(session, holdout):
        reason = f"the holdout of {key} is retired: its rows have become training data"
        raise RefusedError(reason, "run the pipeline on the newest generation")
    spent = _spent(session, holdout.id, inquiry.content)
    if spent + inquiry.cost > budget:
        reason = f"the holdout of {key} is spent: {spent} of {budget} questions asked"
        hint = f"bring newer rows (vouch run {key.usecase} --add FILE), then: vouch holdout rotate"
        raise RefusedError(reason, f"{hint} {key.usecase}")


def _retired(session: Session, holdout: Holdout) -> bool:
    newer = select(Holdout.id).where(
        Holdout.usecase == holdout.usecase,
        Holdout.source == holdout.source,
        Holdout.set == holdout.set,
        Holdout.generation > holdout.generation,
    )
    return session.scalars(newer).first() is not None


def _spent(session: Session, holdout: int, content: str = "") -> int:
    """Sum what was charged to a holdout, and to the same sealed rows under another name."""
    charged = or_(Question.holdout == holdout, Question.content == content)
    return int(
        session.scalar(select(func.coalesce(func.sum(Question.cost), 0)).where(charged)) or 0
    )


def _status(session: Session, holdout: Holdout) -> HoldoutStatus:
    opening, spent = session.get(Opening, holdout.id), _spent(session, holdout.id)
    status: Status = "spent" if opening and spent >= opening.budget else "open"
    if _retired(session, holdout):
        status = "retired"
    return {
        "usecase": holdout.usecase,
        "source": holdout.source,
        "set": holdout.set,
        "generation": holdout.generation,
        "boundary": _text(holdout.boundary),
        "until": _text(holdout.until),
        "rows": opening.rows if opening else None,
        "positives": opening.positives if opening else None,
        "budget": opening.budget if opening else None,
        "spent": spent,
        "left": opening.budget - spent if opening else None,
        "opened_at": _text(opening.opened_at if opening else None),
        "status": status,
    }


def _entry(question: Question, holdout: Holdout, answer: Answer | None) -> Entry:
    return {
        "question": question.id,
        "usecase": holdout.usecase,
        "source": holdout.source,
        "set": holdout.set,
        "generation": holdout.generation,
        "asked_at": _text(question.asked_at),
        "actor": question.actor,
        "kind": question.kind,
        "metric": question.metric,
        "model": question.model,
        "rival": question.rival or None,
        "content": question.content,
        "cost": question.cost,
        "answered_at": _text(answer.answered_at if answer else None),
        "answer": answer.answer if answer else None,
    }


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
