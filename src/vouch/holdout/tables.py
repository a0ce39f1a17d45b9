"""The ledger's tables, to which rows are only ever added."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from vouch.core.database import append_only


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


class Rotation(Base):
    """That a generation of a set's holdout, after the first, was opened and may be cut."""

    __tablename__ = "rotations"

    usecase: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    set: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[str]
    rotated_at: Mapped[datetime]


class Reserve(Base):
    """The share of parties whose rows after a holdout are kept for the next one, set once."""

    __tablename__ = "reserves"

    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), primary_key=True)
    share: Mapped[float]
    reserved_at: Mapped[datetime]


class Slot(Base):
    """Which parties a holdout of rows without time has, by their numbers from 0 to 1.

    Those from ``first`` on, below ``last``, are in it; those from there on, below ``kept``, are
    kept for later ones. All others train.
    """

    __tablename__ = "slots"

    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), primary_key=True)
    first: Mapped[float]
    last: Mapped[float]
    kept: Mapped[float]
    taken_at: Mapped[datetime]


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


class Refund(Base):
    """A question whose charge was given back: its answer told nothing that was not expected."""

    __tablename__ = "refunds"

    question: Mapped[int] = mapped_column(ForeignKey("questions.id"), primary_key=True)
    refunded_at: Mapped[datetime]


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


class Rows(Base):
    """Identities of a holdout's rows, see :mod:`vouch.holdout.rows`: those not written before.

    ``overlap`` is the share of them that may have been asked about before without counting, as it
    was declared when the first were written.
    """

    __tablename__ = "rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    holdout: Mapped[int] = mapped_column(ForeignKey("holdouts.id"), index=True)
    kind: Mapped[str]
    count: Mapped[int]
    overlap: Mapped[float]
    digest: Mapped[str]
    hashes: Mapped[bytes] = mapped_column(info={"unchained": True}, deferred=True)
    sealed_at: Mapped[datetime]


class Blindness(Base):
    """A use case that became blind or was unblinded, see :mod:`vouch.holdout.blind`.

    Attributes:
        usecase: Whose figures.
        state: ``on`` or ``off``.
        commitment: SHA-256 of the period's nonce, from which its offsets follow.
        nonce: When it began, encrypted with the project's key; when it ended, in plain: from then
            on everybody can take the offsets off what was shown. Hexadecimal digits; none where
            the period was abandoned, its key being lost.
        seen: When it began: whether development figures had been seen before.
        pipeline: When it ended: digest of what was frozen.
        git_commit: Likewise, the code's commit.
        actor: Who decided so.
        at: When, UTC.
        project: Whose period it is, where projects share a ledger; null: an earlier release wrote
            it, and it counts for all of them.
    """

    __tablename__ = "blindness"

    id: Mapped[int] = mapped_column(primary_key=True)
    usecase: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    commitment: Mapped[str]
    nonce: Mapped[str]
    seen: Mapped[bool | None]
    pipeline: Mapped[str | None]
    git_commit: Mapped[str | None]
    actor: Mapped[str]
    at: Mapped[datetime]
    project: Mapped[str | None]


class Link(Base):
    """One link of the chain: a row of another table, or the chain's beginning.

    Attributes:
        number: From 1, without gaps.
        subject: The row's table; :data:`vouch.holdout.chain.BEGINNING` for the first link.
        row: The row's primary key, a JSON list; of the first link how the chain began.
        previous: Digest of the link before; of the first one zeros, or the head of a ledger
            that was forgotten.
        content: Digest of the row's content.
        digest: Of all of these.
    """

    __tablename__ = "chain"
    __table_args__ = (UniqueConstraint("subject", "row"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str]
    row: Mapped[str]
    previous: Mapped[str]
    content: Mapped[str]
    digest: Mapped[str]


for _table in Base.metadata.tables.values():
    append_only(_table)
