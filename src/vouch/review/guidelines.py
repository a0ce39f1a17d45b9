"""What tells reviewers how to decide: the use case's guideline, or the team's own, in versions."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from pydantic import BaseModel
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from vouch import usecases
from vouch.core.database import open_database, reading, writing
from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.holdout.ledger import now as wall_clock
from vouch.review.names import is_plain
from vouch.review.queue.tables import COUNTS, AnswerRow, Base, GuidelineRow, stands

OWN = "data/guidelines/{usecase}.md"
"""A team's own guideline, which takes the place of the use case's."""
DIGITS = 12
LONGEST = 10_000
"""Characters of a guideline that is edited on the page, at most."""
MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")
"""What would be HTML is shown as text; a picture would tell its server who reads this."""


class ChangedMeanwhileError(VouchError):
    """Another version came into force since the one that was edited."""


class Guideline(NamedTuple):
    """A guideline as it stands now.

    Attributes:
        text: Markdown; empty where there is none.
        version: The first ``DIGITS`` hex digits of the SHA-256 of the text (UTF-8).
    """

    text: str
    version: str


class GuidelineVersion(BaseModel):
    """A guideline as it was put in force once.

    Attributes:
        number: Its place in the history of all guidelines, from 1.
        version: See :class:`Guideline`.
        text: Markdown.
        author: Who put it in force on the page; empty: it came with the use case, or by file.
        saved_at: When (UTC); of a file: when the page first read it.
        decisions: How many decisions of the page that count now were made by this text.
    """

    number: int
    version: str
    text: str
    author: str
    saved_at: datetime
    decisions: int


def guideline(root: Path, usecase: str) -> Guideline:
    """Read how cases of a use case are to be decided.

    Args:
        root: The project's folder.
        usecase: The use case.

    Returns:
        ``data/guidelines/<usecase>.md`` if there is one, else what the use case ships.

    Raises:
        VouchError: No such use case, or a file that is no text of UTF-8.
    """
    shipped = usecases.find(usecase).guideline
    own = root / OWN.format(usecase=usecase)
    return _versioned(_read(own if own.exists() else shipped))


def _versioned(text: str) -> Guideline:
    return Guideline(text, hashlib.sha256(text.encode()).hexdigest()[:DIGITS])


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VouchError(f"{path}: cannot be read as text: {error}", "save it as UTF-8") from None


@lru_cache(maxsize=64)
def rendered(text: str) -> str:
    """Return a guideline's Markdown as HTML in which nothing runs and nothing is fetched."""
    return str(MARKDOWN.render(text))


