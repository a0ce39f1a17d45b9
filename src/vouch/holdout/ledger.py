"""The append-only ledger: which holdouts were cut, what they were asked, and what it cost.

Tables to which rows are only ever added; the database itself refuses anything else, and each row
has its link in a hash chain (:mod:`vouch.holdout.chain`). Before anything is written the whole
ledger is compared with the chain, and the chain with its heads recorded elsewhere.
A question is charged in one committed transaction and answered in a later one, so a process
killed in between has paid and may ask again without paying twice.
"""

import getpass
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
from sqlalchemy import func, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from vouch.core.database import open_database, place
from vouch.core.errors import PassingError, VouchError
from vouch.holdout import chain, spending, witness
from vouch.holdout.chain import Fault, Recorded, TamperedError
from vouch.holdout.mechanisms.limits import FREE
from vouch.holdout.rows import EVERY, Identities
from vouch.holdout.spending import Inherited
from vouch.holdout.tables import (
    Answer,
    Base,
    Blindness,
    Drawn,
    Holdout,
    Opening,
    Question,
    Refund,
    Reserve,
    Rotation,
    Rows,
    Slot,
)
from vouch.results.evaluate import HoldoutStatus
from vouch.results.holdouts import Head

if TYPE_CHECKING:
    from vouch.results.extract import Extracted
    from vouch.results.lineage import Lineage

Status = Literal["open", "spent", "retired"]


@dataclass(frozen=True)
class HoldoutKey:
    """Identifies a holdout: use case, source, set of files, and generation, counted from 1."""

    usecase: str
    source: str
    set: str
    generation: int

    @classmethod
    def of(cls, result: "Extracted | Lineage") -> "HoldoutKey":
        """Return the key of the holdout that an extract sealed, or beside which a model learned."""
        return cls(result.usecase, result.source, result.set, result.generation)

    def __str__(self) -> str:
        return f"{self.usecase} {self.source} set {self.set} generation {self.generation}"


@dataclass(frozen=True)
class Cut:
    """A holdout's rows: ``boundary <= time <= until`` (UTC); both None when split by hash."""

    boundary: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class Parties:
    """Of rows without time, which parties are held out and which kept, by numbers from 0 to 1.

    Attributes:
        first: From this number on they are in the holdout.
        last: From this one on they are kept for later holdouts.
        kept: From this one on they train; so do those below ``first``, which were held out before.
    """

    first: float
    last: float
    kept: float


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


