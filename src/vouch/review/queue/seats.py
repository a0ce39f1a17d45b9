"""Who sits at which case: leases that end by themselves, and answers that are never lost.

A case has a seat for each reviewer who is to decide it. One transaction at a time changes the
store (see :func:`vouch.core.database.open_database`), so no seat is ever given twice.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from vouch.core.database import open_database, reading, writing
from vouch.core.errors import VouchError
from vouch.holdout.decisions import open_answer, seal_answer
from vouch.holdout.ledger import now as wall_clock
from vouch.labels.issues import HELD
from vouch.review.queue.store import Again, Case, Row, case_of
from vouch.review.queue.tables import (
    COUNTS,
    AnswerRow,
    Base,
    ClearedRow,
    GoldRow,
    LapsedRow,
    Seat,
    decided_since,
    is_free,
    is_open,
    stands,
)

Kind = Literal["decision", "skip", "later", "undo", "settled", "too_late"]
"""What an answer is: ``settled`` is a lead's word, ``too_late`` a decision whose seat was given to
somebody else meanwhile: it is kept, and counts for nothing."""
PASSED = ("decision", "skip", "settled")
"""After these a person is not asked about the case again."""
HANDED_OVER = timedelta(hours=8)
"""How long a case that a lead gave to somebody waits for them: their page may not be open."""
OWN = aliased(Seat)
PAGE = "page-"
"""Begins the unique id that a decision of the page has in a batch."""


@dataclass(frozen=True)
class Lease:
    """A case in a person's hands.

    Attributes:
        case: The case.
        token: Names this lease: an answer with it is taken once.
        until: When it ends, unless it is renewed (UTC, no zone).
    """

    case: str
    token: str
    until: datetime


@dataclass(frozen=True)
class Said:
    """What a person says of a case.

    Attributes:
        kind: ``decision``, ``skip`` or ``later``.
        word: The class they chose; None unless it is a decision.
        comment: What they wrote; why, where they skip.
        model: The version whose opinion the page has; empty where the case is blind.
        explanation: Digest of the reasons the page has.
        opinion: Whether they had the model's part open when they answered.
        guideline: The guideline's version.
    """

    kind: Kind
    word: str | None = None
    comment: str = ""
    model: str = ""
    explanation: str = ""
    opinion: bool = False
    guideline: str = ""


UNDO = Said("undo")


@dataclass(frozen=True)
class Answer:
    """An answer as it is stored; see :class:`Said`.

    Attributes:
        number: Its place in the order of all answers, from 1.
        case: The case.
        person: Whose it is.
        said: What they said.
        seconds: How long they had the case before them.
        decided_at: When (UTC, no zone).
        token: The lease it answers.
        undoes: The answer it takes back, or None.
        gold: Whether its right answer was known before.
        sealed: What was said of a row of the holdout, encrypted; see :meth:`Seats.opened`.
        session: The browser's session in which it was said.
    """

    number: int
    case: str
    person: str
    said: Said
    seconds: float
    decided_at: datetime
    token: str
    undoes: int | None
    gold: bool
    sealed: bytes | None = None
    session: str = ""


@dataclass(frozen=True)
class Holding:
    """A case in a person's hands, as others see it.

    Attributes:
        case: The case.
        person: Who has it.
        since: When it was put before them, or last renewed (UTC, no zone).
        until: When it goes back unless it is renewed.
    """

    case: str
    person: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Clearing:
    """That a person's flags were lifted.

    Attributes:
        person: Whose.
        number: Of the newest answer then: up to this one all count.
        lead: Who lifted them.
        cleared_at: When (UTC, no zone).
    """

    person: str
    number: int
    lead: str
    cleared_at: datetime


@dataclass(frozen=True)
class Submit:
    """An answer that comes in.

    Attributes:
        token: The lease.
        said: What they say.
        browser: The session in which they say it: only there it can be undone.
        case: The case they say it of; None: whatever the lease is for.
    """

    token: str
    said: Said
    browser: str
    case: str | None = None


@dataclass(frozen=True)
class Undone:
    """What was taken back.

    Attributes:
        answer: The answer that stands no more.
        lease: Its case in its person's hands again; None: it was a lead's word, without which the
            case is as it was before.
    """

    answer: Answer
    lease: Lease | None


@dataclass(frozen=True)
class Turn:
    """Where a person stands: all of it is of one moment, and on disk.

    Attributes:
        kept: What was kept of the answer that came in; None: none came, or it was refused.
        undone: What was taken back; None: nothing, or that was refused.
        refused: Why it was refused.
        now: The case that is before them; None where nothing is left for them.
        ahead: The one they get next, theirs already; None where there is none.
        waiting: Seats that nobody has taken.
        today: Their decisions since the moment asked about, without those taken back.
        cases: The cases of ``now`` and ``ahead``, by id.
    """

    kept: Answer | None
    undone: Undone | None
    refused: VouchError | None
    now: Lease | None
    ahead: Lease | None
    waiting: int
    today: int
    cases: Mapping[str, Case]


class Seats:
    """The seats of one use case's source.

    Args:
        state: The project's state folder.
        usecase: The use case.
        origin: The source's declaration.
        lease: How long a case stays with who does not answer.
        clock: Returns the present time (UTC, no zone).
        store: The store, where it is open already; None: open it.
    """

    def __init__(
        self,
        state: Path,
        usecase: str,
        origin: str,
        lease: timedelta,
        clock: Callable[[], datetime] = wall_clock,
        store: Engine | None = None,
    ) -> None:
        self._state, self._usecase, self._origin = state, usecase, origin
        self._lease, self._clock = lease, clock
        self._engine = store or open_database(state, Base.metadata)
        self._add_missing()
        self._close_settled()

    def _add_missing(self) -> None:
        """Give cases of an earlier release their seats."""
        have = select(func.count()).where(Seat.case == Row.case, ~Seat.gold).scalar_subquery()
        again = select(func.count()).where(Again.case == Row.case).scalar_subquery()
        mine = and_(Row.usecase == self._usecase, Row.origin == self._origin)
        lacking = select(Row.case, 1 + again - have).where(mine, have < 1 + again)
        with reading(self._engine) as session:
            if session.execute(lacking.limit(1)).first() is None:
                return
        with writing(self._engine) as session:
            for case, count in session.execute(lacking.order_by(Row.out_at, Row.case)).all():
                session.add_all([self._seat(case) for _ in range(count)])

    def _close_settled(self) -> None:
        """Close the seats of cases that were settled in an earlier release.

        It took those that nobody had, and left the others open: neither was the word's own.
        """
        settling = _settling(Seat.case).scalar_subquery()
        taken = and_(Seat.taken, ~Seat.gold, Seat.answer.is_(None), ~Seat.by_file)
        left = and_(is_open(), settling.is_not(None))
        earlier = and_(self._mine, or_(taken, left))
        with reading(self._engine) as session:
            if session.scalar(select(Seat.id).where(earlier).limit(1)) is None:
                return
        with writing(self._engine) as session:
            closed = update(Seat).where(earlier).values(taken=False, closed_by=settling)
            session.execute(closed, execution_options={"synchronize_session": False})

    def _seat(self, case: str, *, gold: bool = False) -> Seat:
        return Seat(case=case, usecase=self._usecase, origin=self._origin, gold=gold)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return and_(Seat.usecase == self._usecase, Seat.origin == self._origin)

    def hand_out(self, person: str, count: int = 1, gold: str | None = None) -> list[Lease]:
        """Lease cases to a person: those they hold already first, then free ones, oldest first.

        Nobody gets a case that they decided, skipped or hold; one put aside for later comes when
        nothing else is free.

        Args:
            person: Who.
            count: How many cases they shall hold, at least 1.
            gold: A case whose answer is known, to be handed out before free ones; None: none.

        Returns:
            At most ``count`` leases, the one to answer first at the front.
        """
        with writing(self._engine) as session:
            seats = self._hand_out(session, person, count, gold)
            return [self._lease_of(seat) for seat in seats]

    def _hand_out(
        self, session: Session, person: str, count: int, gold: str | None, *, ahead: bool = False
    ) -> list[Seat]:
        """Hand out seats; ``ahead``: of free ones all but the first are not before them yet."""
        moment, held = self._clock(), self._held(session, person)
        if gold and len(held) < count and self._may_measure(session, person, gold):
            seat = self._seat(gold, gold=True)
            session.add(seat)
            held.append(seat)
        for seat in held:  # renewed first: one whose lease ended must not be free for them
            self._give(session, seat, person, moment)
        session.flush()
        while len(held) < count:
            free = self._free(session, person, moment) or (
                None if held else self._ahead(session, person, moment)
            )
            if free is None:
                break
            self._give(session, free, person, moment)
            free.ahead = ahead and bool(held)
            held.append(free)
            session.flush()
        return held[:count]

    def _may_measure(self, session: Session, person: str, case: str) -> bool:
        """Return whether a case's answer is known and a person neither had nor has the case."""
        at = select(Seat.id).where(self._mine, Seat.case == case, Seat.person == person)
        if session.get(GoldRow, case) is None or session.scalar(at.limit(1)) is not None:
            return False
        return not self._passed(session, person, case)

    def _lease_of(self, seat: Seat) -> Lease:
        return Lease(seat.case, seat.token or "", seat.until or self._clock())

    def turn(
        self,
        person: str,
        since: datetime,
        submit: Submit | None = None,
        *,
        undo: str | None = None,
        gold: str | None = None,
        ahead: bool = True,
    ) -> Turn:
        """Keep or take back an answer, hand out the next case and count, in one transaction.

        Args:
            person: Who.
            since: From when on their decisions are counted (UTC, no zone).
            submit: Their answer; None: they have none.
            undo: The session whose newest answer they take back; None: they take back nothing.
            gold: A case whose answer is known, to be handed out before free ones; None: none.
            ahead: Whether they get the case after that, too. It goes to somebody else if that one
                would have nothing to do.
        """
        kept, undone, refused = None, None, None
        with writing(self._engine) as session:
            try:
                kept = self._keep(session, person, submit) if submit else None
                undone = self._undo(session, person, undo) if undo else None
            except VouchError as error:  # nothing was written then
                refused = error
            now, then = self._put_before(session, person, 1 + ahead, gold)
            today, waiting = self._count(session, person, since), self._open(session)
            cases = self._cases(session, now, then)
            return Turn(kept, undone, refused, now, then, waiting, today, cases)

    def _cases(self, session: Session, *leases: Lease | None) -> dict[str, Case]:
        """Return leased cases as they stand: the same id may be another case's by now."""
        rows = select(Row).where(Row.case.in_([lease.case for lease in leases if lease]))
        return {row.case: case_of(row) for row in session.scalars(rows)}

    def _put_before(
        self, session: Session, person: str, count: int, gold: str | None
    ) -> tuple[Lease | None, Lease | None]:
        """Hand out the case that is before a person from now on, and perhaps the one after it."""
        seats = self._hand_out(session, person, count, gold, ahead=True)
        for seat in seats[:1]:
            seat.shown_at, seat.ahead = seat.shown_at or self._clock(), False
        session.flush()
        now, then = [*map(self._lease_of, seats), None, None][:2]
        return now, then

    def _held(self, session: Session, person: str) -> list[Seat]:
        """Return the seats a person has; an ended lease is theirs until somebody else has it."""
        mine = select(Seat).where(self._mine, ~Seat.taken, Seat.person == person)
        return list(session.scalars(mine.order_by(Seat.leased_at, Seat.id)))

    def _give(self, session: Session, seat: Seat, person: str, moment: datetime) -> None:
        until = moment + self._lease
        if seat.person != person or seat.token is None:
            _lapse(session, seat)
            seat.token, seat.leased_at, seat.shown_at = secrets.token_urlsafe(16), moment, None
            seat.ahead, seat.until = False, until
        # a case that was handed over waits longer: no renewal cuts that short
        seat.person, seat.until = person, max(seat.until or until, until)

    def _free(self, session: Session, person: str, moment: datetime) -> Seat | None:
        """Return the oldest free seat at a case that a person has nothing to do with yet."""
        places = self._places(person).where(is_free(moment))
        for kinds in ((*PASSED, "later"), PASSED):
            wanted = places.where(~self._answered(person, kinds, Seat.case))
            if seat := session.scalars(wanted.order_by(Seat.id).limit(1)).first():
                return seat
        return None

    def _ahead(self, session: Session, person: str, moment: datetime) -> Seat | None:
        """Return the seat that somebody else has ahead and looks at last."""
        places = self._places(person).where(Seat.ahead.is_(True), Seat.until >= moment)
        wanted = places.where(~self._answered(person, PASSED, Seat.case))
        return session.scalars(wanted.order_by(Seat.leased_at.desc(), Seat.id).limit(1)).first()

    def _places(self, person: str) -> Select[tuple[Seat]]:
        """Return a query of open seats at cases that a person has no seat at."""
        other = and_(Seat.id != OWN.id, ~and_(OWN.gold, OWN.taken))
        holds = exists().where(OWN.case == Seat.case, OWN.person == person, other)
        settled = self._answered(None, ("settled",), Seat.case)
        return select(Seat).where(self._mine, is_open(), ~holds, ~settled)

    def _answered(
        self,
        person: str | None,
        kinds: Collection[str],
        case: ColumnElement[str] | InstrumentedAttribute[str] | str,
    ) -> ColumnElement[bool]:
        """Return whether an answer of a person, or of anybody, to a case stands.

        One that measured its person counts while the case's answer is known: it is no vote, so
        after that they are asked like everybody.
        """
        asked = or_(~AnswerRow.gold, exists().where(GoldRow.case == AnswerRow.case))
        answers = exists().where(AnswerRow.case == case, AnswerRow.kind.in_(kinds), stands(), asked)
        return answers if person is None else answers.where(AnswerRow.person == person)

    def _passed(self, session: Session, person: str, case: str) -> bool:
        return bool(session.scalar(select(self._answered(person, PASSED, case))))

    def show(self, person: str, token: str) -> None:
        """Note that a leased case is before its person now, from which the seconds count."""
        own = and_(self._mine, Seat.token == token, Seat.person == person)
        shown = {"shown_at": self._clock(), "ahead": False}
        with writing(self._engine) as session:
            session.execute(update(Seat).where(own, Seat.shown_at.is_(None)).values(shown))

    def renew(self, person: str) -> int:
        """Put off the end of all a person holds; return how many cases that are."""
        with writing(self._engine) as session:
            held = self._held(session, person)
            for seat in held:
                self._give(session, seat, person, self._clock())
            return len(held)

    def release(self, person: str) -> None:
        """Give back all a person holds, as when they log out."""
        with writing(self._engine) as session:
            for seat in self._held(session, person):
                _lapse(session, seat)
                _leave(session, seat)

    def answer(
        self, person: str, token: str, said: Said, browser: str, case: str | None = None
    ) -> Answer:
        """Keep what a person says of a case they hold; on disk when this returns.

        Args:
            person: Who.
            token: The lease. The same answer with it again is one.
            said: What they say.
            browser: The session in which they say it: only there it can be undone.
            case: The case they say it of; None: whatever the lease is for.

        Returns:
            What was kept; ``too_late`` where the case went to somebody else meanwhile.

        Raises:
            VouchError: The lease is unknown, somebody else's or another case's; or another answer
                came with it already, or one that was taken back.
        """
        with writing(self._engine) as session:
            return self._keep(session, person, Submit(token, said, browser, case))

    def _keep(self, session: Session, person: str, submit: Submit) -> Answer:
        token, said = submit.token, submit.said
        if earlier := session.scalars(select(AnswerRow).filter_by(token=token)).first():
            return self._same(session, earlier, person, said)
        seat = session.scalars(select(Seat).where(self._mine, Seat.token == token)).first()
        if seat is None or seat.person != person or seat.taken:
            seat, said = self._lapsed(session, person, token), replace(said, kind="too_late")
        if submit.case not in (None, seat.case):
            raise _not_yours()
        row = self._row(seat, person, token, said, submit.browser)
        self._seal(session, row)
        session.add(row)
        session.flush()
        if row.kind != "too_late":
            self._rise(session, seat, row)
        return _answer(row)

    def _same(self, session: Session, earlier: AnswerRow, person: str, said: Said) -> Answer:
        """Return an answer that is sent once more.

        Raises:
            VouchError: It was somebody else's, another one, or taken back since.
        """
        kept = _answer(earlier)
        first = self.opened(kept).said
        undone = select(AnswerRow.number).where(AnswerRow.undoes == earlier.number)
        if earlier.person != person or session.scalar(undone) is not None:
            raise _not_yours()
        kind = said.kind if first.kind != "too_late" else first.kind
        if (kind, said.word, said.comment) != (first.kind, first.word, first.comment):
            raise VouchError(
                f"your first answer to this case is kept: {first.word or first.kind}",
                "take it back (undo) to answer otherwise",
            )
        return kept

    def _seal(self, session: Session, row: AnswerRow) -> None:
        """Encrypt what is said of a row of the holdout: nobody reads it before its rotation.

        Raises:
            VouchError: The case was taken back: nobody knows any more whether to encrypt it.
        """
        stream = session.scalar(select(Row.stream).where(Row.case == row.case))
        if stream is None:
            raise _not_yours()
        if stream == HELD:
            content = {"word": row.word, "comment": row.comment}
            row.sealed = seal_answer(self._state, content, _bound(row))
            row.word, row.comment = None, ""

    def opened(self, answer: Answer) -> Answer:
        """Return an answer as it was given; one on a row of the holdout is decrypted.

        Raises:
            VouchError: The key is missing, or another one.
        """
        if answer.sealed is None:
            return answer
        said = open_answer(self._state, answer.sealed, _bound(answer))
        return replace(answer, said=replace(answer.said, **said), sealed=None)

    def _lapsed(self, session: Session, person: str, token: str) -> Seat:
        """Return the seat that a person had before somebody else got it; it is not stored."""
        lapsed = session.get(LapsedRow, token)
        if lapsed is None or lapsed.person != person:
            raise _not_yours()
        return self._seat(lapsed.case)

    def _rise(self, session: Session, seat: Seat, row: AnswerRow) -> None:
        """Leave a seat after an answer: a decision takes it, all else makes it free."""
        if row.kind in COUNTS:
            seat.taken, seat.answer, seat.until = True, row.number, None
        else:
            _leave(session, seat)

    def _row(self, seat: Seat, person: str, token: str, said: Said, browser: str) -> AnswerRow:
        moment = self._clock()
        begun = seat.shown_at or seat.leased_at or moment
        return AnswerRow(
            usecase=self._usecase,
            origin=self._origin,
            case=seat.case,
            person=person,
            kind=said.kind,
            word=said.word,
            comment=said.comment,
            seconds=max((moment - begun).total_seconds(), 0.0),
            decided_at=moment,
            session=browser,
            token=token,
            model=said.model,
            explanation=said.explanation,
            opinion=said.opinion,
            guideline=said.guideline,
            gold=seat.gold,
        )

    def undo(self, person: str, browser: str) -> Undone | None:
        """Take back a person's newest answer of a session.

        They get its case again. A lead's word leaves the case as it was before it.

        Returns:
            What was taken back; None where nothing is left to undo.

        Raises:
            VouchError: Somebody else has the case meanwhile.
        """
        with writing(self._engine) as session:
            return self._undo(session, person, browser)

    def _undo(self, session: Session, person: str, browser: str) -> Undone | None:
        row = self._newest(session, person, browser)
        if row is None:
            return None
        if settled := row.kind == "settled":
            self._reopen(session, row)
        seat = self._seat(row.case) if settled else self._seat_again(session, row, person)
        taken_back = Said("undo", model=row.model, guideline=row.guideline)
        session.add(self._undoing(row, seat, person, taken_back, browser))
        if not settled:
            self._give_back(session, seat, person)
        return Undone(_answer(row), None if settled else self._lease_of(seat))

    def _undoing(
        self, row: AnswerRow, seat: Seat, person: str, said: Said, browser: str
    ) -> AnswerRow:
        """Return the row that takes an answer back."""
        undo = self._row(seat, person, secrets.token_urlsafe(16), said, browser)
        undo.undoes, undo.seconds = row.number, 0.0
        return undo

    def _give_back(self, session: Session, seat: Seat, person: str) -> None:
        """Put a case before a person again, before all others that they hold."""
        if seat.person != person:  # whose answer may still come
            _lapse(session, seat)
        seat.taken, seat.answer, seat.token = False, None, None  # the answer's token stays its
        self._give(session, seat, person, self._clock())
        seat.leased_at = datetime.min.replace(year=1970)
        seat.closed_by = session.scalar(_settling(seat.case))  # nobody else gets a settled case

    def _reopen(self, session: Session, row: AnswerRow) -> None:
        """Open the seats that a lead's word closed, unless another one's still ends the case.

        A known answer that came with the word goes, too, and with it the seats of those whom it
        was to measure: they are asked like everybody.
        """
        own = select(Seat).where(self._mine, Seat.answer == row.number)
        for seat in session.scalars(own).all():
            session.delete(seat)
        other = session.scalar(_settling(row.case).where(AnswerRow.number != row.number))
        closed = update(Seat).where(self._mine, Seat.closed_by == row.number)
        session.execute(closed.values(closed_by=other))
        known = {"case": row.case, "word": row.word, "person": row.person}
        session.execute(delete(GoldRow).filter_by(**known))
        if session.scalar(select(GoldRow.case).filter_by(case=row.case)) is None:
            measuring = select(Seat).where(self._mine, Seat.case == row.case, Seat.gold)
            for seat in session.scalars(measuring.where(~Seat.taken)).all():
                _lapse(session, seat)
                session.delete(seat)
        session.flush()

    def _newest(self, session: Session, person: str, browser: str) -> AnswerRow | None:
        standing = (
            select(AnswerRow)
            .filter_by(person=person, session=browser, usecase=self._usecase, origin=self._origin)
            .where(AnswerRow.kind.in_((*PASSED, "later")), stands())
        )
        return session.scalars(standing.order_by(AnswerRow.number.desc()).limit(1)).first()

    def _seat_again(self, session: Session, row: AnswerRow, person: str) -> Seat:
        """Return the seat of an answer that is taken back, or another one at its case.

        One that they hold there comes first: nobody sits at a case twice.
        """
        at = and_(self._mine, Seat.case == row.case)
        own = session.scalars(select(Seat).where(at, Seat.answer == row.number)).first()
        held = session.scalars(select(Seat).where(at, ~Seat.taken, Seat.person == person)).first()
        seat = held or self._seat_left(session, row, own)
        if own is not None and own is not seat:  # it measured them, and is needed no more
            session.delete(own)
        return seat

    def _seat_left(self, session: Session, row: AnswerRow, own: Seat | None) -> Seat:
        """Return a seat for who takes an answer back and holds none at its case."""
        known = session.get(GoldRow, row.case) is not None
        if own is not None and (known or not own.gold):
            return own
        if row.gold and known:
            seat = self._seat(row.case, gold=True)
            session.add(seat)
            return seat
        at = and_(self._mine, Seat.case == row.case, ~Seat.taken, ~Seat.gold)
        free = session.scalars(select(Seat).where(at, is_free(self._clock()))).first()
        if free is None:
            raise VouchError(
                f"{row.case}: somebody else has this case by now", "go on with the next one"
            )
        return free

    def settle(
        self,
        person: str,
        case: str,
        word: str,
        browser: str,
        *,
        known: bool = False,
        guideline: str = "",
    ) -> Answer:
        """Keep a lead's word on a case, which ends it; on disk when this returns.

        Nobody is asked about the case any more; who holds it may still answer.

        Args:
            person: The lead.
            case: The case.
            word: The class they chose.
            browser: The session in which they say it.
            known: Whether reviewers are measured by it from now on.
            guideline: The guideline's version.

        Raises:
            VouchError: No such case, or it is of the holdout, whose votes nobody may see.
        """
        with writing(self._engine) as session:
            self._check_open_to_leads(session, case)
            seat = self._seat(case)  # one of its own, which undo removes
            seat.person = person
            said = Said("settled", word, guideline=guideline)
            row = self._row(seat, person, secrets.token_urlsafe(16), said, browser)
            session.add_all([seat, row])
            session.flush()
            seat.taken, seat.answer = True, row.number
            session.flush()
            open_seats = update(Seat).where(self._mine, Seat.case == case, is_open())
            session.execute(open_seats.values(closed_by=row.number))
            if known:
                self._set_gold(session, case, word, person)
            return _answer(row)

    def unsettle(self, person: str, case: str, browser: str) -> Answer:
        """Take back the newest lead's word on a case, as if it had not been said.

        People are asked about the case again where somebody's answer was wanted before; a known
        answer that came with the word goes, too.

        Args:
            person: The lead who takes it back, not always the one who said it.
            case: The case.
            browser: The session in which they do.

        Returns:
            The word that is taken back.

        Raises:
            VouchError: No lead's word stands on the case, or it is of the holdout.
        """
        with writing(self._engine) as session:
            self._check_open_to_leads(session, case)
            number = session.scalar(_settling(case))
            if number is None:
                raise VouchError(f"{case}: no lead's word stands", "load the page again")
            row = session.get_one(AnswerRow, number)
            self._reopen(session, row)
            session.add(self._undoing(row, self._seat(case), person, UNDO, browser))
            return _answer(row)

    def _check_open_to_leads(self, session: Session, case: str) -> None:
        if self._find(session, case).stream == HELD:
            raise VouchError(f"{case}: is of the holdout", "nobody sees what people say of it")

    def _find(self, session: Session, case: str) -> Row:
        row = session.get(Row, case)
        if row is None or (row.usecase, row.origin) != (self._usecase, self._origin):
            raise VouchError(f"{case}: no such case", "it was taken back: load the page again")
        return row

    def ask_again(self, case: str) -> bool:
        """Put a case before one more reviewer, unless it waits for one or a lead settled it.

        Returns:
            Whether that made a new seat.

        Raises:
            VouchError: No such case.
        """
        at = and_(self._mine, Seat.case == case)
        with writing(self._engine) as session:
            if session.scalars(select(Seat).where(at, is_open())).first():
                return False
            if session.scalar(select(self._answered(None, ("settled",), case))):
                return False
            self._find(session, case)
            session.add(self._seat(case))
            session.add(Again(case=case, usecase=self._usecase, out_at=self._clock()))
            return True

    def give_back(self, person: str, case: str) -> None:
        """Give back one case that a person holds.

        Raises:
            VouchError: They do not hold it any more.
        """
        with writing(self._engine) as session:
            seat = self._seat_of(session, person, case)
            _lapse(session, seat)
            _leave(session, seat)

    def hand_over(self, person: str, case: str, to: str) -> Lease:
        """Give a case that a person holds to somebody else, for ``HANDED_OVER`` at most.

        An answer of who held it is kept from then on, and counts for nothing.

        Args:
            person: Who holds it.
            case: The case.
            to: Who shall decide it.

        Raises:
            VouchError: They do not hold it any more, it has a known answer, or the other person
                holds it or has decided or skipped it.
        """
        with writing(self._engine) as session:
            seat = self._seat_of(session, person, case)
            theirs = select(Seat).where(self._mine, Seat.case == case, Seat.person == to)
            theirs = theirs.where(~and_(Seat.gold, Seat.taken))
            if seat.gold:
                raise VouchError(f"{case}: has a known answer", f"it measures {person}: release it")
            if self._passed(session, to, case) or session.scalars(theirs).first():
                raise VouchError(f"{case}: {to} has or had it already", "choose somebody else")
            moment = self._clock()
            self._give(session, seat, to, moment)
            seat.until = moment + max(self._lease, HANDED_OVER)
            return Lease(case, seat.token or "", seat.until)

    def _seat_of(self, session: Session, person: str, case: str) -> Seat:
        at = and_(self._mine, Seat.case == case, Seat.person == person, ~Seat.taken)
        seat = session.scalars(select(Seat).where(at)).first()
        if seat is None:
            raise VouchError(f"{case}: {person} does not hold it any more", "load the page again")
        return seat

    def holdings(self) -> list[Holding]:
        """Return who holds which cases, the longest first."""
        held = select(Seat).where(self._mine, ~Seat.taken, Seat.person.is_not(None))
        with reading(self._engine) as session:
            holdings = [
                Holding(seat.case, seat.person or "", self._since(seat, until), until)
                for seat in session.scalars(held)
                if (until := seat.until)
            ]
        return sorted(holdings, key=lambda holding: (holding.since, holding.case))

    def _since(self, seat: Seat, until: datetime) -> datetime:
        """Return since when a person has a case; one they were given was not before them yet."""
        return seat.shown_at or min(until - self._lease, self._clock())

    def oldest(self) -> datetime | None:
        """Return since when the oldest case waits that nobody holds (UTC); None: none waits."""
        since = select(func.min(Row.out_at)).join(Seat, Seat.case == Row.case)
        with reading(self._engine) as session:
            return session.scalar(since.where(self._mine, is_open(), is_free(self._clock())))

    def clear(self, person: str, lead: str) -> None:
        """Note that a lead lifts a person's flags: their answers so far count."""
        newest = select(func.max(AnswerRow.number))
        with writing(self._engine) as session:
            session.add(
                ClearedRow(
                    usecase=self._usecase,
                    origin=self._origin,
                    person=person,
                    number=session.scalar(newest) or 0,
                    lead=lead,
                    cleared_at=self._clock(),
                )
            )

    def cleared(self) -> dict[str, Clearing]:
        """Return by person when their flags were last lifted."""
        rows = select(ClearedRow).filter_by(usecase=self._usecase, origin=self._origin)
        with reading(self._engine) as session:
            return {
                row.person: Clearing(row.person, row.number, row.lead, row.cleared_at)
                for row in session.scalars(rows.order_by(ClearedRow.id))
            }

    def taken_by_file(self, decided: Mapping[str, int], ended: Collection[str] = ()) -> None:
        """Take seats of cases that were decided elsewhere: these leave the page.

        Args:
            decided: How many people decided each case by file.
            ended: Those of them that somebody's final word ended: nobody is asked any more.
        """
        with writing(self._engine) as session:
            for case, count in decided.items():
                at = select(Seat).where(self._mine, Seat.case == case, ~Seat.gold)
                seats = list(session.scalars(at.order_by(Seat.id)))
                wanted = len(seats) if case in ended else count
                missing = wanted - sum(seat.by_file for seat in seats)
                # a seat that somebody holds is the last to go
                free = sorted((s for s in seats if not s.taken), key=lambda s: s.person is not None)
                for seat in free[: max(missing, 0)]:
                    _lapse(session, seat)
                    seat.taken = seat.by_file = True
                    seat.person, seat.until = None, None

    def standing(self, after: int = 0) -> list[Answer]:
        """Return the answers that were not taken back, in their order.

        Args:
            after: Leave out those with this number and lower ones.
        """
        rows = (
            select(AnswerRow)
            .filter_by(usecase=self._usecase, origin=self._origin)
            .where(AnswerRow.number > after, AnswerRow.kind != "undo", stands())
        )
        with reading(self._engine) as session:
            return [_answer(row) for row in session.scalars(rows.order_by(AnswerRow.number))]

    def waiting(self) -> list[str]:
        """Return the cases that have a seat nobody has taken, oldest first."""
        free = select(Seat.case).where(self._mine, is_open()).order_by(Seat.id)
        with reading(self._engine) as session:
            return list(dict.fromkeys(session.scalars(free)))

    def free(self) -> int:
        """Count the seats that nobody has taken."""
        with reading(self._engine) as session:
            return self._open(session)

    def _open(self, session: Session) -> int:
        return session.scalar(select(func.count()).where(self._mine, is_open())) or 0

    def count(self, person: str, since: datetime) -> int:
        """Count a person's decisions since a moment (UTC), without those taken back."""
        with reading(self._engine) as session:
            return self._count(session, person, since)

    def _count(self, session: Session, person: str, since: datetime) -> int:
        query = decided_since(self._usecase, self._origin, since)
        return session.scalar(query.filter_by(person=person)) or 0

    def set_gold(self, case: str, word: str, person: str) -> None:
        """Note a case's known answer; a later one replaces it."""
        with writing(self._engine) as session:
            self._set_gold(session, case, word, person)

    def _set_gold(self, session: Session, case: str, word: str, person: str) -> None:
        session.merge(GoldRow(case=case, word=word, person=person, set_at=self._clock()))

    def gold(self) -> dict[str, str]:
        """Return the cases whose answer is known, and the answers."""
        own = select(GoldRow.case, GoldRow.word).join(Row, Row.case == GoldRow.case)
        mine = own.where(Row.usecase == self._usecase, Row.origin == self._origin)
        with reading(self._engine) as session:
            return dict(session.execute(mine.order_by(GoldRow.case)).tuples().all())


