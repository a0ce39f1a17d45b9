"""People who decide on the review page: roles, passwords, sessions.

Passwords are kept as argon2id hashes (RFC 9106); links and sessions as SHA-256 digests of random
tokens, so what lies in the store opens nothing.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, delete, func, inspect, select
from sqlalchemy.orm import Session

from vouch.core.database import open_database, reading, writing
from vouch.core.errors import VouchError
from vouch.holdout.ledger import now as wall_clock
from vouch.labels.reviews import CONSENSUS
from vouch.review.names import identity, visible
from vouch.review.queue.tables import Base, FailureRow, PersonRow, SessionRow

Role = Literal["reviewer", "lead", "admin"]
ROLES: tuple[Role, ...] = ("reviewer", "lead", "admin")
"""Each may do what those before it may."""
LINK = timedelta(days=3)
"""How long the link to set a password works."""
SESSION = timedelta(hours=12)
IDLE = timedelta(hours=2)
"""A session ends after so long, and after so long without a request."""
TRIES, ADDRESS_TRIES, WINDOW = 5, 100, timedelta(minutes=15)
"""So many wrong passwords of one person, and from one address, where many may sit, in so long."""
SHORTEST, LONGEST = 12, 256
"""Characters of a password: NIST SP 800-63B asks for length, not for kinds of characters."""
NAME = 80
"""Characters of a name, at most."""
HASHER = PasswordHasher()
HASHING = threading.BoundedSemaphore(2)
"""So many passwords are hashed at once: each takes 64 MiB."""
NOBODY = HASHER.hash(secrets.token_hex(16))
"""Compared with where no such person is: the answer takes as long."""


@dataclass(frozen=True)
class Person:
    """Who decides.

    Attributes:
        name: As it was first written; decisions are signed with it.
        role: What they may do.
        has_password: Whether they have set one yet.
        disabled: Whether they may not log in.
        seen_at: When they were last logged in (UTC, no zone); None: not yet.
    """

    name: str
    role: Role
    has_password: bool = True
    disabled: bool = False
    seen_at: datetime | None = field(default=None, compare=False)

    def may(self, role: Role) -> bool:
        """Return whether they may do what a role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Login:
    """A logged-in browser.

    Attributes:
        person: Who.
        cookie: What the browser shows; empty where it is not told again.
        csrf: What each of its changes must carry.
        session: A name for it that opens nothing.
    """

    person: Person
    cookie: str
    csrf: str
    session: str


