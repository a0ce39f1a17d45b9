"""Taking decisions in: checked, kept for good in one step, then versioned."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from vouch import usecases
from vouch.collect.agreement import Consensus, consensus, kappas
from vouch.collect.batch import keep, recorded, settled, untrained, version
from vouch.collect.check import check, moment
from vouch.collect.params import CollectParams
from vouch.collect.read import Answer, read_answers
from vouch.holdout.ledger import now
from vouch.label.reviews import CONSENSUS, SCHEMA
from vouch.progress import Progress, silent
from vouch.queue import Case, Queue
from vouch.score.stage import class_names
from vouch.settings import load_params
from vouch.sources.declaration import Declaration
from vouch.sources.inputs import present_source
from vouch.stages import REVIEWS

Floats = NDArray[np.float64]
AFTER = timedelta(microseconds=1)
"""By which a consensus is later than the decisions it rests on, and than the consensus before: the
newest label holds."""


@dataclass(frozen=True)
class Intake:
    """Where decisions go.

    Attributes:
        source: The declaration of the rows.
        folder: The batches' folder.
        cases: The cases that were put out, by id.
        params: When to retrain, and whose word is final.
        moment: When the decisions are taken in (UTC).
    """

    source: Declaration
    folder: Path
    cases: dict[str, Case]
    params: CollectParams
    moment: datetime


def collect(
    root: Path, state: Path, usecase: str, path: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Take a file of decisions in.

    A batch of decisions becomes one immutable file, written in one step; all else follows from
    these files. So a killed collect has taken all or nothing, and the same file may be collected
    again: a decision that is known is not taken twice.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        path: A filled-in case file (.csv), or an export of Label Studio (.json).
        progress: Told after each step.

    Returns:
        ``read`` (answers given), ``blank`` (cases nobody was at yet), ``new``, ``known``,
        ``set_aside`` (``line``, ``case``, ``reviewer``, ``reason``), ``batch`` (its name, or
        None), ``since_training``, ``enough``, ``agreement`` (Cohen's kappa by pair), ``conflicts``
        (cases whose reviewers differ) and ``warnings``.

    Raises:
        VouchError: The file cannot be read at all.
    """
    answers = read_answers(path)
    given = [answer for answer in answers if not answer.blank]
    source = present_source(root, usecase)
    params = load_params(root / "params.yaml", CollectParams, "collect", usecase)
    queue, folder = Queue(state, usecase, source.name), root / REVIEWS.format(usecase=usecase)
    with queue.alone():
        cases = {case.case: case for case in queue.all()}
        intake = Intake(source, folder, cases, params, now())
        progress(0, 3, "checking decisions")
        aside = check(root, given, cases, labels(source), intake.moment)
        right = [answer for place, answer in enumerate(given) if place not in aside]
        before = recorded(folder, source.name)
        fresh = _fresh(intake, right, before)
        progress(1, 3, "keeping them")
        decided = pd.concat([before, fresh]) if len(fresh) else before
        # a file may bring older decisions than those that are known
        decided = decided.sort_values("issued_at", kind="stable", ignore_index=True)
        votes, likely = _votes(intake, decided)
        agreed = consensus(votes, likely)
        issued = _issued(intake, decided, agreed, set(fresh["case"]))
        table = pa.concat_tables([_table(fresh), _table(issued)])
        batch = keep(folder, table, state / "scratch")
        progress(2, 3, "versioning them")
        version(root, folder)
    progress(3, 3, "collected")
    waiting = untrained(root, folder, usecase)
    return {
        "read": len(given),
        "blank": len(answers) - len(given),
        "batch": batch,
        "new": len(fresh),
        "known": len(right) - len(fresh),
        "set_aside": [asdict(one) for one in aside.values()],
        "since_training": waiting,
        "enough": waiting >= params.retrain_after,
        "agreement": kappas(votes),
        "conflicts": list(_conflicts(intake, decided, votes, agreed)),
        "warnings": [f"{len(aside)} answers are set aside"] if aside else [],
    }


