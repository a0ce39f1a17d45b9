"""The queue of each use case, as the page's people see it."""

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from vouch.core.clock import midnight
from vouch.core.errors import VouchError
from vouch.core.settings import load_params
from vouch.holdout.ledger import now
from vouch.project.inputs import INPUTS, load_inputs, present_source
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
from vouch.review.queue.seats import PAGE, Answer, Lease, Said, Seats
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


class Room:
    """One use case's queue and what its cases are shown with.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
    """

    def __init__(self, root: Path, state: Path, usecase: str) -> None:
        self.usecase = usecase
        self.source = present_source(root, usecase)
        self.classes: Sequence[str] = class_names(self.source)
        self.params = load_params(root / PARAMS, ReviewParams, "review", usecase)
        self.guidelines = Guidelines(root, state, usecase)
        self.guideline = self.guidelines.present()
        self.queue = Queue(state, usecase, self.source.name)
        self.seats = Seats(state, usecase, self.source.name, self.params.leased)
        collected = load_params(root / PARAMS, CollectParams, "collect", usecase)
        self.takes_files = collected.files == "accept"
        self.inbox = root / INBOX.format(usecase=usecase)
        self._reviews = root / REVIEWS.format(usecase=usecase)
        self._cases: dict[str, Case] = {}
        self._seen: object = None
        self._collected: set[str] = set()
        self._by_file: list[FileDecision] = []

    def case(self, name: str) -> Case:
        """Return a case; what is shown of one never changes.

        Raises:
            VouchError: There is none, or it was taken back.
        """
        if name not in self._cases:
            self._cases |= {case.case: case for case in self.queue.all()}
        if name not in self._cases:
            raise VouchError(f"{name}: no such case", "it was taken back: go on with the next")
        return self._cases[name]

    def next(self, login: Login) -> Shown | None:
        """Return the case a person is to decide now; None when nothing is left for them."""
        self._look_at_batches()
        leases = self.seats.hand_out(login.person.name, 1, self._known(login))
        if not leases:
            return None
        self.seats.show(login.person.name, leases[0].token)
        return Shown(self.case(leases[0].case), leases[0])

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
        """Keep an answer to a case.

        Raises:
            VouchError: The word is no class, the comment is too long, a skip has no reason, or
                the case is not with this person.
        """
        self._check(said)
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
        settled = self.seats.settle(login.person.name, case, word, login.session)
        if known:
            self.seats.set_gold(case, word, login.person.name)
        return settled

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

    def undo(self, login: Login) -> str:
        """Take back a person's newest answer of this session; return what to tell them."""
        self._look_at_batches()
        before = self.seats.newest(login.person.name, login.session)
        lease = self.seats.undo(login.person.name, login.session)
        if lease is None or before is None:
            return "Nothing is left to undo in this session."
        if before.token in self._collected:
            return "Your answer was collected already: it counts until you answer again."
        return "Your last answer is taken back."

    def progress(self, login: Login) -> Progress:
        """Return how far the work is."""
        today = self.seats.count(login.person.name, midnight(now()))
        return Progress(self.seats.free(), today)

    def _look_at_batches(self) -> None:
        """Take the cases off the page that were decided by file since the last look."""
        present = sorted(path.name for path in self._reviews.glob("*.parquet"))
        if present == self._seen:
            return
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
    """

    def __init__(self, root: Path, state: Path) -> None:
        self._root, self._state = root, state
        self._made: dict[str, tuple[object, Room]] = {}

    def names(self) -> list[str]:
        """Return the use cases that have a queue."""
        return sorted(load_inputs(self._root / INPUTS).usecases)

    def room(self, usecase: str) -> Room:
        """Return a use case's room.

        Raises:
            VouchError: No such use case, or its files are wrong.
        """
        files = self._files(usecase)
        seen = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in files)
        if usecase not in self._made or self._made[usecase][0] != seen:
            self._made[usecase] = seen, Room(self._root, self._state, usecase)
        return self._made[usecase][1]

    def _files(self, usecase: str) -> list[Path]:
        inputs = load_inputs(self._root / INPUTS)
        source = source_path(self._root, inputs.choice(usecase).source)
        own = self._root / OWN.format(usecase=usecase)
        return [self._root / INPUTS, self._root / PARAMS, source, own]
