"""The promotion log: who made which version champion, when and why. Rows are only ever added.

MLflow keeps no history of its aliases, so the log is the truth and the alias ``champion`` follows.
The alias moves inside the transaction that adds the row: whoever is killed in between has changed
nothing, and the same command can be repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile
from pathlib import Path
from typing import Literal, TypedDict

from sqlalchemy import JSON, Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.core.database import append_only, exists, open_database
from vouch.core.errors import VouchError
from vouch.holdout.blind import refusal
from vouch.holdout.ledger import Ledger, actor, now

Kind = Literal["gate", "manual", "rollback"]
Follow = Callable[[int], None]


class Base(DeclarativeBase):
    """The log's table."""


class Promotion(Base):
    """One change of a champion.

    Attributes:
        name: The registered model, ``<usecase>-<source>``.
        from_version: The champion before; None for the first.
        to_version: The champion from then on.
        model_id: What MLflow calls that champion's logged model: a number may be used again for
            another one. None in rows of older releases.
        kind: ``gate`` (the pipeline's own), ``manual`` or ``rollback``.
        who: Who decided: the operating system's user, or who answered in the Prefect page.
        why: The reason given.
        reasons: The gate's sentences, with their figures.
        at: When, UTC.
        ledger_head: The newest link of the holdouts' ledger by then, as text; None in rows of
            older releases, and where there is no ledger.
    """

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    from_version: Mapped[int | None]
    to_version: Mapped[int]
    model_id: Mapped[str | None]
    kind: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    reasons: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime]
    ledger_head: Mapped[str | None]


append_only(Base.metadata.tables["promotions"])


@dataclass(frozen=True)
class Change:
    """A change of champion to be written.

    Attributes:
        name: The registered model.
        to: The version to become champion.
        kind: Who decides.
        why: The reason, not empty.
        reasons: The gate's sentences.
        who: Who decides; empty: the operating system's user.
        model_id: What MLflow calls that version's logged model.
        instead_of: The champion, or None for none, that the decision was made against; empty: any.
    """

    name: str
    to: int
    kind: Kind
    why: str
    reasons: tuple[str, ...] = ()
    who: str = ""
    model_id: str | None = None
    instead_of: int | Literal["any"] | None = "any"


def history(state: Path, name: str) -> list[Promotion]:
    """Read a model's promotions, oldest first."""
    with Session(_engine(state), expire_on_commit=False) as session:
        return _history(session, name)


def standing(log: list[Promotion]) -> list[Promotion]:
    """Replay a log: a promotion puts a version on top, a rollback takes the top away.

    Returns:
        What made each champion, the present one last; those before it are what rollbacks return to.
    """
    stack: list[Promotion] = []
    for entry in log:
        if entry.kind == "rollback":
            stack.pop()
        else:
            stack.append(entry)
    return stack


def is_of(entry: Promotion | None, number: int, model_id: str | None) -> bool:
    """Return whether an entry made a version champion: its number and the model under it.

    A model of which an older release did not write the id goes by its number alone.
    """
    if entry is None or entry.to_version != number:
        return False
    return model_id is None or entry.model_id in (None, model_id)


def entries_of(log: list[Promotion], number: int, model_id: str | None) -> list[Promotion]:
    """Return the entries that made a version champion or replaced it.

    Those of another model, which had its number before, come before its own first one.
    """
    own = dropwhile(lambda entry: not is_of(entry, number, model_id), log)
    return [entry for entry in own if number in (entry.from_version, entry.to_version)]


def record(
    state: Path, usecase: str, change: Change, follow: Follow | None = None
) -> tuple[Promotion, bool]:
    """Write a promotion; where the version is champion already, nothing changes.

    Args:
        state: The project's state folder.
        usecase: Whose model, as its lineage says: a model's name does not tell it, since use cases
            and sources may have a hyphen in theirs.
        change: What to write.
        follow: Called with the new champion before the row is committed; where it raises, nothing
            is written.

    Returns:
        The entry that made it champion, and whether it is new.

    Raises:
        VouchError: Another champion than the decision was made against, or no reason; or the use
            case is blind.
    """
    check_not_blind(state, usecase, change.name, change.to)
    head = _ledger_head(state)
    with Session(_engine(state), expire_on_commit=False) as session, session.begin():
        stack = standing(_history(session, change.name))
        if stack and is_of(stack[-1], change.to, change.model_id or ""):
            return stack[-1], False
        before = stack[-1].to_version if stack else None
        if change.instead_of not in ("any", before):
            raise VouchError(
                f"{change.name}:{before} became champion meanwhile: version {change.to} was judged "
                f"against {change.instead_of or 'none'}",
                f"compare them, then: {by_hand(change.name)}",
            )
        return _add(session, change, before, follow, head), True