class People:
    """The people of a project.

    Args:
        state: The project's state folder.
        clock: Returns the present time (UTC, no zone).
        store: The store, where it is open already; None: open it.
    """

    def __init__(
        self,
        state: Path,
        clock: Callable[[], datetime] = wall_clock,
        store: Engine | None = None,
    ) -> None:
        self._engine = store or open_database(state, Base.metadata)
        self._clock = clock

    def add(self, name: str, role: Role) -> str:
        """Add a person, or give one who is there another role; return a token for a link.

        Whoever has the token sets the password, once and within three days; a new one replaces the
        last. The old password stays until then.

        Raises:
            VouchError: The name is empty, too long, or has signs that are not printed; or nobody
                would be left who manages people.
        """
        shown = visible(name).strip()
        reserved = identity(shown) == CONSENSUS
        if not shown or len(shown) > NAME or not shown.isprintable() or reserved:
            raise VouchError(
                f"name: got {name!r}", f"1 to {NAME} printed characters, and not {CONSENSUS!r}"
            )
        token = secrets.token_urlsafe(32)
        with writing(self._engine) as session:
            row = session.get(PersonRow, identity(name))
            if row is None:
                row = PersonRow(identity=identity(name), name=shown, added_at=self._clock())
                session.add(row)
            row.role, row.disabled = role, False
            row.link, row.link_until = _digest(token), self._clock() + LINK
            _check_admins(session, row)
        return token

    def set_role(self, name: str, role: Role) -> None:
        """Give a person another role, from their next request on.

        Raises:
            VouchError: No such person, or nobody would be left who manages people.
        """
        with writing(self._engine) as session:
            row = self._row(session, name)
            row.role = role
            _check_admins(session, row)

    def disable(self, name: str) -> None:
        """Let a person log in no more, and end their sessions; what they decided stays theirs.

        Raises:
            VouchError: No such person, or nobody would be left who manages people.
        """
        with writing(self._engine) as session:
            row = self._row(session, name)
            row.disabled, row.link = True, None
            session.execute(delete(SessionRow).where(SessionRow.person == row.identity))
            _check_admins(session, row)

    def _row(self, session: Session, name: str) -> PersonRow:
        row = session.get(PersonRow, identity(name))
        if row is None:
            raise VouchError(f"{name}: no such person", "vouch review list")
        return row

    def leads(self) -> set[str]:
        """Return the names of those whose word ends a case."""
        return {person.name for person in self.all() if person.may("lead")}

    def all(self) -> list[Person]:
        """Return everybody, by name."""
        with reading(self._engine) as session:
            rows = session.scalars(select(PersonRow).order_by(PersonRow.identity))
            return [_person(row) for row in rows]

    def invited(self, token: str) -> Person | None:
        """Return whose password a token of :meth:`add` sets; None where it does not work."""
        with reading(self._engine) as session:
            row = self._invited(session, token)
            return _person(row) if row else None

    def _invited(self, session: Session, token: str) -> PersonRow | None:
        row = session.scalars(select(PersonRow).filter_by(link=_digest(token))).first()
        fresh = row is not None and row.link_until is not None and row.link_until > self._clock()
        return row if fresh and row and not row.disabled else None

    def set_password(self, token: str, password: str) -> Person:
        """Set a password; the token works no more, and older sessions end.

        Raises:
            VouchError: The token does not work, or the password is too short, too long, or the
                name itself.
        """
        _check_password(password)
        if self.invited(token) is None:  # before it costs anything
            raise VouchError("this link does not work any more", "ask for a new one")
        with HASHING:  # takes long: not while the store is locked
            hashed = HASHER.hash(password)
        with writing(self._engine) as session:
            row = self._invited(session, token)
            if row is None:
                raise VouchError("this link does not work any more", "ask for a new one")
            if identity(password) == row.identity:
                raise VouchError("the password is the name", "choose another one")
            row.password, row.link = hashed, None
            session.execute(delete(SessionRow).where(SessionRow.person == row.identity))
            return _person(row)

    def log_in(self, name: str, password: str, address: str) -> Login | None:
        """Begin a session; None where name or password is wrong.

        Args:
            name: Who they say they are.
            password: What they know.
            address: Where the request came from.

        Raises:
            VouchError: Too many wrong passwords lately.
        """
        keys = (f"name {identity(name)}", f"address {address}")
        with writing(self._engine) as session:
            self._check_failures(session, keys)
            row = session.get(PersonRow, identity(name))
            hashed = row.password if row and row.password and not row.disabled else None
            # noted before it is compared: many tries at once count, too
            moment = self._clock()
            tries = [FailureRow(who=key, at=moment) for key in keys]
            session.add_all(tries)
            session.flush()
            numbers = [one.id for one in tries]
        if not _is_right(hashed, password):
            return None
        with writing(self._engine) as session:
            session.execute(delete(FailureRow).where(FailureRow.id.in_(numbers)))
            return self._begin(session, identity(name))

    def _check_failures(self, session: Session, keys: tuple[str, str]) -> None:
        session.execute(delete(FailureRow).where(FailureRow.at < self._clock() - WINDOW))
        for key, most in zip(keys, (TRIES, ADDRESS_TRIES), strict=True):
            count = select(func.count()).select_from(FailureRow).where(FailureRow.who == key)
            if (session.scalar(count) or 0) >= most:
                minutes = int(WINDOW.total_seconds() // 60)
                raise VouchError("too many wrong passwords", f"try again in {minutes} minutes")

    def _begin(self, session: Session, person: str) -> Login | None:
        moment = self._clock()
        session.execute(delete(SessionRow).where(SessionRow.until < moment))
        row = session.get(PersonRow, person)
        if row is None or row.disabled:
            return None
        row.seen_at = moment
        cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        digest = _digest(cookie)
        session.add(
            SessionRow(
                digest=digest, person=person, csrf=csrf, until=moment + SESSION, seen_at=moment
            )
        )
        return Login(_person(row), cookie, csrf, _digest(digest)[:16])

    def known(self, cookie: str, *, by_hand: bool = True) -> Login | None:
        """Return the session of a browser's cookie; None where it is unknown or has ended.

        Args:
            cookie: The cookie.
            by_hand: Whether a person asks, and not their open page by itself.
        """
        moment, digest = self._clock(), _digest(cookie)
        with reading(self._engine) as session:
            both = select(SessionRow, PersonRow).join(
                PersonRow, PersonRow.identity == SessionRow.person
            )
            pair = session.execute(both.where(SessionRow.digest == digest)).tuples().first()
            if pair is None or pair[1].disabled:
                return None
            row, person = pair
            if row.until < moment or row.seen_at < moment - IDLE:
                return None
            login = Login(_person(person), "", row.csrf, _digest(digest)[:16])
            unseen = row.seen_at < moment - IDLE / 20
        if by_hand and unseen:  # not each request writes
            self._see(digest, moment)
        return login

    def _see(self, digest: str, moment: datetime) -> None:
        """Note that a session was used, unless it ended meanwhile."""
        with writing(self._engine) as session:
            if row := session.get(SessionRow, digest):
                row.seen_at = moment
                if person := session.get(PersonRow, row.person):
                    person.seen_at = moment

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with writing(self._engine) as session:
            session.execute(delete(SessionRow).where(SessionRow.digest == _digest(cookie)))


def _check_admins(session: Session, changed: PersonRow) -> None:
    """Check, before a change is kept, that it takes away nobody who alone manages people."""
    was_admin = "admin" in inspect(changed).attrs.role.history.deleted or changed.role == "admin"
    session.flush()
    admins = select(func.count()).where(PersonRow.role == "admin", ~PersonRow.disabled)
    if was_admin and not session.scalar(admins):
        raise VouchError(f"{changed.name}: is the last admin", "make somebody else one first")


def _person(row: PersonRow) -> Person:
    role: Role = row.role  # type: ignore[assignment]
    return Person(row.name, role, row.password is not None, row.disabled, row.seen_at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _is_right(hashed: str | None, password: str) -> bool:
    if len(password) > LONGEST:
        return False
    try:
        with HASHING:
            return HASHER.verify(hashed or NOBODY, password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def _check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise VouchError(
            f"the password has {len(password)} characters", f"{SHORTEST} to {LONGEST}, any you like"
        )
