"""Giving cases to reviewers: chosen, explained, stored, written to a file."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from vouch.core.clock import midnight
from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.core.settings import load_params
from vouch.holdout.ledger import now
from vouch.models.predictions import decision_at
from vouch.project.inputs import present_source
from vouch.project.stages import find
from vouch.registry.versions import find as find_version
from vouch.results.evaluate import Evaluation
from vouch.results.register import Registration
from vouch.review.enqueue.cases import TRAINING, Desk, make_cases
from vouch.review.enqueue.files import check_out, write_cases
from vouch.review.enqueue.held import held_cases
from vouch.review.enqueue.overlap import first_seats, overlapping
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pending import Pending
from vouch.review.queue import Case, Queue

KILLED = "these are the cases that a killed run of enqueue chose"


class Enqueued(TypedDict):
    """The cases that were written: counts, file, model and warnings; see :func:`enqueue`."""

    cases: int
    by_stream: dict[str, int]
    by_part: dict[str, int]
    out: str
    model: str
    warnings: list[str]


def enqueue(
    root: Path,
    state: Path,
    usecase: str,
    n: int | None,
    out: Path | None,
    progress: Progress = silent,
) -> Enqueued:
    """Choose cases for reviewers; they wait on the review page, and in a file if one is named.

    Chosen are training rows, by their out-of-fold scores, and rows that came since the training,
    by the champion's: never one kept for the next holdout, never one that people were asked about
    already, never more in a day (UTC) than the source's ``capacity``. Rows of the holdout are drawn
    where people alone know its truth, see :mod:`vouch.review.enqueue.held`.
    The same call after a kill ends what the killed one began, with the cases that one chose.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        n: How many cases, one that two people decide counted twice; None: as many as the day has
            capacity left.
        out: A file for them: ``.csv``, or ``.json`` for Label Studio; not written without cases.
            None: the review page alone has them.
        progress: Called after each case explained.

    Returns:
        ``cases``, ``by_stream``, ``by_part`` (``training``, ``new``, ``holdout``), ``out``,
        ``model`` and ``warnings``.

    Raises:
        VouchError: No model is registered yet, an unknown suffix, ``out`` is there already, or
            ``n`` is less than 1.
    """
    pending = Pending(state, usecase)
    if out and not pending.is_for(out):
        check_out(out)
    if n is not None and n < 1:
        raise VouchError(f"-n: got {n}", "ask for 1 case or more")
    params = load_params(root / "params.yaml", EnqueueParams, "enqueue", usecase)
    desk = open_desk(root, state, usecase)
    with desk.queue.alone():
        if out:
            cases, warnings = _to_file(desk, n, params, pending, out, progress)
        else:
            chosen = _choose(desk, n, params, progress)
            desk.queue.put(chosen.seats, now())
            cases, warnings = chosen.cases, chosen.warnings
    return _summary(desk, cases, out, warnings)


@dataclass(frozen=True)
class Chosen:
    """Cases to put out, those of them that two people decide, and warnings."""

    cases: list[Case]
    twice: list[Case]
    warnings: list[str]

    @property
    def seats(self) -> list[Case]:
        """A case for each person who is to decide it."""
        return self.cases + self.twice


def _to_file(
    desk: Desk,
    n: int | None,
    params: EnqueueParams,
    pending: Pending,
    out: Path,
    progress: Progress,
) -> tuple[list[Case], list[str]]:
    """Choose cases and write them, or end what a killed run began; return them and warnings."""
    cases, warnings = pending.cases(desk.queue, out, desk.decided), [KILLED]
    if not cases:
        check_out(out)
        chosen = _choose(desk, n, params, progress)
        cases, warnings = chosen.cases, chosen.warnings
        pending.note(desk.queue, out, cases)
        # kept first: a case whose file is lost is written again (--again), never chosen twice
        desk.queue.put(chosen.seats, now())
    if not out.exists():  # one that a killed run wrote is whole, and may be filled in by now
        write_cases(out, cases, desk.source)
    pending.forget()
    return cases, warnings


def _choose(desk: Desk, n: int | None, params: EnqueueParams, progress: Progress) -> Chosen:
    """Choose cases, and which of them two people decide."""
    count, warnings = _target_count(desk, n)
    held = held_cases(desk, count, params) if count else []
    rest = count - len(held)
    wanted = first_seats(rest, params.overlap) if rest else 0
    others, notes = make_cases(desk, wanted, params, progress) if wanted else ([], [])
    twice = overlapping(others, params.overlap, rest - len(others))
    cases, warnings = held + others, warnings + notes
    if len(others) < wanted:
        warnings.append(f"only {len(cases)} rows are left that nobody was asked about")
    return Chosen(cases, twice, warnings)


def again(root: Path, state: Path, usecase: str, out: Path) -> Enqueued:
    """Write all cases that are out to a file once more.

    Raises:
        VouchError: No model is registered yet, an unknown suffix, or ``out`` is there already.
    """
    check_out(out)
    desk = open_desk(root, state, usecase)
    with desk.queue.alone():
        cases = outstanding(desk)
        write_cases(out, cases, desk.source)
        Pending(state, usecase).forget()
    return _summary(desk, cases, out, [])


def withdraw(root: Path, state: Path, usecase: str) -> int:
    """Take back all cases that are out and nobody answered; they may be chosen again.

    Returns:
        How many these were.
    """
    desk = open_desk(root, state, usecase)
    with desk.queue.alone():
        return desk.queue.withdraw([case.case for case in outstanding(desk)])


def outstanding(desk: Desk) -> list[Case]:
    """Return the cases that wait for a decision, in the order they were put out."""
    done, asked = desk.decided(), desk.queue.asked()
    return [case for case in desk.queue.all() if done[case.case] < asked[case.case]]


def open_desk(root: Path, state: Path, usecase: str) -> Desk:
    """Gather what a use case's cases are made from.

    Raises:
        VouchError: No model is registered yet.
    """
    source = present_source(root, usecase)
    registered = root / find("register").outputs["registration"].format(usecase=usecase)
    evaluated = root / find("evaluate").outputs["evaluation"].format(usecase=usecase)
    if not registered.exists():
        raise VouchError(f"{registered}: no model is registered yet", f"vouch run {usecase}")
    registration = Registration.read(registered)
    if registration.name != f"{usecase}-{source.name}":
        raise VouchError(
            f"{registered}: the model is {registration.name}, but the source is {source.name!r}",
            f"vouch run {usecase}",
        )
    queue, chosen = Queue(state, usecase, source.name), decision_at(Evaluation.read(evaluated).cut)
    version = find_version(state, registration.name, str(registration.version))
    return Desk(root, state, source, queue, version, chosen)


def _target_count(desk: Desk, n: int | None) -> tuple[int, list[str]]:
    capacity = desk.source.capacity
    remaining = max(capacity - desk.queue.count_since(midnight(now())), 0)
    if remaining and (n is None or n <= remaining):
        return remaining if n is None else n, []
    day = f"of the day's {capacity} (capacity in data/sources/{desk.source.name}.yaml)"
    return remaining, [f"{remaining} cases {day} are left" + (f", {n} were asked for" if n else "")]


def _summary(desk: Desk, cases: list[Case], out: Path | None, warnings: list[str]) -> Enqueued:
    poor = sum(case.poor for case in cases)
    if poor:
        warnings.append(f"the reasons of {poor} cases follow the model poorly; they are marked")
    if unstable := sum(bool(case.unstable) for case in cases):
        warnings.append(f"the reasons of {unstable} cases change from run to run; they are marked")
    return {
        "cases": len(cases),
        "by_stream": dict(sorted(Counter(case.stream for case in cases).items())),
        "by_part": dict(sorted(Counter(case.part or TRAINING for case in cases).items())),
        "out": str(out or ""),
        "model": ", ".join(sorted({case.model for case in cases})) or str(desk.version),
        "warnings": warnings,
    }