@dataclass(frozen=True)
class Verified:
    """What a verification compared, and in what it disagreed.

    Attributes:
        links: Links of the chain.
        rows: Rows of the ledger's tables.
        records: Where heads are recorded, in words.
        others: Records of other ledgers: forgotten ones, or other projects' on a shared server.
        faults: What disagrees; empty where all agree.
    """

    links: int
    rows: int
    records: tuple[str, ...]
    others: tuple[str, ...]
    faults: tuple[Fault, ...]


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
        state: The project's state folder; the ledger is in its ``vouch.db``, or in the database
            that ``VOUCH_DATABASE_URL`` names.
        clock: Tells the time, UTC without a zone.

    Every method that writes raises a TamperedError, and writes nothing, where the ledger, its
    chain and the heads recorded outside disagree.
    """

    def __init__(self, state: Path, clock: Callable[[], datetime] | None = None) -> None:
        self._state, self._clock = state, clock or now
        try:
            self._engine = open_database(state, Base.metadata)
        except OperationalError as error:
            raise PassingError(
                f"{place(state)}: {error.orig}", "check the disk, try again"
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Open a transaction on a ledger that agrees with all that is recorded of it."""
        with Session(self._engine) as session, session.begin():
            self._check(session)
            yield session
            newest = chain.head(session)
        if newest is not None:  # killed before: the next one writes it
            witness.note(self._state, newest)

    def _check(self, session: Session) -> None:
        """Compare the ledger with its records; one of an earlier release gets its chain now."""
        records = witness.recorded(self._state, session)
        if not records and chain.head(session) is None:
            forgotten = witness.load(self._state).forgotten
            chain.begin(session, forgotten[-1].head if forgotten else None)
        elif faults := [*chain.faults(session, records), *spending.refunds(session)]:
            raise TamperedError(place(self._state), faults)

    def head(self) -> Head | None:
        """Return the newest link of the chain; None where there is none yet."""
        with Session(self._engine) as session:
            return chain.head(session)

    def head_of(self, question: int) -> Head | None:
        """Return the link of a question's answer; None while it has none."""
        with Session(self._engine) as session:
            return chain.head_of(session, "answers", question)

    def verify(self, more: Sequence[Recorded] = ()) -> Verified:
        """Compare tables, chain and recorded heads, whole.

        Args:
            more: Heads from a tracking server; those of other ledgers than this one are not ours.
        """
        with Session(self._engine) as session, session.begin():
            mine, newest = witness.recorded(self._state, session), chain.head(session)
            served = [each for each in more if newest and each.head.ledger == newest.ledger]
            compared = [*mine, *served]
            forgotten = witness.load(self._state).forgotten
            faults = [
                *chain.faults(session, compared),
                *spending.faults(session),
                *spending.refunds(session),
                *chain.of_beginning(session, forgotten[-1].head if forgotten else None),
            ]
            rows = chain.count(session)
        others = [f"a ledger forgotten {each.at} by {each.who}" for each in forgotten]
        others += [record.where for record in more if record not in served]
        where = tuple(record.where for record in compared)
        links = newest.number if newest else 0
        return Verified(links, rows, where, tuple(others), tuple(faults))

    def cut(self, key: HoldoutKey, propose: Callable[[], tuple[datetime, datetime] | None]) -> Cut:
        """Return the recorded cut, or record the proposed one: a holdout is cut once.

        Args:
            key: Which holdout.
            propose: Computes boundary and until, or None to split by hash; called only if
                nothing is recorded.
        """
        with self._writing() as session:
            holdout = _holdout(session, key)
            cut = Cut(holdout.boundary, holdout.until) if holdout else None
        return cut or self._record(key, propose())

    def _record(self, key: HoldoutKey, proposed: tuple[datetime, datetime] | None) -> Cut:
        boundary, until = proposed or (None, None)
        with self._writing() as session:
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
                chain.append(session, holdout)
            return Cut(holdout.boundary, holdout.until)

    def foresee(self, key: HoldoutKey, propose: Callable[[], tuple[datetime, datetime]]) -> Cut:
        """Return what :meth:`cut` would, and record nothing."""
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            return Cut(holdout.boundary, holdout.until) if holdout else Cut(*propose())

    def take(self, key: HoldoutKey, share: float, reserve: float) -> Parties:
        """Return the recorded parties of a holdout of rows without time, or record the next ones.

        The first holdout of a set also decides which parties are kept for all later ones: what
        trained once can be held out no more.

        Args:
            key: Which holdout; it is cut if it was not.
            share: Share of the parties in it, above 0 and at most 0.5.
            reserve: Share of the parties kept for later ones, above 0.

        Raises:
            VouchError: None are kept any more.
        """
        with self._writing() as session:
            holdout, earlier = _holdout(session, key), _before(session, key)
            slot = session.get(Slot, holdout.id) if holdout else None
            if slot is None:
                parties = _parties(key, share, reserve, holdout is not None, earlier)
                if holdout is None:
                    moment, names = self._clock(), asdict(key)
                    holdout = Holdout(**names, boundary=None, until=None, cut_at=moment)
                    chain.append(session, holdout)
                slot = Slot(holdout=holdout.id, **asdict(parties), taken_at=self._clock())
                chain.append(session, slot)
            return Parties(slot.first, slot.last, slot.kept)

    def foresee_take(self, key: HoldoutKey, share: float, reserve: float) -> Parties:
        """Return what :meth:`take` would, and record nothing."""
        with Session(self._engine) as session:
            holdout, earlier = _holdout(session, key), _before(session, key)
            slot = session.get(Slot, holdout.id) if holdout else None
            if slot is None:
                return _parties(key, share, reserve, holdout is not None, earlier)
            return Parties(slot.first, slot.last, slot.kept)

    def reserve(self, key: HoldoutKey, share: float) -> float:
        """Return the recorded reserve, or record the proposed one: rows left over have trained.

        Args:
            key: A holdout that was cut.
            share: Share of the parties, above 0 and at most 1.
        """
        with self._writing() as session:
            holdout = _existing(session, key)
            reserve = session.get(Reserve, holdout.id)
            if reserve is None and _retired(session, holdout):
                return 1.0  # the next one was cut by a release that kept all rows
            if reserve is None:
                reserve = Reserve(holdout=holdout.id, share=share, reserved_at=self._clock())
                chain.append(session, reserve)
            return reserve.share

    def foresee_reserve(self, key: HoldoutKey, share: float) -> float:
        """Return what :meth:`reserve` would, and record nothing; the holdout may be uncut."""
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            reserve = session.get(Reserve, holdout.id) if holdout else None
            if holdout and reserve is None and _retired(session, holdout):
                return 1.0
            return reserve.share if reserve else share

    def reserve_of_previous(self, key: HoldoutKey) -> float | None:
        """Return what was kept for a holdout while the one before it was in force.

        Returns:
            The share of the parties; None for the first generation, and where an earlier release
            kept all rows.
        """
        with Session(self._engine) as session:
            holdout = _holdout(session, replace(key, generation=key.generation - 1))
            reserve = session.get(Reserve, holdout.id) if holdout else None
            return reserve.share if reserve else None

    def rotate(self, key: HoldoutKey) -> None:
        """Record that a generation is opened: only then it can be cut, if it is not the first.

        Args:
            key: The generation that the next run cuts.
        """
        with self._writing() as session:
            if not _is_opened(session, key):
                entry = Rotation(**asdict(key), actor=actor(), rotated_at=self._clock())
                chain.append(session, entry)

    def check_opened(self, key: HoldoutKey) -> None:
        """Check that a generation was opened: another number is another cut.

        Raises:
            VouchError: It neither is the first one, nor was it cut or opened by a rotation.
        """
        with Session(self._engine) as session:
            if _is_opened(session, key):
                return
            newest = _newest(session, key)
        raise VouchError(
            f"data/inputs.yaml: usecases.{key.usecase}.generation: got {key.generation}, but the "
            f"ledger, {place(self._state)}, knows no rotation of set {key.set} to it",
            f"set it to {newest}; then, for the next one: vouch holdout rotate {key.usecase}; if "
            "it was rotated elsewhere, bring that ledger",
        )

    def newest(self, key: HoldoutKey) -> int:
        """Return the newest generation of a set that was cut or opened; 1 where there is none."""
        with Session(self._engine) as session:
            return _newest(session, key)

    def others(self, key: HoldoutKey) -> list[HoldoutKey]:
        """Return the holdouts of the same source that this one does not follow, oldest first.

        Args:
            key: Which holdout.

        Returns:
            Those that were cut, of other sets or later generations; none that is retired.
        """
        query = select(Holdout).filter_by(usecase=key.usecase, source=key.source)
        with Session(self._engine) as session:
            return [
                HoldoutKey(each.usecase, each.source, each.set, each.generation)
                for each in session.scalars(query.order_by(Holdout.id))
                if not _retired(session, each)
                and (each.set != key.set or each.generation > key.generation)
            ]

    def recorded_cut(self, key: HoldoutKey) -> tuple[Cut, Parties | None]:
        """Return the ends of a holdout that was cut, and its parties where it was cut by them."""
        with Session(self._engine) as session:
            holdout = _existing(session, key)
            slot = session.get(Slot, holdout.id)
            parties = Parties(slot.first, slot.last, slot.kept) if slot else None
            return Cut(holdout.boundary, holdout.until), parties

    def secret(self) -> bytes:
        """Return the key of the rows' identities, which is the ledger's own."""
        with self._writing() as session:
            return chain.nonce(session)

    def know(self, key: HoldoutKey, rows: Identities, overlap: float) -> None:
        """Record the identities of a holdout's rows, those that are not recorded yet.

        Args:
            key: A holdout that was cut.
            rows: Its rows.
            overlap: Share of them that may have been asked about before, 0 to 1; set once.
        """
        with self._writing() as session:
            holdout = _existing(session, key)
            moment = self._clock()
            limit = _limit(session, holdout.id)
            for kind, hashes in rows.items():
                new = np.setdiff1d(hashes, spending.rows_of(session, holdout.id, kind))
                if len(new):
                    content = new.astype("<u8").tobytes()
                    entry = Rows(
                        holdout=holdout.id,
                        kind=kind,
                        count=len(new),
                        overlap=overlap if limit is None else limit,
                        digest=sha256(content).hexdigest(),
                        hashes=content,
                        sealed_at=moment,
                    )
                    chain.append(session, entry)

    def rows(self, key: HoldoutKey) -> Identities:
        """Return the identities of a holdout's rows; none where it is unknown."""
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            number = holdout.id if holdout else 0
            return {kind: spending.rows_of(session, number, kind) for kind in EVERY}

    def inherited(self, key: HoldoutKey) -> Inherited:
        """Return what was asked of a holdout's rows under other names."""
        with Session(self._engine) as session:
            return spending.inherited(session, _existing(session, key))

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
        with self._writing() as session:
            holdout = _existing(session, key)
            last = session.scalar(select(func.max(Drawn.wave)).filter_by(holdout=holdout.id)) or 0
            wave, moment = {"holdout": holdout.id, "wave": last + 1}, self._clock()
            chain.append(
                session,
                *(
                    Drawn(**wave, entity=entity, place=number, chance=chance, drawn_at=moment)
                    for number, (entity, chance) in enumerate(chances.items())
                ),
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
            RefusedError: The budget is spent, or a later generation was opened, whose training
                rows these are.
            VouchError: No such holdout was ever cut.
        """
        with self._writing() as session:
            holdout = _existing(session, key)
            earlier = _earlier_question(session, inquiry)
            if earlier is not None:
                answer = session.get(Answer, earlier.id)
                return Charge(earlier.id, answer.answer if answer else None)
            _refuse_retired(session, holdout, key)
            opening = session.get(Opening, holdout.id) or self._open(
                session, holdout, budget, rows, positives
            )
            refusal = _refusal(session, holdout, key, inquiry, opening.budget)
            if refusal is None:
                question = Question(
                    **asdict(inquiry), holdout=holdout.id, actor=actor(), asked_at=self._clock()
                )
                chain.append(session, question)
                return Charge(question.id, None)
        raise refusal  # its budget stands all the same

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
        chain.append(session, opening)
        return opening

    def recorded(self, inquiry: Inquiry) -> Mapping[str, Any] | None:
        """Return the answer to a question that was answered before."""
        with Session(self._engine) as session:
            earlier = _earlier_question(session, inquiry)
            answer = session.get(Answer, earlier.id) if earlier else None
            return answer.answer if answer else None

    def looks(self, key: HoldoutKey, inquiry: Inquiry) -> list[tuple[int, Mapping[str, Any]]]:
        """Return questions about a pair of models, as :class:`Inquiry`, and answers, oldest first.

        Other labels of the holdout's rows, or more decisions, make another question of the pair.
        """
        with Session(self._engine) as session:
            holdout = _holdout(session, key)
            pair = (
                select(Question.id, Answer.answer)
                .join(Answer, Answer.question == Question.id)
                .where(Question.holdout == (holdout.id if holdout else None))
                .where(Question.model == inquiry.model, Question.rival == inquiry.rival)
                .where(Question.metric == inquiry.metric)
                .order_by(Question.id)
            )
            return [(number, answer) for number, answer in session.execute(pair)]

    def answer(
        self, question: int, answer: Mapping[str, Any], *, free: bool = False
    ) -> Mapping[str, Any]:
        """Record the holdout's answer.

        Args:
            question: The charged question's number.
            answer: JSON without NaN.
            free: Whether its charge is given back, in the same transaction.

        Returns:
            The recorded answer: another process's, if it was faster.
        """
        with self._writing() as session:
            recorded = session.get(Answer, question)
            if recorded is None:
                recorded = Answer(question=question, answer=dict(answer), answered_at=self._clock())
                chain.append(session, recorded)
                if free:
                    refund = Refund(question=question, refunded_at=self._clock())
                    chain.append(session, refund)
            return recorded.answer

    def answers(self, key: HoldoutKey, content: str) -> list[Mapping[str, Any]]:
        """Return what a holdout's rows answered, under any name, oldest first.

        Args:
            key: A holdout that was cut.
            content: Digest of its sealed rows.

        Raises:
            TamperedError: The ledger was changed, so it may tell less than was told.
        """
        with self._writing() as session:
            return spending.answers(session, _existing(session, key), content)

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

    def blindness(self, usecase: str, project: str | None = None) -> list[Blindness]:
        """Return when a project's use case became blind and was unblinded, oldest first.

        Args:
            usecase: Which one.
            project: Whose; see :func:`vouch.holdout.blind.project_of`. A ledger in a file is one
                project's, whatever it is called.
        """
        with Session(self._engine, expire_on_commit=False) as session:
            return _blindness(session, usecase, project)

    def usecases_blind_anywhere(self) -> list[str]:
        """Return the use cases that are blind in any project that writes here, by name."""
        ended = select(Blindness.commitment).filter_by(state="off")
        query = select(Blindness.usecase).where(Blindness.commitment.not_in(ended))
        with Session(self._engine) as session:
            return list(session.scalars(query.distinct().order_by(Blindness.usecase)))

    def blind(
        self,
        usecase: str,
        project: str | None,
        propose: Callable[[Sequence[Blindness]], Blindness | None],
    ) -> Blindness | None:
        """Record that a use case becomes blind or is unblinded.

        Args:
            usecase: Which one.
            project: Whose; see :func:`vouch.holdout.blind.project_of`.
            propose: Returns the new row, without who and when, from the earlier ones; None:
                nothing changes.

        Returns:
            The new row, or None.
        """
        with self._writing() as session:
            row = propose(_blindness(session, usecase, project))
            if row is not None:
                row.actor, row.at, row.project = actor(), self._clock(), project
                chain.append(session, row)
                session.expunge(row)
            return row

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


def _blindness(session: Session, usecase: str, project: str | None) -> list[Blindness]:
    query = select(Blindness).filter_by(usecase=usecase).order_by(Blindness.id)
    if session.get_bind().dialect.name != "sqlite":
        query = query.where(or_(Blindness.project.is_(None), Blindness.project == project))
    return list(session.scalars(query))


def _holdout(session: Session, key: HoldoutKey) -> Holdout | None:
    return session.scalar(
        select(Holdout).filter_by(
            usecase=key.usecase, source=key.source, set=key.set, generation=key.generation
        )
    )


def _is_opened(session: Session, key: HoldoutKey) -> bool:
    rotation = session.get(Rotation, tuple(asdict(key).values()))
    return key.generation == 1 or bool(rotation or _holdout(session, key))


def _newest(session: Session, key: HoldoutKey) -> int:
    """Return the newest generation of a set that was cut or opened; 1 where there is none."""
    mine = {"usecase": key.usecase, "source": key.source, "set": key.set}
    cut = session.scalar(select(func.max(Holdout.generation)).filter_by(**mine))
    opened = session.scalar(select(func.max(Rotation.generation)).filter_by(**mine))
    return max(cut or 1, opened or 1)


def _before(session: Session, key: HoldoutKey) -> Parties | None:
    """Return the parties of the set's holdout before; all, where an earlier release cut it."""
    earlier = _holdout(session, replace(key, generation=key.generation - 1))
    if earlier is None:
        return None
    slot = session.get(Slot, earlier.id)
    return Parties(slot.first, slot.last, slot.kept) if slot else Parties(0, 1, 1)


def _parties(
    key: HoldoutKey, share: float, reserve: float, cut: bool, earlier: Parties | None
) -> Parties:
    """Return the parties of a holdout that has none yet.

    Args:
        key: Which holdout.
        share: Share of the parties wanted in it.
        reserve: Share of them to be kept, if it is the first one.
        cut: Whether an earlier release cut it, which kept none.
        earlier: Those of the holdout before.
    """
    if cut:
        place = (key.generation - 1) % int(1 / share) * share
        return Parties(place, place + share, place + share)
    if earlier is None:
        return Parties(0, share, min(share + reserve, (1 + share) / 2))  # somebody must train
    if earlier.last >= earlier.kept:
        raise VouchError(
            f"no rows are kept for the holdout of {key}: all others have been learned from",
            f"bring rows that no model learned from: vouch run {key.usecase} --holdout FILE",
        )
    last = min(earlier.last + share, earlier.kept)
    # a rest too small for a holdout of its own goes with this one
    last = earlier.kept if earlier.kept - last < share / 2 else last
    return Parties(earlier.last, last, earlier.kept)


def _limit(session: Session, holdout: int) -> float | None:
    return session.scalars(select(Rows.overlap).filter_by(holdout=holdout).limit(1)).first()


def _waves(session: Session, holdout: int) -> list[dict[str, float]]:
    query = select(Drawn).filter_by(holdout=holdout).order_by(Drawn.wave, Drawn.place)
    rows = groupby(session.scalars(query), key=attrgetter("wave"))
    return [{row.entity: row.chance for row in wave} for _, wave in rows]


def _existing(session: Session, key: HoldoutKey) -> Holdout:
    """Return the holdout; the transaction has locked the whole store."""
    holdout = _holdout(session, key)
    if holdout is None:
        raise VouchError(f"the ledger knows no holdout of {key}", "run the stage extract first")
    return holdout


def _earlier_question(session: Session, inquiry: Inquiry) -> Question | None:
    """Find the question if it was charged before.

    A champion has no rival but itself, so it gets the answer that made it champion.
    """
    same = select(Question).where(Question.digest == inquiry.digest)
    if inquiry.rival != inquiry.model:
        same = same.where(Question.rival == inquiry.rival)
    return session.scalars(same.order_by(Question.id)).first()


def _refuse_retired(session: Session, holdout: Holdout, key: HoldoutKey) -> None:
    if _retired(session, holdout):
        newest = _newest(session, key)
        reason = f"the holdout of {key} is retired: its rows become training data"
        raise RefusedError(
            reason, f"vouch holdout rotate {key.usecase}, which goes on to generation {newest}"
        )


def _refusal(
    session: Session, holdout: Holdout, key: HoldoutKey, inquiry: Inquiry, budget: int
) -> RefusedError | None:
    before = spending.inherited(session, holdout, inquiry.content)
    spent = spending.own(session, holdout.id, inquiry.content) + before.questions
    if spent + inquiry.cost > budget:
        reason = f"the holdout of {key} is spent: {spent} of {budget} questions asked"
    elif spending.asked(session, holdout, inquiry.content) >= FREE * budget:
        reason = f"the holdout of {key} was asked {FREE * budget:,} questions, free ones included"
        before = spending.inherited(session, holdout, inquiry.content, every=True)
    else:
        return None
    return RefusedError(f"{reason}{before.told()}", _way_out(session, holdout))


def _way_out(session: Session, holdout: Holdout) -> str:
    """Return how a fresh holdout comes about."""
    usecase, slot = holdout.usecase, session.get(Slot, holdout.id)
    if holdout.until is not None:
        newer = f"bring newer rows (vouch run {usecase} --add FILE)"
        return f"{newer}, then: vouch holdout rotate {usecase}"
    if slot is not None and slot.last < slot.kept:
        return f"vouch holdout rotate {usecase}"
    return f"bring rows that no model learned from: vouch run {usecase} --holdout FILE"


def _retired(session: Session, holdout: Holdout) -> bool:
    """Return whether a later generation was opened: from then on ingest opens this one's labels."""
    own = HoldoutKey(holdout.usecase, holdout.source, holdout.set, holdout.generation)
    return _newest(session, own) > holdout.generation


def _has_answered(session: Session, holdout: Holdout) -> bool:
    """Return whether a question was answered and stays charged: before, counts tell labels."""
    answered = (
        select(Answer.question)
        .join(Question, Question.id == Answer.question)
        .where(Question.holdout == holdout.id, spending.KEPT)
    )
    return session.scalars(answered).first() is not None


def _status(session: Session, holdout: Holdout) -> HoldoutStatus:
    opening, before = session.get(Opening, holdout.id), spending.inherited(session, holdout)
    spent = spending.own(session, holdout.id) + before.questions
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
        "positives": opening.positives if opening and _has_answered(session, holdout) else None,
        "budget": opening.budget if opening else None,
        "spent": spent,
        "left": opening.budget - spent if opening else None,
        "opened_at": _text(opening.opened_at if opening else None),
        "status": status,
        "inherited": before.questions,
        "inherited_from": list(before.names),
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
