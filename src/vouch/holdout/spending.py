"""What was asked of a holdout's rows: a budget belongs to rows, not to a name.

Each row was asked about with every question to a holdout that has it. A holdout inherits the most
questions that more than the declared share of its rows were asked by others. So a copy under
another name, a longer file, a part of the rows, and a union of several parts each inherit what
their rows answered, while a few common rows do not spend a fresh holdout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from vouch.core.errors import VouchError
from vouch.holdout.chain import RESTORE, Fault
from vouch.holdout.rows import CONTENT, KINDS, Hashes, shared
from vouch.holdout.tables import Answer, Holdout, Question, Refund, Rows

KEPT = Question.id.not_in(select(Refund.question))
"""Questions whose charge was not given back."""


@dataclass(frozen=True)
class Inherited:
    """Questions that count for a holdout though others were asked.

    Attributes:
        questions: How many.
        names: The holdouts that were asked, with the rows they share with it, most first.
        holdouts: Their numbers in the ledger, likewise.
    """

    questions: int = 0
    names: tuple[str, ...] = ()
    holdouts: tuple[int, ...] = ()

    def told(self) -> str:
        """Return it as the end of a sentence; empty where nothing is inherited."""
        if not self.questions:
            return ""
        return f", {self.questions} of them of rows it shares with {'; '.join(self.names)}"

    def sentence(self) -> str:
        """Return it as a sentence of its own; empty where nothing is inherited."""
        if not self.questions:
            return ""
        return (
            f"holdout: {self.questions} questions were asked of these rows before and count: it "
            f"shares rows with {'; '.join(self.names)}"
        )


def own(session: Session, holdout: int, content: str = "", *, every: bool = False) -> int:
    """Sum what was charged to a holdout, and to the same sealed rows under another name.

    Args:
        session: On the ledger.
        holdout: Which.
        content: Digest of the sealed rows.
        every: Whether each question counts as one, also those whose charge was given back.
    """
    counted = _count_of(every=every)
    query = select(func.coalesce(counted, 0)).where(_of_itself(holdout, content))
    return int(session.scalar(query if every else query.where(KEPT)) or 0)


def asked(session: Session, holdout: Holdout, content: str) -> int:
    """Count all questions about a holdout's rows under any name, whatever they cost."""
    before = inherited(session, holdout, content, every=True)
    return own(session, holdout.id, content, every=True) + before.questions


def answers(session: Session, holdout: Holdout, content: str) -> list[Mapping[str, Any]]:
    """Return what a holdout's rows answered under any name, oldest first.

    Where what others were asked counts for it, all answers of all that share rows with it do:
    more than need be, never less.
    """
    before = inherited(session, holdout, content, every=True)
    about = or_(_of_itself(holdout.id, content), Question.holdout.in_(before.holdouts))
    query = select(Answer).join(Question, Question.id == Answer.question).where(about)
    return [row.answer for row in session.scalars(query.order_by(Answer.question))]


def inherited(
    session: Session, holdout: Holdout, content: str = "", *, every: bool = False
) -> Inherited:
    """Return what was asked of a holdout's rows in other holdouts.

    Args:
        session: On the ledger.
        holdout: Which.
        content: Digest of sealed rows whose questions are counted as its own.
        every: As for :func:`own`.
    """
    others = _charged(session, holdout.id, content, every=every)
    limit = session.scalars(select(Rows.overlap).filter_by(holdout=holdout.id)).first()
    if not others or limit is None:
        return Inherited()
    most, rows = 0, dict[int, int]()
    size = _count(session, holdout.id)
    for kind in KINDS:
        mine = rows_of(session, holdout.id, kind)
        asked = np.zeros(len(mine), np.int64)
        for other, cost in others:
            common = shared(mine, rows_of(session, other.id, kind))
            asked[common] += cost
            rows[other.id] = max(rows.get(other.id, 0), int(common.sum()))
        # the rows that were asked most may be left out, as far as the limit goes
        left = np.sort(asked)[::-1][int(limit * size) :]
        most = max(most, int(left[0]) if len(left) else 0)
    if not most:
        return Inherited()
    sharing = [(rows[other.id], _name(other), other.id) for other, _ in others if rows[other.id]]
    sharing.sort(reverse=True)
    told = (f"{name} ({common:,} of {size:,} rows)" for common, name, _ in sharing)
    return Inherited(most, tuple(told), tuple(number for *_, number in sharing))


def rows_of(session: Session, holdout: int, kind: str) -> Hashes:
    """Return the identities of a holdout's rows.

    Raises:
        VouchError: They are not as they were recorded.
    """
    parts = session.scalars(select(Rows).filter_by(holdout=holdout, kind=kind).order_by(Rows.id))
    content = []
    for part in parts:
        if fault := _fault(part):
            raise VouchError(f"the holdouts' ledger was changed: {fault}", RESTORE)
        content.append(part.hashes)
    return np.sort(np.frombuffer(b"".join(content), "<u8"))


def faults(session: Session) -> list[Fault]:
    """Compare the identities of all holdouts' rows with their digests, which the chain covers."""
    parts = session.scalars(select(Rows).order_by(Rows.id))
    return [fault for part in parts if (fault := _fault(part))]


def refunds(session: Session) -> list[Fault]:
    """Return the charges that were given back though their answer told something.

    The chain shows rows that were changed, not rows that were added with links of their own.
    """
    given = (
        select(Refund.question, Question.kind, Answer.answer)
        .join(Question, Question.id == Refund.question, isouter=True)
        .join(Answer, Answer.question == Refund.question, isouter=True)
    )
    return [
        Fault("inserted row", f"refunds [{question}]", "its question's answer was not free")
        for question, kind, answer in session.execute(given.order_by(Refund.question))
        if kind != "mean" or (answer or {}).get("from") != "training"
    ]


def _fault(part: Rows) -> Fault | None:
    if sha256(part.hashes).hexdigest() == part.digest:
        return None
    return Fault("changed row", f"rows [{part.id}]", "its hashes have another digest")


def _charged(
    session: Session, holdout: int, content: str, *, every: bool
) -> list[tuple[Holdout, int]]:
    """Return the other holdouts that were asked, and how much."""
    query = (
        select(Holdout, _count_of(every=every))
        .join(Question, Question.holdout == Holdout.id)
        .where(Holdout.id != holdout, Question.content != content)
        .group_by(Holdout.id)
        .order_by(Holdout.id)
    )
    rows = session.execute(query if every else query.where(KEPT))
    return [(other, int(cost)) for other, cost in rows]


def _count_of(*, every: bool) -> ColumnElement[int]:
    return func.count(Question.id) if every else func.sum(Question.cost)


def _of_itself(holdout: int, content: str) -> ColumnElement[bool]:
    return or_(Question.holdout == holdout, Question.content == content)


def _count(session: Session, holdout: int) -> int:
    query = select(func.sum(Rows.count)).filter_by(holdout=holdout, kind=CONTENT)
    return int(session.scalar(query) or 0)


def _name(holdout: Holdout) -> str:
    return f"{holdout.usecase} {holdout.source} set {holdout.set} generation {holdout.generation}"
