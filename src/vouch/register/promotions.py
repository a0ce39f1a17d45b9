"""The promotion log: who made which version champion, when and why. Rows are only ever added.

MLflow keeps no history of its aliases, so the log is the truth and the alias ``champion`` follows.
The alias moves inside the transaction that adds the row: whoever is killed in between has changed
nothing, and the same command can be repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import JSON, Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.database import append_only, open_database
from vouch.errors import VouchError
from vouch.holdout.ledger import actor, now

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
        kind: ``gate`` (the pipeline's own), ``manual`` or ``rollback``.
        who: Who decided: the operating system's user, or who answered in the Prefect page.
        why: The reason given.
        reasons: The gate's sentences, with their figures.
        at: When, UTC.
    """

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    from_version: Mapped[int | None]
    to_version: Mapped[int]
    kind: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    reasons: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime]


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
    """

    name: str
    to: int
    kind: Kind
    why: str
    reasons: tuple[str, ...] = ()
    who: str = ""


def history(state: Path, name: str) -> list[Promotion]:
    """Read a model's promotions, oldest first."""
    with Session(_engine(state), expire_on_commit=False) as session:
        return _history(session, name)


def standing(log: list[Promotion]) -> list[int]:
    """Replay a log: a promotion puts a version on top, a rollback takes the top away.

    Returns:
        Champions, the present one last; those before it are what rollbacks return to.
    """
    stack: list[int] = []
    for entry in log:
        if entry.kind == "rollback":
            stack.pop()
        else:
            stack.append(entry.to_version)
    return stack


def record(state: Path, change: Change, follow: Follow | None = None) -> Promotion:
    """Write a promotion.

    Args:
        state: The project's state folder.
        change: What to write.
        follow: Called with the new champion before the row is committed; where it raises, nothing
            is written.

    Raises:
        VouchError: The version is champion already, or no reason.
    """
    with Session(_engine(state), expire_on_commit=False) as session, session.begin():
        stack = standing(_history(session, change.name))
        if stack and stack[-1] == change.to:
            raise VouchError(
                f"{change.name}:{change.to} is the champion already",
                "name another with --version, or leave it so",
            )
        return _add(session, change, stack[-1] if stack else None, follow)


def record_rollback(state: Path, name: str, why: str, follow: Follow | None = None) -> Promotion:
    """Write the return to the champion before the present one.

    Args:
        state: The project's state folder.
        name: The registered model.
        why: The reason, not empty.
        follow: As for :func:`record`.

    Raises:
        VouchError: There is none to return to, or no reason.
    """
    with Session(_engine(state), expire_on_commit=False) as session, session.begin():
        stack = standing(_history(session, name))
        if len(stack) < 2:
            now_is = f"{name}:{stack[-1]}" if stack else "none"
            raise VouchError(
                f"{name} had no other champion before (it is {now_is})",
                f"promote the version you want: {by_hand(name)}",
            )
        return _add(session, Change(name, stack[-2], "rollback", why), stack[-1], follow)


@contextmanager
def unchanging(state: Path, name: str) -> Iterator[int | None]:
    """Keep a model's champion from changing.

    Args:
        state: The project's state folder.
        name: The registered model.

    Yields:
        The champion's version number, or None while there is none.
    """
    with Session(_engine(state)) as session, session.begin():
        stack = standing(_history(session, name))
        yield stack[-1] if stack else None


def by_hand(name: str) -> str:
    """Return the command that promotes a version of a model."""
    return f"vouch promote {name.partition('-')[0]} --version V --why TEXT"


def champion_version(state: Path, name: str) -> int | None:
    """Return the present champion's version number, or None while there is none."""
    if not (state / "vouch.db").exists():
        return None
    stack = standing(history(state, name))
    return stack[-1] if stack else None


def as_dict(entry: Promotion) -> dict[str, Any]:
    """Return a promotion as JSON has it."""
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


def _add(session: Session, change: Change, before: int | None, follow: Follow | None) -> Promotion:
    if not change.why.strip():
        raise VouchError("a promotion needs a reason", "say it: --why TEXT")
    entry = Promotion(
        name=change.name,
        from_version=before,
        to_version=change.to,
        kind=change.kind,
        who=change.who.strip() or actor(),
        why=change.why.strip(),
        reasons=list(change.reasons),
        at=now(),
    )
    session.add(entry)
    session.flush()  # a full disk is met before anything follows
    if follow:
        follow(change.to)
    return entry