def labels(source: Declaration) -> dict[str, int]:
    """Say what a decision may be, in lower case: the class's name, or the source's own."""
    own = usecases.find(source.usecase).CLASSES
    names = [*enumerate(class_names(source)), *enumerate(own)]
    return {name.lower(): number for number, name in names}


def _fresh(intake: Intake, answers: Sequence[Answer], before: pd.DataFrame) -> pd.DataFrame:
    """Keep what is not known: a label its reviewer never gave, or gave at a later, written time."""
    known = labels(intake.source)
    last = before.groupby(["case", "actor", "label"])["issued_at"].max().to_dict()
    rows = []
    for answer in answers:
        label, when = known[answer.decision.lower()], moment(answer.decided_at)
        key = (answer.case, answer.reviewer, label)
        if key in last and (when is None or when <= last[key]):
            continue
        last[key] = pd.Timestamp(when or intake.moment)
        rows.append(_issue(intake, answer, label, when or intake.moment))
    return pd.DataFrame(rows, columns=SCHEMA.names)


def _issue(intake: Intake, answer: Answer, label: int, when: datetime) -> dict[str, Any]:
    final = answer.gold or answer.reviewer in intake.params.leads
    return _about(intake.cases[answer.case]) | {
        "label": label,
        "actor": answer.reviewer,
        "issued_at": when,
        "confidence": None,
        "comment": answer.comment or None,
        "seconds": answer.seconds,
        "final": final,
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
    intake: Intake, decided: pd.DataFrame, agreed: dict[str, Consensus], touched: set[str]
) -> pd.DataFrame:
    """Issue what several reviewers come to, for the cases that this batch says something of."""
    told = pd.concat([decided, settled(intake.folder, intake.source.name)])
    newest = told.groupby("case")["issued_at"].max()
    ends = decided[decided["final"].astype(bool)].groupby("case")["label"].last()
    rows = []
    for case in sorted(touched & agreed.keys()):
        held = agreed[case]
        lead = case in ends.index
        rows.append(
            _about(intake.cases[case])
            | {
                "label": int(ends[case]) if lead else held.label,
                "actor": CONSENSUS,
                "issued_at": newest[case] + AFTER,
                "confidence": None if lead else held.confidence,
                "comment": "a lead's word" if lead else held.method,
                "seconds": None,
                "final": False,
            }
        )
    return pd.DataFrame(rows, columns=SCHEMA.names)


def _votes(intake: Intake, decided: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """Give each reviewer's last word on each case, and the model's probabilities."""
    there = decided[decided["case"].isin(intake.cases)]
    votes = there.groupby(["case", "actor"])["label"].last().unstack().astype(float)
    likely = np.array([intake.cases[str(case)].scores for case in votes.index])
    return votes, likely


def _table(rows: pd.DataFrame) -> pa.Table:
    plain = rows.astype(object).where(rows.notna(), None)
    return pa.Table.from_pylist(plain.to_dict("records"), SCHEMA)


def _conflicts(
    intake: Intake, decided: pd.DataFrame, votes: pd.DataFrame, agreed: dict[str, Consensus]
) -> Iterator[dict[str, Any]]:
    """Tell of the cases whose reviewers differ and no lead has spoken, the least certain first."""
    classes = usecases.find(intake.source.usecase).CLASSES
    ended = set(decided[decided["final"].astype(bool)]["case"])
    differing = votes[(votes.nunique(axis=1) > 1) & ~votes.index.isin(ended)]
    for case in sorted(differing.index, key=lambda case: agreed[case].confidence or 0.0):
        given = differing.loc[case].dropna()
        yield {
            "case": case,
            "entity": intake.cases[case].entity,
            "votes": {str(who): classes[int(label)] for who, label in given.items()},
            "consensus": classes[agreed[case].label],
            "confidence": agreed[case].confidence,
            "method": agreed[case].method,
        }
