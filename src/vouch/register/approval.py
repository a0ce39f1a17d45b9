"""A better challenger that waits for a person: the gate says better, a person promotes."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.database import append_only, open_database
from vouch.errors import VouchError
from vouch.files import read_json
from vouch.holdout.ledger import now
from vouch.register.life import promote
from vouch.register.promotions import Promotion, champion_version, history
from vouch.stages import find


class Base(DeclarativeBase):
    """The tables of approvals and refusals."""


class Approval(Base):
    """A person's decision to promote a challenger, kept also where another had decided so before.

    Attributes:
        name: The registered model.
        version: The challenger that was approved.
        who: Who decided.
        why: The reason given.
        at: When, UTC.
    """

    __tablename__ = "approvals"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class Refusal(Base):
    """A person's decision to keep the champion.

    Attributes:
        name: The registered model.
        version: The challenger that was refused.
        who: Who decided.
        why: The reason given.
        at: When, UTC.
    """

    __tablename__ = "refusals"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


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
    """

    name: str
    version: int
    champion: int | None
    reasons: tuple[str, ...]


def waiting(root: Path, state: Path, usecase: str) -> Waiting | None:
    """Find the challenger that waits for a person.

    Args:
        root: The project's folder; register has run.
        state: The project's state folder.
        usecase: Whose challenger.

    Returns:
        None where the gate does not ask, found it no better, or somebody decided already.
    """
    place = find("register").outputs["registration"].format(usecase=usecase)
    made = read_json(root / place)
    name, version, gate = made["name"], made["version"], made["gate"]
    if gate["mode"] != "approval" or not gate["better"]:
        return None
    decided = any(entry.to_version == version for entry in history(state, name))
    if decided or _refused(state, name, version):
        return None
    champion = champion_version(state, name)
    return Waiting(name, version, champion, tuple(gate["reasons"]))


def approve(state: Path, asked: Waiting, who: str, why: str) -> Promotion:
    """Promote a challenger as a person decided; where that was done already, nothing changes.

    Raises:
        VouchError: Another version became champion since they were asked, or no name or reason.
    """
    _check(who, why)
    decision = {"name": asked.name, "version": asked.version, "who": who.strip()}
    _write(state, Approval(**decision, why=why.strip(), at=now()))
    entry, _ = promote(state, asked.name, str(asked.version), why, who, instead_of=asked.champion)
    return entry


def refuse(state: Path, asked: Waiting, who: str, why: str) -> Refusal:
    """Write down that a person keeps the champion; nobody is asked about this version again.

    Raises:
        VouchError: No name or no reason.
    """
    _check(who, why)
    entry = Refusal(
        name=asked.name, version=asked.version, who=who.strip(), why=why.strip(), at=now()
    )
    _write(state, entry)
    return entry


def decisions(state: Path, name: str, version: int) -> list[dict[str, str]]:
    """Read what people decided about a challenger, oldest first.

    Args:
        state: The project's state folder.
        name: The registered model.
        version: The challenger.

    Returns:
        ``decision`` (``approved`` or ``refused``), ``who``, ``why`` and ``at``.
    """
    with Session(open_database(state, Base.metadata)) as session:
        rows = [
            *_read(session, Approval, "approved", name, version),
            *_read(session, Refusal, "refused", name, version),
        ]
    return sorted(rows, key=lambda row: row["at"])


def _read(
    session: Session, kind: type[Approval] | type[Refusal], decision: str, name: str, version: int
) -> list[dict[str, str]]:
    query = select(kind.who, kind.why, kind.at).where(kind.name == name, kind.version == version)
    return [
        {"decision": decision, "who": who, "why": why, "at": at.isoformat()}
        for who, why, at in session.execute(query)
    ]


def _write(state: Path, entry: Approval | Refusal) -> None:
    engine = open_database(state, Base.metadata)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.add(entry)


def _check(who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise VouchError("a decision needs a name and a reason", "give both")


def _refused(state: Path, name: str, version: int) -> bool:
    query = select(Refusal.id).where(Refusal.name == name, Refusal.version == version)
    with Session(open_database(state, Base.metadata)) as session:
        return session.scalar(query) is not None
