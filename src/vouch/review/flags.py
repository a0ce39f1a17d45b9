"""Reviewers whose decisions a second person should see, and why.

A flag says what is odd, never what a person is: a lead looks, and lifts it or does not. Answers on
rows of the holdout are sealed, and tell nothing here.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel

from vouch.metrics.figures import Figure, figure
from vouch.metrics.intervals import UNDEFINED, clopper_pearson
from vouch.review.page.params import ReviewParams
from vouch.review.queue.seats import Answer, Clearing

RUN = 20
"""Decisions in a row that are looked at together."""
HASTE, HASTY = 1.0, 5
"""So many decisions of one session in less than so many seconds each are too fast."""
SELDOM = 0.001
"""A change that is less likely by chance is a sudden one."""


class Flag(BaseModel):
    """What is odd about a person's decisions."""

    kind: Literal["skill", "fast", "flip"]
    reason: str


def flags(
    answers: Sequence[Answer],
    gold: Mapping[str, str],
    cleared: Mapping[str, Clearing],
    leads: Collection[str],
    params: ReviewParams,
) -> dict[str, list[Flag]]:
    """Return who is flagged, by what they decided since their flags were last lifted.

    Args:
        answers: Those that stand, in their order.
        gold: Cases whose answer is known, and the answers.
        cleared: When flags were lifted, by person.
        leads: Who is never flagged: their word ends a case.
        params: What is too little, and too fast.
    """
    own = defaultdict[str, list[Answer]](list)
    for answer in decisions(answers):
        if answer.person not in leads and answer.number > _lifted(cleared, answer.person):
            own[answer.person].append(answer)
    raised = {person: list(_flags(each, gold, params)) for person, each in own.items()}
    return {person: reasons for person, reasons in raised.items() if reasons}


def decisions(answers: Sequence[Answer]) -> list[Answer]:
    """Return the decisions whose words may be seen: none on rows of the holdout."""
    return [a for a in answers if a.said.kind == "decision" and a.sealed is None]


def waiting(
    latest: Sequence[Answer],
    flagged: Collection[str],
    cleared: Mapping[str, Clearing],
    seconded: Collection[str] = (),
) -> list[Answer]:
    """Return the decisions of flagged people that wait: nobody else's word is on their cases.

    Args:
        latest: Each person's newest decision on each case, those on the holdout among them.
        flagged: Who is flagged.
        cleared: When flags were lifted, by person: decisions up to then count.
        seconded: Cases that somebody else decided by file.
    """
    doubtful = [a for a in latest if a.person in flagged and a.number > _lifted(cleared, a.person)]
    numbers = {answer.number for answer in doubtful}
    sound = {answer.case for answer in latest if answer.number not in numbers} | {*seconded}
    return [answer for answer in doubtful if answer.case not in sound]


def _lifted(cleared: Mapping[str, Clearing], person: str) -> int:
    return cleared[person].number if person in cleared else 0


def accuracy(answers: Sequence[Answer], gold: Mapping[str, str]) -> tuple[int, Figure]:
    """Return on how many known cases a person decided, and the share they had right.

    Args:
        answers: Their decisions.
        gold: Cases whose answer is known, and the answers.
    """
    hits = [a.said.word == gold[a.case] for a in answers if a.gold and a.case in gold]
    if not hits:
        return 0, figure(float("nan"), UNDEFINED)
    share = sum(hits) / len(hits)
    return len(hits), figure(share, clopper_pearson(share, len(hits)))


def _flags(own: Sequence[Answer], gold: Mapping[str, str], params: ReviewParams) -> Iterator[Flag]:
    """Yield what is odd about one person's decisions."""
    count, right = accuracy(own, gold)
    if right["value"] is not None and right["interval"] and right["interval"][1] < params.skill:
        hits = round(right["value"] * count)
        most = f"at best {right['interval'][1]:.0%}, wanted are {params.skill:.0%}"
        yield Flag(kind="skill", reason=f"right on {hits} of {count} known cases: {most}")
    sessions = defaultdict[str, list[float]](list)
    for answer in own:
        sessions[answer.session].append(answer.seconds)
    yield from _fast(list(sessions.values()), params.fast)
    yield from _flip([answer.said.word or "" for answer in own])


def _fast(sessions: Sequence[Sequence[float]], fast: float) -> Iterator[Flag]:
    """Yield that a session had decisions faster than a case can be read."""
    runs = [_quickest(seconds) for seconds in sessions if len(seconds) >= RUN]
    if runs and (quickest := min(runs)) < fast:
        words = f"{RUN} decisions in a row in a median of {quickest:.1f} s"
        yield Flag(kind="fast", reason=f"{words}: less than {fast:g} s")
    hasty = max((sum(one < HASTE for one in seconds) for seconds in sessions), default=0)
    if hasty >= HASTY:
        yield Flag(kind="fast", reason=f"{hasty} decisions of one session in under {HASTE:g} s")


def _quickest(seconds: Sequence[float]) -> float:
    """Return the least median of a session's runs."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(seconds), RUN)
    return float(np.median(windows, axis=1).min())


def _flip(words: Sequence[str]) -> Iterator[Flag]:
    """Yield that a person chooses the rarer class far more or less often than before.

    Fisher 1922, On the interpretation of chi-squared from contingency tables, and the calculation
    of P, Journal of the Royal Statistical Society 85.
    """
    from scipy.stats import fisher_exact

    earlier, last = words[:-RUN], words[-RUN:]
    if len(earlier) < RUN:
        return
    counts = Counter(words)
    rarer = min(sorted(counts), key=lambda word: counts[word])
    before, now = earlier.count(rarer), last.count(rarer)
    table = [[before, len(earlier) - before], [now, RUN - now]]
    if fisher_exact(table).pvalue < SELDOM:
        shares = f"{now} of the last {RUN}, {before} of {len(earlier)} before"
        yield Flag(kind="flip", reason=f"{rarer}: {shares}")
