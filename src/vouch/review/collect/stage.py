"""Collecting decisions: checked, stored in one step, then versioned."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.core.settings import load_params
from vouch.holdout.decisions import seal_decisions
from vouch.holdout.ledger import now
from vouch.labels.issues import HELD
from vouch.labels.reviews import CONSENSUS, SCHEMA
from vouch.project.inputs import present_source
from vouch.project.stages import REVIEWS
from vouch.review.collect.agreement import Agreement, Consensus, consensus, kappas
from vouch.review.collect.batch import keep, latest, recorded, untrained, version
from vouch.review.collect.check import check
from vouch.review.collect.check import decided as decided_at
from vouch.review.collect.page import read_page
from vouch.review.collect.params import CollectParams
from vouch.review.collect.people import first_written, recognised, renamed
from vouch.review.collect.read import Answer, Reading, read_answers
from vouch.review.names import identity
from vouch.review.page.params import ReviewParams
from vouch.review.queue import Case, Queue
from vouch.sources.declaration import Declaration, plain_word
from vouch.usecases.classes import class_names, decision_words, reviewed_words

Floats = NDArray[np.float64]
AFTER = timedelta(microseconds=1)
"""By which each issue is later than the one before, so that the newest label holds."""


@dataclass(frozen=True)
class Intake:
    """Where decisions go.

    Attributes:
        source: The declaration of the rows.
        folder: The batches' folder.
        cases: The cases that were put out, by id.
        params: When to retrain, and whose word is final.
        collected_at: When the decisions are collected, by this machine's clock (UTC).
        moment: When they are known: as collected, but after all that was issued before.
        sequence: The number of the last decision collected before.
    """

    source: Declaration
    folder: Path
    cases: dict[str, Case]
    params: CollectParams
    collected_at: datetime
    moment: datetime
    sequence: int


class Conflict(TypedDict):
    """A case whose reviewers differ: their votes by reviewer, and the consensus."""

    case: str
    entity: str
    votes: dict[str, str]
    consensus: str
    confidence: float | None
    method: str


class Collected(TypedDict):
    """What became of a file of decisions; see :func:`collect`."""

    read: int
    blank: int
    batch: str | None
    new: int
    known: int
    held: int
    set_aside: list[dict[str, Any]]
    since_training: int
    enough: bool
    agreement: list[Agreement]
    conflicts: list[Conflict]
    ignored: list[str]
    warnings: list[str]


def collect(
    root: Path, state: Path, usecase: str, path: Path | None = None, progress: Progress = silent
) -> Collected:
    """Collect a file of decisions, or those of the review page.

    A batch of decisions becomes one immutable file, written in one step; all else follows from
    these files. So a killed collect has taken all or nothing, and the same file may be collected
    again: a decision that is known is not taken twice.

    Whether an answer on a row of the holdout is new says nothing here: whoever guesses a
    colleague's decision would learn whether the guess is right. So it is taken unless that person
    has one of the same moment, whatever either says.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        path: A filled-in case file (.csv), or an export of Label Studio (.json); None: what
            people decided on the review page and no batch has yet.
        progress: Called after each step.

    Returns:
        ``read`` (answers given), ``blank`` (cases nobody was at yet), ``new``, ``known``,
        ``held`` (answers on rows of the holdout, new or not), ``set_aside`` (``line``,
        ``case``, ``reviewer``, ``reason``), ``batch`` (its name, or None), ``since_training``,
        ``enough``, ``agreement`` (Cohen's kappa by pair), ``conflicts``
        (cases whose reviewers differ), ``ignored`` (what the file claims and is not believed) and
        ``warnings``.

    Raises:
        VouchError: The file cannot be read at all, or files are refused.
    """
    source = present_source(root, usecase)
    params = load_params(root / "params.yaml", CollectParams, "collect", usecase)
    if path is not None and params.files == "refuse":
        raise VouchError(
            f"{path}: decisions are taken from the review page alone",
            f"decide there, or set collect.{usecase}.files: accept in params.yaml",
        )
    queue, folder = Queue(state, usecase, source.name), root / REVIEWS.format(usecase=usecase)
    with queue.alone():
        reading = read_answers(path) if path else _read_page(root, state, source, folder)
        answers = reading.answers
        filled = [answer for answer in answers if not answer.blank]
        cases = {case.case: case for case in queue.all()}
        intake = _intake(source, folder, cases, params, now())
        progress(0, 3, "checking decisions")
        before = recorded(folder, source.name, reviewed_words(source), state)
        filled = recognised(filled, before.sort_values(["sequence", "issued_at"]))
        aside = check(root, filled, cases, labels(source), intake.moment)
        right = [answer for place, answer in enumerate(filled) if place not in aside]
        held = sum(cases[answer.case].stream == HELD for answer in right)
        accepted = take(intake, right, before)
        progress(1, 3, "keeping them")
        batch = keep(folder, seal_decisions(state, accepted.table), state / "scratch")
        progress(2, 3, "versioning them")
        version(root, folder)
    progress(3, 3, "collected")
    waiting = untrained(root, folder, usecase)
    return {
        "read": len(filled),
        "blank": len(answers) - len(filled),
        "batch": batch,
        "new": accepted.new,
        "known": len(right) - held - accepted.new,
        "held": held,
        "set_aside": [asdict(refused) for refused in aside.values()],
        "since_training": waiting,
        "enough": waiting >= params.retrain_after,
        "agreement": kappas(_shown(accepted.votes, cases)),
        "conflicts": accepted.conflicts,
        "ignored": reading.ignored,
        "warnings": list(_warnings(len(aside), reading.waiting)),
    }


def _read_page(root: Path, state: Path, source: Declaration, folder: Path) -> Reading:
    params = load_params(root / "params.yaml", ReviewParams, "review", source.usecase)
    return read_page(state, source, folder, params)


def _warnings(aside: int, waiting: int) -> Iterator[str]:
    if aside:
        yield f"{aside} answers are set aside"
    if waiting:
        yield f"{waiting} decisions of flagged people wait for a second one: see the lead's page"


def _intake(
    source: Declaration,
    folder: Path,
    cases: dict[str, Case],
    params: CollectParams,
    clock: datetime,
) -> Intake:
    """Return when decisions are known: after the last issue, even if the clock was set back."""
    last, sequence = latest(folder)
    begun = [case.out_at for case in cases.values()] + ([] if last is None else [last + AFTER])
    return Intake(source, folder, cases, params, clock, max([clock, *begun]), sequence)


@dataclass(frozen=True)
class Taken:
    """The content of a batch.

    Attributes:
        table: Its rows: decisions, then what several reviewers come to.
        new: How many of them are decisions on rows that are not held out.
        votes: The last decision of each reviewer on each case, earlier batches included.
        conflicts: Cases whose reviewers differ.
    """

    table: pa.Table
    new: int
    votes: pd.DataFrame
    conflicts: list[Conflict]


def take(intake: Intake, answers: Sequence[Answer], before: pd.DataFrame) -> Taken:
    """Turn checked answers into the rows of a batch.

    Args:
        intake: Where they go, and when.
        answers: Those that can be taken, their reviewers recognised.
        before: Decisions of earlier batches, see :func:`vouch.review.collect.batch.recorded`.
    """
    written = first_written(before.sort_values(["sequence", "issued_at"])["actor"])
    before = before.assign(actor=renamed(before["actor"], written))
    fresh = _fresh(intake, answers, before)
    decided = pd.concat([before, fresh], ignore_index=True) if len(fresh) else before
    # a file may bring older decisions than those that are known
    decided = decided.sort_values(["decided_at", "sequence"], kind="stable", ignore_index=True)
    last = decided.groupby(["case", "actor"])["sequence"].last()
    keys = pd.MultiIndex.from_frame(fresh[["case", "actor"]])
    fresh["superseded"] = fresh["sequence"].to_numpy() != last.reindex(keys).to_numpy()
    votes, likely = _votes(intake, decided)
    agreed = _agreed(intake, votes, likely)
    touched = set(fresh.loc[~fresh["superseded"].astype(bool), "case"])
    rows = [_table(fresh), _table(_issued(intake, decided, agreed, touched, len(fresh)))]
    conflicts = list(_conflicts(intake, decided, votes, agreed))
    new = int((fresh["stream"] != HELD).sum())
    return Taken(pa.concat_tables(rows), new, votes, conflicts)


def labels(source: Declaration) -> dict[str, int]:
    """Return what a decision may be, in lower case, and its class."""
    words = decision_words(source).items()
    return {word: number for word, number in words if number is not None}


class _Recorded:
    """The decisions that were taken so far.

    Args:
        before: Those of earlier batches.
    """

    def __init__(self, before: pd.DataFrame) -> None:
        newest = before.groupby(["case", "actor", "label"])["decided_at"].max()
        self._newest: dict[Any, datetime] = newest.to_dict()
        self._moments = set(zip(before["case"], before["actor"], before["decided_at"], strict=True))

    def has(self, case: Case, who: str, label: int, when: datetime | None) -> bool:
        """Return whether a decision is known; of a row of the holdout, by its time alone."""
        if case.stream == HELD:
            return (case.case, who, when) in self._moments
        newest = self._newest.get((case.case, who, label))
        return newest is not None and (when is None or when <= newest)

    def add(self, case: Case, who: str, label: int, when: datetime) -> None:
        """Add a decision."""
        self._newest[case.case, who, label] = pd.Timestamp(when)
        self._moments.add((case.case, who, when))


def _fresh(intake: Intake, answers: Sequence[Answer], before: pd.DataFrame) -> pd.DataFrame:
    """Return decisions not yet recorded: a reviewer's new label, or an old one at a later time."""
    numbers, taken = labels(intake.source), _Recorded(before)
    rows: list[dict[str, Any]] = []
    for answer in answers:
        label, case = numbers[plain_word(answer.decision)], intake.cases[answer.case]
        when = decided_at(answer, case.out_at)
        if taken.has(case, answer.reviewer, label, when):
            continue
        taken.add(case, answer.reviewer, label, when or intake.moment)
        decision = _decision(intake, answer, label, when or intake.moment)
        rows.append(decision | _place(intake, len(rows)))
    return pd.DataFrame(rows, columns=SCHEMA.names)


def _place(intake: Intake, place: int) -> dict[str, Any]:
    """Return an issue's place in the order of collecting, from 0 in a batch."""
    return {
        "issued_at": intake.moment + place * AFTER,
        "collected_at": intake.collected_at,
        "sequence": intake.sequence + 1 + place,
    }


def _decision(intake: Intake, answer: Answer, label: int, when: datetime) -> dict[str, Any]:
    leads = {identity(lead) for lead in intake.params.leads}
    return _about(intake.cases[answer.case]) | {
        "label": label,
        "class_name": answer.decision,
        "actor": answer.reviewer,
        "decided_at": when,
        "confidence": None,
        "comment": answer.comment or None,
        "seconds": answer.seconds,
        "final": answer.final or identity(answer.reviewer) in leads,
        "superseded": False,
        "annotation": answer.annotation,
        "unique_id": answer.unique_id,
        "via": answer.via,
    }


def _about(case: Case) -> dict[str, Any]:
    return {
        "entity": case.entity,
        "source": "reviewer",
        "case": case.case,
        "propensity": case.propensity,
        "model_version": case.model,
        "origin": case.origin,
        "stream": case.stream,
    }


def _issued(
    intake: Intake,
    decided: pd.DataFrame,
    agreed: dict[str, Consensus],
    touched: set[str],
    place: int,
) -> pd.DataFrame:
    """Issue the reviewers' consensus for the cases that this batch has decisions on."""
    ends = _ends(decided)
    # in the words of those who said so: these are read anew where the declaration changes
    words = decided.groupby(["case", "label"])["class_name"].last().to_dict()
    names, rows = class_names(intake.source), []
    for number, case in enumerate(sorted(touched & agreed.keys()), start=place):
        outcome = agreed[case]
        lead = case in ends.index
        label = int(ends[case]) if lead else outcome.label
        rows.append(
            _about(intake.cases[case])
            | _place(intake, number)
            | {
                "label": label,
                "class_name": words.get((case, label), names[label]),
                "actor": CONSENSUS,
                "decided_at": intake.moment + number * AFTER,
                "confidence": None if lead else outcome.confidence,
                "comment": "a lead's word" if lead else outcome.method,
                "seconds": None,
                "final": False,
                "superseded": False,
                "annotation": None,
                "unique_id": None,
                "via": None,
            }
        )
    return pd.DataFrame(rows, columns=SCHEMA.names)


def _ends(decided: pd.DataFrame) -> "pd.Series[int]":
    """Return the class of each case that a lead's last word ended, by case."""
    newest = decided.drop_duplicates(["case", "actor"], keep="last")
    return newest[newest["final"].astype(bool)].groupby("case")["label"].last()


def _votes(intake: Intake, decided: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """Return each reviewer's last word on each case, and the model's probabilities."""
    rows = decided[decided["case"].isin(intake.cases)]
    votes = rows.groupby(["case", "actor"])["label"].last().unstack().astype(float)
    names = class_names(intake.source)
    likely = [intake.cases[str(case)].likely(names) for case in votes.index]
    return votes, np.array(likely).reshape(-1, len(names))


def _agreed(intake: Intake, votes: pd.DataFrame, likely: Floats) -> dict[str, Consensus]:
    """Return the consensus by case; that of rows of the holdout apart.

    How good reviewers are is estimated from all cases at once: what trains, and is not sealed, must
    not follow from what is said of the holdout.
    """
    agreed: dict[str, Consensus] = {}
    held = _held(votes, intake.cases)
    for part in (~held, held):
        agreed |= consensus(votes[part].dropna(axis=1, how="all"), likely[part])
    return agreed


def _held(votes: pd.DataFrame, cases: dict[str, Case]) -> NDArray[np.bool_]:
    """Return which cases are of rows of the holdout, shape (cases,)."""
    return np.array([cases[str(case)].stream == HELD for case in votes.index], np.bool_)


def _table(rows: pd.DataFrame) -> pa.Table:
    plain = rows.astype(object).where(rows.notna(), None)
    return pa.Table.from_pylist(plain.to_dict("records"), SCHEMA)


def _shown(votes: pd.DataFrame, cases: dict[str, Case]) -> pd.DataFrame:
    """Leave out rows of the holdout: of a few, what two people agree on tells what they said."""
    return votes[~_held(votes, cases)]


def _conflicts(
    intake: Intake, decided: pd.DataFrame, votes: pd.DataFrame, agreed: dict[str, Consensus]
) -> Iterator[Conflict]:
    """Yield the cases whose reviewers differ and no lead has spoken, the least certain first."""
    classes = class_names(intake.source)
    ended = set(_ends(decided).index)
    # of a row of the holdout nobody is told what the others say
    ended |= {case.case for case in intake.cases.values() if case.stream == HELD}
    differing = votes[(votes.nunique(axis=1) > 1) & ~votes.index.isin(ended)]
    for case in sorted(differing.index, key=lambda case: agreed[case].confidence or 0.0):
        choices = differing.loc[case].dropna()
        yield {
            "case": case,
            "entity": intake.cases[case].entity,
            "votes": {str(who): classes[int(label)] for who, label in choices.items()},
            "consensus": classes[agreed[case].label],
            "confidence": agreed[case].confidence,
            "method": agreed[case].method,
        }
