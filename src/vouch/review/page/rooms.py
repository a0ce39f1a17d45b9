"""The queue of each use case, as the page's people see it."""

import random
import threading
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine

from vouch.core.clock import midnight
from vouch.core.errors import VouchError
from vouch.core.settings import load_params
from vouch.holdout.ledger import now
from vouch.project.inputs import INPUTS, Inputs, load_inputs, present_source
from vouch.project.stages import REVIEWS
from vouch.review.collect.batch import recorded
from vouch.review.collect.by_file import FileDecision, chosen
from vouch.review.collect.params import CollectParams
from vouch.review.guidelines import OWN, Guidelines
from vouch.review.names import is_plain
from vouch.review.oversight import Oversight, oversee
from vouch.review.page.params import ReviewParams
from vouch.review.people import Login
from vouch.review.queue import Case, Queue
from vouch.review.queue.seats import PAGE, Answer, Lease, Said, Seats, Submit, Turn
from vouch.sources.declaration import source_path
from vouch.usecases.classes import class_names

COMMENT = 2_000
"""Characters of a comment, at most."""
PARAMS = "params.yaml"
INBOX = "data/inbox/{usecase}/reviews"
"""Where the feedback flow looks for files of decisions."""


@dataclass(frozen=True)
class Shown:
    """A case before a person.

    Attributes:
        case: The case.
        lease: Their hold on it.
    """

    case: Case
    lease: Lease


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    Attributes:
        waiting: Decisions that are still wanted, of everybody.
        today: Decisions of this person since midnight (UTC).
    """

    waiting: int
    today: int


@dataclass(frozen=True)
class Desk:
    """What a person has before them, once what they did is on disk.

    Attributes:
        shown: The case they are to decide; None when nothing is left for them.
        ahead: The case they get after it, so that its page can be there already.
        progress: How far the work is.
        kept: The answer that was kept; None: none came, or it was refused.
        refused: Why what they did was refused.
    """

    shown: Shown | None
    ahead: Shown | None
    progress: Progress
    kept: Answer | None = None
    refused: VouchError | None = None


class Room:
    """One use case's queue and what its cases are shown with.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        store: The open store.
    """

    def __init__(self, root: Path, state: Path, usecase: str, store: Engine) -> None:
        self.usecase = usecase
        self.source = present_source(root, usecase)
        self.classes: Sequence[str] = class_names(self.source)
        self.params = load_params(root / PARAMS, ReviewParams, "review", usecase)
        self.guidelines = Guidelines(root, state, usecase, store=store)
        self.guideline = self.guidelines.present()
        self.queue = Queue(state, usecase, self.source.name, store)
        self.seats = Seats(state, usecase, self.source.name, self.params.leased, store=store)
        collected = load_params(root / PARAMS, CollectParams, "collect", usecase)
        self.takes_files = collected.files == "accept"
        self.inbox = root / INBOX.format(usecase=usecase)
        self._reviews = root / REVIEWS.format(usecase=usecase)
        self._seen: object = None
        self._collected: set[str] = set()
        self._by_file: list[FileDecision] = []
        self._looking = threading.Lock()

    def case(self, name: str) -> Case:
        """Return a case as it stands now.

        Raises:
            VouchError: There is none, or it was taken back.
        """
        case = self.queue.find(name)
        if case is None:
            raise VouchError(f"{name}: no such case", "it was taken back: go on with the next")
        return case

    def desk(self, login: Login, *, ahead: bool = True) -> Desk:
        """Put the next case before a person, and perhaps lease them the one after it."""
        return self._desk(self._turn(login, ahead=ahead))

    def submit(
        self, login: Login, token: str, said: Said, case: str, *, ahead: bool = True
    ) -> Desk:
        """Keep an answer and put the next case before its person: one transaction.

        The answer is refused where the word is no class, the comment is too long, a skip has no
        reason, or the case is not with this person; they get a case all the same.
        """
        try:
            self._check(said)
            shown = self.case(case)
        except VouchError as error:
            return replace(self.desk(login, ahead=ahead), refused=error)
        submit = Submit(token, self._with_page(said, shown), login.session, case)
        return self._desk(self._turn(login, submit, ahead=ahead))

    def _with_page(self, said: Said, case: Case) -> Said:
        """Add to an answer what its case was shown with."""
        guideline = self.guided_by(said.guideline)
        return replace(said, model=case.model, explanation=case.shown, guideline=guideline)

    def _turn(
        self,
        login: Login,
        submit: Submit | None = None,
        *,
        undo: str | None = None,
        ahead: bool = True,
    ) -> Turn:
        self._look_at_batches()
        name, since = login.person.name, midnight(now())
        gold = self._known(login)
        return self.seats.turn(name, since, submit, undo=undo, gold=gold, ahead=ahead)

    def _desk(self, turn: Turn) -> Desk:
        shown, ahead = (
            Shown(turn.cases[lease.case], lease) if lease else None
            for lease in (turn.now, turn.ahead)
        )
        progress = Progress(turn.waiting, turn.today)
        return Desk(shown, ahead, progress, turn.kept, turn.refused)

    def _known(self, login: Login) -> str | None:
        """Choose, now and then, a case whose answer is known."""
        if login.person.role != "reviewer" or random.random() >= self.params.gold:
            return None
        known = list(self.seats.gold())
        return random.choice(known) if known else None

    def guided_by(self, shown: str) -> str:
        """Return the guideline's version that an answer was made by.

        Args:
            shown: What the page says it showed; it may have been edited since.
        """
        earlier = shown != self.guideline.version and self.guidelines.has(shown)
        return shown if earlier else self.guideline.version

    def answer(self, login: Login, token: str, said: Said, case: str) -> Answer:
        """Keep an answer to a case, and hand out no other.

        Raises:
            VouchError: The word is no class, the comment is too long, a skip has no reason, or
                the case is not with this person.
        """
        self._check(said)
        said = self._with_page(said, self.case(case))
        return self.seats.answer(login.person.name, token, said, login.session, case)

    def _check(self, said: Said) -> None:
        if said.kind == "decision" and said.word not in self.classes:
            raise VouchError(f"decision: got {said.word!r}", f"one of {', '.join(self.classes)}")
        if said.kind == "skip" and not said.comment.strip():
            raise VouchError("skip: no reason", "say why this case cannot be decided")
        if len(said.comment) > COMMENT or not is_plain(said.comment):
            raise VouchError(
                f"comment: {len(said.comment):,} characters",
                f"at most {COMMENT:,}, and none that steers a terminal",
            )

    def settle(self, login: Login, case: str, word: str, *, known: bool = False) -> Answer:
        """Keep a lead's word on a case.

        Args:
            login: The lead.
            case: The case.
            word: The class.
            known: Whether reviewers are measured by it from now on.

        Raises:
            VouchError: The word is no class, no such case, or it is of the holdout.
        """
        self._check(Said("decision", word))
        lead, version = login.person.name, self.guideline.version
        return self.seats.settle(lead, case, word, login.session, known=known, guideline=version)

    def oversee(self, leads: Collection[str]) -> Oversight:
        """Return what a lead sees of the queue."""
        self._look_at_batches()
        cases = {case.case: case for case in self.queue.all()}
        return oversee(self.usecase, self.seats, cases, leads, self.params, now(), self._by_file)

    def unsettle(self, login: Login, case: str) -> bool:
        """Take back a lead's word on a case; return whether it was collected already.

        Raises:
            VouchError: No lead's word stands on the case.
        """
        self._look_at_batches()
        word = self.seats.unsettle(login.person.name, case, login.session)
        return word.token in self._collected

    def undo(self, login: Login) -> tuple[str, Desk]:
        """Take back a person's newest answer of this session; return what to tell them.

        What they get next is its case, unless it was a lead's word on a case.
        """
        turn = self._turn(login, undo=login.session)
        return self._told(turn), self._desk(turn)

    def _told(self, turn: Turn) -> str:
        if turn.refused:
            return f"{turn.refused}: {turn.refused.hint}."
        if turn.undone is None:
            return "Nothing is left to undo in this session."
        case, collected = turn.undone.answer.case, turn.undone.answer.token in self._collected
        if turn.undone.lease is None and collected:
            return f"{case} was collected already: your word counts until a lead settles it anew."
        if turn.undone.lease is None:
            return f"Your word on {case} is taken back: it is open as before."
        if collected:
            return "Your answer was collected already: it counts until you answer again."
        return "Your last answer is taken back."

    def progress(self, login: Login) -> Progress:
        """Return how far the work is."""
        today = self.seats.count(login.person.name, midnight(now()))
        return Progress(self.seats.free(), today)

    def _look_at_batches(self) -> None:
        """Take the cases off the page that were decided by file since the last look."""
        present = sorted(path.name for path in self._reviews.glob("*.parquet"))
        if present != self._seen:
            with self._looking:
                if present != self._seen:
                    self._look(present)

    def _look(self, present: list[str]) -> None:
        rows = recorded(self._reviews, self.source.name)
        ours = rows["unique_id"].fillna("").str.startswith(PAGE)
        self._collected = {one.removeprefix(PAGE) for one in rows["unique_id"][ours]}
        self._by_file = chosen(rows, self.source)
        people = {(one.case, one.person) for one in self._by_file}
        ended = {one.case for one in self._by_file if one.final}
        self.seats.taken_by_file(Counter(case for case, _ in people), ended)
        self._seen = present


class Rooms:
    """Every use case's room, made anew when its files change.

    Args:
        root: The project's folder.
        state: The project's state folder.
        store: The open store.
    """

    def __init__(self, root: Path, state: Path, store: Engine) -> None:
        self._root, self._state, self._store = root, state, store
        self._made: dict[str, tuple[object, Room]] = {}
        self._inputs = lru_cache(1)(self._load)
        self._making = threading.Lock()

    def names(self) -> list[str]:
        """Return the use cases that have a queue."""
        return sorted(self._choice().usecases)

    def _choice(self) -> Inputs:
        """Return what the use cases run on, read again when its file changes."""
        return self._inputs(_changed(self._root / INPUTS))

    def _load(self, _changed: int) -> Inputs:
        return load_inputs(self._root / INPUTS)

    def room(self, usecase: str) -> Room:
        """Return a use case's room.

        Raises:
            VouchError: No such use case, or its files are wrong.
        """
        seen = tuple(map(_changed, self._files(usecase)))
        made = self._made.get(usecase)
        if made is None or made[0] != seen:
            with self._making:  # many ask at once when a server begins: one makes it
                made = self._made.get(usecase)
                if made is None or made[0] != seen:
                    made = seen, Room(self._root, self._state, usecase, self._store)
                    self._made[usecase] = made
        return made[1]

    def _files(self, usecase: str) -> list[Path]:
        source = source_path(self._root, self._choice().choice(usecase).source)
        own = self._root / OWN.format(usecase=usecase)
        return [self._root / INPUTS, self._root / PARAMS, source, own]


def _changed(path: Path) -> int:
    """Return when a file was last changed, in nanoseconds; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0
