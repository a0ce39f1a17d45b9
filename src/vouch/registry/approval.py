"""Challengers that the gate found better and that wait for a person to promote them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.core.database import append_only, open_database
from vouch.core.errors import VouchError
from vouch.holdout.ledger import now
from vouch.registry.life import promote
from vouch.registry.promotions import (
    Promotion,
    champion_version,
    check_not_blind,
    history,
    is_of,
)
from vouch.registry.versions import find
from vouch.results.register import Registration

D = TypeVar("D", bound="Decision")


class Base(DeclarativeBase):
    """The tables of approvals and refusals."""


class Decision(Base):
    """A person's decision about a challenger.

    Attributes:
        name: The registered model.
        version: The challenger.
        model_id: What MLflow calls its logged model; None in rows of older releases.
        who: Who decided.
        why: The reason given.
        at: When, UTC.
    """

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    model_id: Mapped[str | None]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class Approval(Decision):
    """A decision to promote a challenger, kept also where another had decided so before."""

    __tablename__ = "approvals"


class Refusal(Decision):
    """A decision to keep the champion."""

    __tablename__ = "refusals"


for table in ("approvals", "refusals"):
    append_only(Base.metadata.tables[table])


@dataclass(frozen=True)
class Waiting:
    """A challenger that proved better and that nobody has decided about.

    Attributes:
        name: The registered model.
        version: Its version.
        champion: The version it would replace; None for none.
        reasons: The gate's sentences, with their figures.
        model_id: What MLflow calls its logged model.
    """

    name: str
    version: int
    champion: int | None
    reasons: tuple[str, ...]
    model_id: str | None = None


def waiting(registration: Path, state: Path) -> Waiting | None:
    """Find the challenger that waits for a person.

    Args:
        registration: What register wrote of the challenger.
        state: The project's state folder.

    Returns:
        None where the gate does not ask, found it no better, or somebody decided already.
    """
    facts = Registration.read(registration)
    name, version, gate, model_id = facts.name, facts.version, facts.gate, facts.model_id
    if gate["mode"] != "approval" or not gate["better"]:
        return None
    promoted = any(is_of(entry, version, model_id) for entry in history(state, name))
    if promoted or any(
        each["decision"] == "refused" for each in decisions(state, name, version, model_id)
    ):
        return None
    champion = champion_version(state, name)
    return Waiting(name, version, champion, tuple(gate["reasons"]), model_id)


def approve(state: Path, challenger: Waiting, who: str, why: str) -> Promotion:
    """Promote a challenger as a person decided; nothing changes if that was done already.

    Raises:
        VouchError: Another version became champion since they were asked, or no name or reason;
            or the use case is blind.
    """
    _check(who, why)
    version = find(state, challenger.name, str(challenger.version))
    check_not_blind(state, version.lineage.usecase, challenger.name, challenger.version)
    _write(state, Approval, challenger, who, why)
    entry, _ = promote(
        state, challenger.name, str(challenger.version), why, who, instead_of=challenger.champion
    )
    return entry


def refuse(state: Path, challenger: Waiting, who: str, why: str) -> Refusal:
    """Write down that a person keeps the champion; nobody is asked about this version again.

    Raises:
        VouchError: No name or no reason.
    """
    _check(who, why)
    return _write(state, Refusal, challenger, who, why)


def decisions(state: Path, name: str, version: int, model_id: str | None) -> list[dict[str, str]]:
    """Read what people decided about a challenger, oldest first.

    Args:
        state: The project's state folder.
        name: The registered model.
        version: The challenger.
        model_id: What MLflow calls its logged model; None: by the number alone.

    Returns:
        ``decision`` (``approved`` or ``refused``), ``who``, ``why`` and ``at``.
    """
    kinds: dict[str, type[Decision]] = {"approved": Approval, "refused": Refusal}
    with Session(open_database(state, Base.metadata)) as session:
        rows = [
            {"decision": word, "who": row.who, "why": row.why, "at": row.at.isoformat()}
            for word, kind in kinds.items()
            for row in session.scalars(_about(kind, name, version, model_id))
        ]
    return sorted(rows, key=lambda row: row["at"])


def _about(kind: type[D], name: str, version: int, model_id: str | None) -> "Select[tuple[D]]":
    query = select(kind).where(kind.name == name, kind.version == version).order_by(kind.id)
    if model_id is None:
        return query
    return query.where(or_(kind.model_id.is_(None), kind.model_id == model_id))


def _write(state: Path, kind: type[D], challenger: Waiting, who: str, why: str) -> D:
    """Write a decision; repeated word for word, as a task is after a failure, it is one."""
    who, why = who.strip(), why.strip()
    engine = open_database(state, Base.metadata)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        same = _about(kind, challenger.name, challenger.version, challenger.model_id)
        if row := session.scalars(same.where(kind.who == who, kind.why == why)).first():
            return row
        decided = {
            "name": challenger.name,
            "version": challenger.version,
            "model_id": challenger.model_id,
        }
        row = kind(**decided, who=who, why=why, at=now())
        session.add(row)
    return row


def _check(who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise VouchError("a decision needs a name and a reason", "give both")
