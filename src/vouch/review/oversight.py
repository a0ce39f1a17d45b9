"""What a lead sees of a queue: how far it is, how people decide, and what waits for the lead.

Answers on rows of the holdout are left out: nobody sees what people say of them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd
from pydantic import BaseModel

from vouch.core.clock import midnight
from vouch.metrics.agreement import fleiss
from vouch.metrics.clusters import Integers
from vouch.metrics.figures import Figure
from vouch.review.capacity import Workload
from vouch.review.collect.agreement import Agreement, kappas
from vouch.review.collect.by_file import FileDecision
from vouch.review.flags import Flag, accuracy, decisions, flags
from vouch.review.names import identity
from vouch.review.page.params import ReviewParams
from vouch.review.queue import Case
from vouch.review.queue.seats import Answer, Seats, latest

WEEK = timedelta(days=7)


class PersonWork(BaseModel):
    """How a person decides.

    Attributes:
        name: Who.
        today: Decisions since midnight (UTC).
        week: Decisions of the last seven days.
        seconds: The median time they had a case before them.
        known: Cases with a known answer they decided.
        accuracy: The share of those they had right, with its exact interval.
        flags: What is odd; their decisions wait where there is any.
        cleared_at: When a lead last lifted flags (UTC); None: never.
    """

    name: str
    today: int
    week: int
    seconds: float
    known: int
    accuracy: Figure
    flags: list[Flag]
    cleared_at: datetime | None


class Conflict(BaseModel):
    """A case whose reviewers differ: what it says, and who said what."""

    case: str
    facts: dict[str, Any]
    votes: dict[str, str]


class Skip(BaseModel):
    """A case that people could not decide, and why each could not."""

    case: str
    facts: dict[str, Any]
    reasons: dict[str, str]


class Settled(BaseModel):
    """A case that a lead's word on the page ended, and may be opened again."""

    case: str
    word: str
    lead: str
    settled_at: datetime


class Held(BaseModel):
    """A case in somebody's hands."""

    case: str
    person: str
    since: datetime
    until: datetime


class Oversight(BaseModel):
    """What a lead sees of a queue.

    Attributes:
        usecase: The use case.
        waiting: Decisions that are still wanted.
        oldest: Since when the oldest case waits that nobody holds (UTC); None: none waits.
        people: How each person decides.
        agreement: Cohen's kappa of each pair, the least first.
        together: Fleiss' kappa of all.
        conflicts: Cases whose reviewers differ and that no lead has settled.
        skips: Cases somebody skipped and no lead has settled, the newest first.
        settled: Cases that leads settled on the page, the newest first.
        holdings: Who holds what.
        workloads: What each person can still decide today, in all queues.
    """

    usecase: str
    waiting: int
    oldest: datetime | None
    people: list[PersonWork]
    agreement: list[Agreement]
    together: Figure
    conflicts: list[Conflict]
    skips: list[Skip]
    settled: list[Settled]
    holdings: list[Held]
    workloads: list[Workload] = []


class Brief(NamedTuple):
    """How far people agree, in short.

    Attributes:
        together: Fleiss' kappa of all.
        conflicts: Cases whose reviewers differ and that no lead has settled.
    """

    together: Figure
    conflicts: int


def brief(seats: Seats, by_file: Sequence[FileDecision]) -> Brief:
    """Return how far people agree.

    Args:
        seats: A queue's.
        by_file: What was decided by file.
    """
    answers = [answer for answer in seats.standing() if answer.sealed is None]
    votes, settled = _votes(answers, by_file), _settled(answers, by_file)
    differing = [case for case in _differing(votes) if case not in settled]
    return Brief(fleiss(_counts(_numbered(votes))), len(differing))


def oversee(
    usecase: str,
    seats: Seats,
    cases: Mapping[str, Case],
    leads: Collection[str],
    params: ReviewParams,
    moment: datetime,
    by_file: Sequence[FileDecision] = (),
) -> Oversight:
    """Return what a lead sees of a queue.

    Args:
        usecase: The use case.
        seats: Its seats.
        cases: Its cases, by id.
        leads: Who is never flagged.
        params: Who is flagged.
        moment: The present time (UTC, no zone).
        by_file: What was decided by file.
    """
    answers = [answer for answer in seats.standing() if answer.sealed is None]
    votes, settled = _votes(answers, by_file), _settled(answers, by_file)
    numbered = _numbered(votes)
    return Oversight(
        usecase=usecase,
        waiting=seats.free(),
        oldest=seats.oldest(),
        people=_people(seats, answers, leads, params, moment),
        agreement=kappas(numbered),
        together=fleiss(_counts(numbered)),
        conflicts=_conflicts(votes, cases, settled),
        skips=_skips(answers, cases, settled),
        settled=_words_of_leads(answers),
        holdings=[Held(**asdict(holding)) for holding in seats.holdings()],
    )