class Guidelines:
    """The versions of a use case's guideline: the file says which one is in force.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        clock: Returns the present time (UTC, no zone).
        store: The store, where it is open already; None: open it.
    """

    def __init__(
        self,
        root: Path,
        state: Path,
        usecase: str,
        clock: Callable[[], datetime] = wall_clock,
        store: Engine | None = None,
    ) -> None:
        self._root, self._usecase, self._clock = root, usecase, clock
        self._engine = store or open_database(state, Base.metadata)

    def present(self) -> Guideline:
        """Return the guideline in force, and keep its text where the history lacks it.

        Every version that a decision names can be read so, also one that came by file.

        Raises:
            VouchError: The file is no text of UTF-8.
        """
        read = guideline(self._root, self._usecase)
        with reading(self._engine) as session:
            if self._has_newest(session, read):
                return read
        with writing(self._engine) as session:
            return self._noted(session)

    def _has_newest(self, session: Session, read: Guideline) -> bool:
        newest = self._newest(session)
        return newest is not None and newest.version == read.version

    def _noted(self, session: Session) -> Guideline:
        """Read the guideline in force while nobody else can save one, and keep its text."""
        read = guideline(self._root, self._usecase)
        if not self._has_newest(session, read):
            self._add(session, read, "")
        return read

    def _newest(self, session: Session) -> GuidelineRow | None:
        rows = select(GuidelineRow).filter_by(usecase=self._usecase)
        return session.scalars(rows.order_by(GuidelineRow.number.desc()).limit(1)).first()

    def _add(self, session: Session, edited: Guideline, author: str) -> None:
        session.add(
            GuidelineRow(
                usecase=self._usecase,
                version=edited.version,
                text=edited.text,
                author=author,
                saved_at=self._clock(),
            )
        )
        session.flush()

    def save(self, text: str, author: str, base: str) -> Guideline:
        """Put a text in force for every case shown from now on.

        Args:
            text: Markdown.
            author: Who edited it.
            base: The version they edited: no change of somebody else's is lost.

        Returns:
            What is in force then.

        Raises:
            ChangedMeanwhileError: Another version came into force meanwhile.
            VouchError: The text is empty, too long or steers a terminal.
        """
        return self._put(_versioned(cleaned(text)), author, base)

    def _put(self, edited: Guideline, author: str, base: str) -> Guideline:
        """Put a text in force: history and file in one step, so neither is ahead for long."""
        with writing(self._engine) as session:
            before = self._noted(session)
            if before.version != base:
                raise self._changed(session, before)
            if edited != before:
                self._add(session, edited, author)
                with replacing(self._root / OWN.format(usecase=self._usecase)) as draft:
                    draft.write_text(edited.text, "utf-8", newline="\n")
        return edited

    def _changed(self, session: Session, before: Guideline) -> ChangedMeanwhileError:
        newest = self._newest(session)
        author = newest.author if newest else ""
        return ChangedMeanwhileError(
            f"{author or 'a file'} changed the guideline meanwhile: version {before.version}",
            "nothing was saved: compare, and save again",
        )

    def restore(self, number: int, author: str, base: str) -> Guideline:
        """Put an earlier text in force again.

        Args:
            number: Its place in the history.
            author: Who does so.
            base: The version that was in force when they looked.

        Returns:
            What is in force then.

        Raises:
            ChangedMeanwhileError: Another version came into force meanwhile.
            VouchError: There is no such version.
        """
        with reading(self._engine) as session:
            row = session.scalars(
                select(GuidelineRow).filter_by(usecase=self._usecase, number=number)
            ).first()
        if row is None:
            raise VouchError(f"{self._usecase}: no guideline {number}", "load the page again")
        return self._put(Guideline(row.text, row.version), author, base)

    def has(self, version: str) -> bool:
        """Return whether a version was ever in force."""
        rows = select(GuidelineRow.number).filter_by(usecase=self._usecase, version=version)
        with reading(self._engine) as session:
            return session.scalars(rows.limit(1)).first() is not None

    def history(self) -> list[GuidelineVersion]:
        """Return every version that was in force since the page was first opened, newest first."""
        counts = (
            select(AnswerRow.guideline, func.count())
            .where(AnswerRow.usecase == self._usecase, AnswerRow.kind.in_(COUNTS), stands())
            .group_by(AnswerRow.guideline)
        )
        rows = select(GuidelineRow).filter_by(usecase=self._usecase)
        with reading(self._engine) as session:
            decided = dict(session.execute(counts).tuples().all())
            return [
                GuidelineVersion(
                    number=row.number,
                    version=row.version,
                    text=row.text,
                    author=row.author,
                    saved_at=row.saved_at,
                    decisions=decided.get(row.version, 0),
                )
                for row in session.scalars(rows.order_by(GuidelineRow.number.desc()))
            ]


def plain_lines(text: str) -> str:
    """Return a text with plain line ends: a browser's form sends two characters for each."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def cleaned(text: str) -> str:
    """Return a text as it is kept: with plain line ends, and one at its end.

    Args:
        text: Markdown.

    Raises:
        VouchError: It is empty, too long, or has control characters.
    """
    lines = plain_lines(text).strip("\n")
    if not lines.strip() or len(lines) > LONGEST or not is_plain(lines):
        raise VouchError(
            f"guideline: {len(lines):,} characters",
            f"1 to {LONGEST:,}, and none that steers a terminal",
        )
    return f"{lines}\n"