def _lapse(session: Session, seat: Seat) -> None:
    """Note a lease that ends without an answer: one that comes all the same is kept."""
    if seat.token and seat.person:
        session.add(LapsedRow(token=seat.token, case=seat.case, person=seat.person))


def _leave(session: Session, seat: Seat) -> None:
    """Make a seat free; one at a case with a known answer was made for its person alone."""
    if seat.gold:
        session.delete(seat)
    seat.person = seat.until = seat.token = seat.leased_at = seat.shown_at = None


def _settling(case: ColumnElement[str] | InstrumentedAttribute[str] | str) -> Select[tuple[int]]:
    """Return a query of the number of the newest lead's word that stands on a case."""
    newest = select(func.max(AnswerRow.number)).where(AnswerRow.case == case)
    return newest.where(AnswerRow.kind == "settled", stands())


def _not_yours() -> VouchError:
    return VouchError(
        "this case is not with you any more: its lease ended, or it was taken back",
        "go on with the next one",
    )


def _answer(row: AnswerRow) -> Answer:
    said = Said(
        row.kind,  # type: ignore[arg-type]
        row.word,
        row.comment,
        row.model,
        row.explanation,
        row.opinion,
        row.guideline,
    )
    return Answer(
        number=row.number,
        case=row.case,
        person=row.person,
        said=said,
        seconds=row.seconds,
        decided_at=row.decided_at,
        token=row.token,
        undoes=row.undoes,
        gold=row.gold,
        sealed=row.sealed,
        session=row.session,
    )


def _bound(answer: Answer | AnswerRow) -> tuple[str, str, str]:
    return answer.case, answer.person, answer.token


def latest(answers: Sequence[Answer]) -> list[Answer]:
    """Return each person's newest decision on each case, in their order."""
    newest = {(a.case, a.person): a for a in answers if a.said.kind in COUNTS}
    return sorted(newest.values(), key=lambda answer: answer.number)