def _people(
    seats: Seats,
    answers: Sequence[Answer],
    leads: Collection[str],
    params: ReviewParams,
    moment: datetime,
) -> list[PersonWork]:
    gold, cleared = seats.gold(), seats.cleared()
    raised = flags(answers, gold, cleared, leads, params)
    by_person = defaultdict[str, list[Answer]](list)
    for answer in decisions(answers):
        by_person[answer.person].append(answer)
    measured = {name: accuracy(own, gold) for name, own in by_person.items()}
    return [
        PersonWork(
            name=name,
            **_pace(own, moment),
            known=measured[name][0],
            accuracy=measured[name][1],
            flags=raised.get(name, []),
            cleared_at=cleared[name].cleared_at if name in cleared else None,
        )
        for name, own in sorted(by_person.items())
    ]


class Pace(TypedDict):
    """How many cases a person decided of late, and how fast."""

    today: int
    week: int
    seconds: float


def _pace(own: Sequence[Answer], moment: datetime) -> Pace:
    return {
        "today": sum(answer.decided_at >= midnight(moment) for answer in own),
        "week": sum(answer.decided_at >= moment - WEEK for answer in own),
        "seconds": median(answer.seconds for answer in own),
    }


Votes = dict[str, dict[str, str]]


def _votes(answers: Sequence[Answer], by_file: Sequence[FileDecision]) -> Votes:
    """Return each person's newest word on each case, whichever way it came."""
    on_page = [answer for answer in latest(decisions(answers)) if not answer.gold]
    names = {identity(answer.person): answer.person for answer in on_page}
    cast = [(a.decided_at, a.case, a.person, a.said.word or "") for a in on_page]
    cast += [
        (one.decided_at, one.case, names.setdefault(identity(one.person), one.person), one.word)
        for one in by_file
        if one.word is not None
    ]
    votes: Votes = defaultdict(dict)
    for _, case, person, word in sorted(cast, key=lambda one: one[0]):
        votes[case][person] = word
    return dict(votes)


def _settled(answers: Sequence[Answer], by_file: Sequence[FileDecision]) -> set[str]:
    """Return the cases that a lead's word ended, on the page or by file."""
    return {a.case for a in answers if a.said.kind == "settled"} | {
        one.case for one in by_file if one.final
    }


def _words_of_leads(answers: Sequence[Answer]) -> list[Settled]:
    newest = {a.case: a for a in answers if a.said.kind == "settled"}
    return [
        Settled(case=a.case, word=a.said.word or "", lead=a.person, settled_at=a.decided_at)
        for a in sorted(newest.values(), key=lambda answer: -answer.number)
    ]


def _differing(votes: Votes) -> list[str]:
    return [case for case, cast in votes.items() if len(set(cast.values())) > 1]


def _numbered(votes: Votes) -> pd.DataFrame:
    """Return votes as a row a case, a column a person, the class's number or NaN."""
    words = sorted({word for cast in votes.values() for word in cast.values()})
    numbers = {word: number for number, word in enumerate(words)}
    rows = {case: {who: numbers[w] for who, w in cast.items()} for case, cast in votes.items()}
    return pd.DataFrame.from_dict(rows, orient="index", dtype=np.float64)


def _counts(votes: pd.DataFrame) -> Integers:
    """Return how many people chose each class of each case, shape (cases, classes)."""
    words = votes.to_numpy(np.float64)
    classes = int(np.nanmax(words, initial=0)) + 1
    return np.asarray((words[:, :, None] == np.arange(classes)).sum(axis=1))


def _conflicts(votes: Votes, cases: Mapping[str, Case], settled: set[str]) -> list[Conflict]:
    return [
        Conflict(case=case, facts=cases[case].facts, votes=dict(sorted(votes[case].items())))
        for case in _differing(votes)
        if case in cases and case not in settled
    ]


def _skips(answers: Sequence[Answer], cases: Mapping[str, Case], settled: set[str]) -> list[Skip]:
    reasons = defaultdict[str, dict[str, str]](dict)
    for answer in reversed(answers):
        if answer.said.kind == "skip" and answer.case in cases and answer.case not in settled:
            reasons[answer.case][answer.person] = answer.said.comment
    return [
        Skip(case=case, facts=cases[case].facts, reasons=each) for case, each in reasons.items()
    ]