def check_not_blind(state: Path, usecase: str, name: str, version: int) -> None:
    """Check that a version may be promoted.

    Args:
        state: The project's state folder.
        usecase: Whose model, see :func:`record`.
        name: The registered model.
        version: Its version.

    Raises:
        VouchError: The use case is blind.
    """
    if reason := refusal(state, usecase):
        raise VouchError(
            f"{name}:{version} is not promoted: {reason}",
            "freeze the pipeline, unblind it, run it again, then promote",
        )


def record_rollback(
    state: Path, name: str, why: str, follow: Follow | None = None, leave: int | None = None
) -> Promotion:
    """Write the return to the champion before the present one.

    Args:
        state: The project's state folder.
        name: The registered model.
        why: The reason, not empty.
        follow: As for :func:`record`.
        leave: The champion to be left; None: whichever it is.

    Raises:
        VouchError: There is none to return to, another champion than ``leave``, or no reason.
    """
    head = _ledger_head(state)
    with Session(_engine(state), expire_on_commit=False) as session, session.begin():
        stack = standing(_history(session, name))
        now_is = f"{name}:{stack[-1].to_version}" if stack else "none"
        if leave is not None and (not stack or stack[-1].to_version != leave):
            raise VouchError(
                f"{name}:{leave} is not the champion (it is {now_is})",
                "it may have been rolled back already: see vouch lineage",
            )
        if len(stack) < 2:
            raise VouchError(
                f"{name} had no other champion before (it is {now_is})",
                f"promote the version you want: {by_hand(name)}",
            )
        back = stack[-2]
        change = Change(name, back.to_version, "rollback", why, model_id=back.model_id)
        return _add(session, change, stack[-1].to_version, follow, head)


@contextmanager
def unchanging(state: Path, name: str) -> Iterator[Promotion | None]:
    """Keep a model's champion from changing.

    Args:
        state: The project's state folder.
        name: The registered model.

    Yields:
        What made the champion, or None while there is none.
    """
    with Session(_engine(state)) as session, session.begin():
        stack = standing(_history(session, name))
        yield stack[-1] if stack else None


def by_hand(name: str) -> str:
    """Return the command that promotes a version of a model."""
    return f"vouch promote {name.partition('-')[0]} --version V --why TEXT"


def champion_entry(state: Path, name: str) -> Promotion | None:
    """Return what made the present champion, or None while there is none."""
    if not exists(state):
        return None
    stack = standing(history(state, name))
    return stack[-1] if stack else None


def champion_version(state: Path, name: str) -> int | None:
    """Return the present champion's version number, or None while there is none."""
    entry = champion_entry(state, name)
    return entry.to_version if entry else None


PromotionRecord = TypedDict(
    "PromotionRecord",
    {
        "name": str,
        "at": str,
        "who": str,
        "kind": str,
        "from": int | None,
        "to": int,
        "why": str,
        "reasons": list[str],
    },
)
"""A promotion as JSON."""


def as_dict(entry: Promotion) -> PromotionRecord:
    """Return a promotion as JSON."""
    return {
        "name": entry.name,
        "at": entry.at.isoformat(timespec="seconds"),
        "who": entry.who,
        "kind": entry.kind,
        "from": entry.from_version,
        "to": entry.to_version,
        "why": entry.why,
        "reasons": entry.reasons,
    }


def _engine(state: Path) -> Engine:
    return open_database(state, Base.metadata)


def _history(session: Session, name: str) -> list[Promotion]:
    query = select(Promotion).where(Promotion.name == name).order_by(Promotion.id)
    return list(session.scalars(query))


def _ledger_head(state: Path) -> str | None:
    head = Ledger(state).head()
    return str(head) if head else None


def _add(
    session: Session, change: Change, before: int | None, follow: Follow | None, head: str | None
) -> Promotion:
    if not change.why.strip():
        raise VouchError("a promotion needs a reason", "say it: --why TEXT")
    entry = Promotion(
        name=change.name,
        from_version=before,
        to_version=change.to,
        model_id=change.model_id,
        kind=change.kind,
        who=change.who.strip() or actor(),
        why=change.why.strip(),
        reasons=list(change.reasons),
        at=now(),
        ledger_head=head,
    )
    session.add(entry)
    session.flush()  # a full disk is met before anything follows
    if follow:
        follow(change.to)
    return entry
